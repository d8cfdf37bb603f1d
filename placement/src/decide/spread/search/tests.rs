//! What must hold of every set that is found, judged by trying all sets of few clusters.

use proptest::prelude::*;

use smallvec::smallvec;

use super::*;

fn limit(min: usize, max: usize) -> Limit {
    Limit { min, max }
}

fn within(places: &[Place], limits: &[Limit], clusters: Limit, set: &[bool]) -> bool {
    let count = set.iter().filter(|chosen| **chosen).count();
    let fits = |limit: &Limit, count: usize| count >= limit.min && count <= limit.max;
    let groups = |dimension: usize| {
        let chosen = places.iter().zip(set).filter(|(_, chosen)| **chosen);
        let groups = chosen.flat_map(|(place, _)| place.groups[dimension].clone());
        groups.collect::<BTreeSet<usize>>().len()
    };
    fits(&clusters, count)
        && limits
            .iter()
            .enumerate()
            .all(|(dimension, limit)| fits(limit, groups(dimension)))
}

fn some_set(places: &[Place], limits: &[Limit], clusters: Limit) -> bool {
    (0_u32..1 << places.len()).any(|bits| {
        let set: Vec<bool> = (0..places.len()).map(|index| bits >> index & 1 == 1).collect();
        within(places, limits, clusters, &set)
    })
}

fn any_limit() -> impl Strategy<Value = Limit> {
    (1_usize..4, prop_oneof![Just(usize::MAX), 0_usize..3])
        .prop_map(|(min, more)| limit(min, if more == usize::MAX { more } else { min + more }))
}

fn judge(places: &[Place], limits: &[Limit], clusters: Limit) -> Result<Found, TestCaseError> {
    let found = search(places, limits, clusters);
    let holds = within(places, limits, clusters, &found.chosen);
    prop_assert_eq!(holds, found.shortage == 0, "{:?}", found);
    let maxima: Vec<Limit> = limits.iter().map(|one| limit(0, one.max)).collect();
    let most = limit(0, clusters.max);
    prop_assert!(
        within(places, &maxima, most, &found.chosen),
        "maxima hold always: {found:?}"
    );
    if holds {
        for index in (0..places.len()).filter(|index| !found.chosen[*index]) {
            let mut more = found.chosen.clone();
            more[index] = true;
            prop_assert!(
                !within(places, limits, clusters, &more),
                "{index} could come too: {found:?}"
            );
        }
    }
    let held: Vec<bool> = places.iter().map(|place| place.held).collect();
    if within(places, limits, clusters, &held) {
        let kept = found.chosen.iter().zip(&held).all(|(chosen, held)| *chosen || !*held);
        prop_assert!(kept, "what is placed stays: {found:?}");
    }
    let placed = found.chosen.iter().zip(places).map(|(chosen, place)| Place {
        held: *chosen,
        ..place.clone()
    });
    let again = search(&placed.collect::<Vec<_>>(), limits, clusters);
    if holds {
        prop_assert_eq!(&again.chosen, &found.chosen, "searched again, nothing moves");
    }
    Ok(found)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn one_dimension_is_exact(
        rows in prop::collection::vec((0_usize..4, any::<bool>()), 1..8), by in any_limit(), clusters in any_limit(),
    ) {
        let places: Vec<Place> = rows.iter().map(|(group, held)| Place { groups: smallvec![smallvec![*group]], held: *held }).collect();
        let found = judge(&places, &[by], clusters)?;
        prop_assert_eq!(found.shortage == 0, some_set(&places, &[by], clusters), "{:?}", found);
    }

    #[test]
    fn two_nested_dimensions(
        rows in prop::collection::vec((0_usize..5, any::<bool>()), 1..8),
        zones in any_limit(), regions in any_limit(), clusters in any_limit(),
    ) {
        let places: Vec<Place> = rows.iter()
            .map(|(zone, held)| Place { groups: smallvec![smallvec![*zone], smallvec![*zone / 2]], held: *held }).collect();
        let limits = [zones, regions];
        let found = judge(&places, &limits, clusters)?;
        prop_assert_eq!(found.shortage == 0, some_set(&places, &limits, clusters), "{:?}", found);
    }

    #[test]
    fn any_dimensions_are_within_the_limits(
        rows in prop::collection::vec((prop::collection::btree_set(0_usize..4, 1..3), 0_usize..3, any::<bool>()), 1..8),
        zones in any_limit(), providers in any_limit(), clusters in any_limit(),
    ) {
        let places: Vec<Place> = rows.iter().map(|(zones, provider, held)| {
            Place { groups: smallvec![zones.iter().copied().collect(), smallvec![*provider]], held: *held }
        }).collect();
        judge(&places, &[zones, providers], clusters)?;
    }
}
