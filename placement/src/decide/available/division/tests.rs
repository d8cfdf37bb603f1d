//! Divisions by room as tables, and what must hold of each.

use proptest::prelude::*;

use super::*;

/// `3+5` holds 3 and has room for 5 more, `3+?` not known how many, `3!5` may not grow; `/1` is of the next tier.
fn berths(text: &str) -> Vec<Berth> {
    let berth = |(rank, word): (u64, &str)| {
        let (word, tier) = word
            .split_once('/')
            .map_or((word, 0), |(word, tier)| (word, tier.parse().unwrap()));
        let grows = word.contains('+');
        let (held, room) = word.split_once(['+', '!']).unwrap();
        Berth {
            held: held.parse().unwrap(),
            room: room.parse().ok(),
            grows,
            tier,
            rank,
        }
    };
    (0..).zip(text.split_whitespace()).map(berth).collect()
}

const WEIGHTED: Style = Style {
    aggregated: false,
    afresh: false,
    spread: false,
};
const AGGREGATED: Style = Style {
    aggregated: true,
    ..WEIGHTED
};

#[test]
fn by_room() {
    let afresh = |style: Style| Style { afresh: true, ..style };
    let rows: &[(&str, i64, &str, Style, &[i64])] = &[
        ("in proportion", 9, "0+20 0+10", WEIGHTED, &[6, 3]),
        ("no more than fits", 9, "0+2 0+10", WEIGHTED, &[2, 7]),
        ("what does not fit is left over", 9, "0+2 0+3", WEIGHTED, &[2, 3]),
        ("none is none", 4, "0+0 0+4", WEIGHTED, &[0, 4]),
        ("not known is not none", 4, "0+? 0+0", WEIGHTED, &[4, 0]),
        ("not known is as much as is wanted", 6, "0+? 0+6", WEIGHTED, &[3, 3]),
        (
            "what runs stays though it has no room",
            6,
            "3+0 3+100",
            WEIGHTED,
            &[3, 3],
        ),
        ("only what is more is divided", 9, "3+1 3+2", WEIGHTED, &[4, 5]),
        ("what may not grow keeps", 9, "3!9 3+9", WEIGHTED, &[3, 6]),
        ("fewer, in proportion", 6, "8+0 4+9", WEIGHTED, &[4, 2]),
        ("a lost cluster's go elsewhere", 9, "3+4 3+2", WEIGHTED, &[5, 4]),
        (
            "asked for: by all the room there is",
            9,
            "9+0 0+9",
            afresh(WEIGHTED),
            &[5, 4],
        ),
        ("asked for: may not grow", 9, "3!9 6+9", afresh(WEIGHTED), &[2, 7]),
        ("overflow", 9, "0+4 0+20/1 0+20/2", WEIGHTED, &[4, 5, 0]),
        (
            "overflow stays while nothing changes",
            9,
            "4+9 5+9/1",
            WEIGHTED,
            &[4, 5],
        ),
        ("overflow leaves first", 6, "4+0 5+9/1", WEIGHTED, &[4, 2]),
        (
            "overflow comes home when asked",
            9,
            "4+9 5+9/1",
            afresh(WEIGHTED),
            &[9, 0],
        ),
        ("one that holds them all", 5, "0+4 0+6 0+9", AGGREGATED, &[0, 0, 5]),
        ("as few as hold them", 12, "0+4 0+6 0+9", AGGREGATED, &[0, 5, 7]),
        ("where it is first", 5, "2+3 0+9", AGGREGATED, &[5, 0]),
        (
            "where it is, then the roomiest",
            9,
            "2+3 0+1 0+9",
            AGGREGATED,
            &[4, 0, 5],
        ),
        ("the small ones empty first", 5, "2+9 5+0", AGGREGATED, &[0, 5]),
        ("all that is known is nothing", 5, "0+? 0+?", AGGREGATED, &[5, 0]),
        ("asked for: together", 6, "3+9 3+2", afresh(AGGREGATED), &[6, 0]),
        (
            "spread: one at least",
            4,
            "0+90 0+1 0+1",
            Style {
                spread: true,
                ..WEIGHTED
            },
            &[2, 1, 1],
        ),
    ];
    for (what, wanted, text, style, expected) in rows {
        assert_eq!(divide(*wanted, &berths(text), *style), *expected, "{what}");
    }
}

fn any_berths() -> impl Strategy<Value = Vec<Berth>> {
    let berth = (
        0_i64..12,
        prop::option::weighted(0.8, 0_i64..15),
        prop::bool::weighted(0.8),
        0_usize..3,
    );
    prop::collection::vec(berth, 1..7).prop_map(|rows| {
        let berth = |(rank, (held, room, grows, tier))| Berth {
            held,
            room,
            grows,
            tier,
            rank,
        };
        (0..).zip(rows).map(berth).collect()
    })
}

fn any_style() -> impl Strategy<Value = Style> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(aggregated, afresh, spread)| Style {
        aggregated,
        afresh,
        spread,
    })
}

proptest! {
    #[test]
    fn the_sum_is_what_was_wanted_or_all_are_full(wanted in 0_i64..60, berths in any_berths(), style in any_style()) {
        let shares = divide(wanted, &berths, style);
        let sum: i64 = shares.iter().sum();
        prop_assert!(sum <= wanted);
        let most = |berth: &Berth| berth.held + if berth.grows { berth.room.unwrap_or(wanted) } else { 0 };
        let full = berths.iter().zip(&shares).all(|(berth, share)| *share >= most(berth).min(wanted));
        prop_assert!(sum == wanted || full, "{shares:?}");
        prop_assert!(berths.iter().zip(&shares).all(|(berth, share)| *share >= 0 && *share <= most(berth)), "{shares:?}");
    }

    #[test]
    fn what_runs_moves_only_when_it_must(wanted in 0_i64..60, berths in any_berths(), style in any_style()) {
        let style = Style { afresh: false, ..style };
        let held: i64 = berths.iter().map(|berth| berth.held).sum();
        let shares = divide(wanted, &berths, style);
        for (berth, share) in berths.iter().zip(&shares) {
            prop_assert!(if held <= wanted { *share >= berth.held } else { *share <= berth.held }, "{shares:?}");
        }
        let settled: Vec<Berth> = berths.iter().zip(&shares).map(|(berth, share)| Berth { held: *share, ..*berth }).collect();
        if shares.iter().sum::<i64>() == wanted {
            // Whatever room does now.
            let other: Vec<Berth> = settled.iter().map(|berth| Berth { room: Some(berth.held * 3 % 7), ..*berth }).collect();
            prop_assert_eq!(divide(wanted, &other, style), shares.clone());
        }
        // An unused cluster that goes changes nothing; a used one moves only its own.
        for lost in 0..berths.len() {
            let rest: Vec<Berth> = settled.iter().enumerate().filter(|(index, _)| *index != lost).map(|(_, berth)| *berth).collect();
            let after = divide(wanted, &rest, style);
            for (berth, share) in rest.iter().zip(&after) {
                let same = shares[lost] == 0 && shares.iter().sum::<i64>() == wanted;
                prop_assert!(*share >= berth.held && (!same || *share == berth.held), "{shares:?} without {lost}: {after:?}");
            }
        }
    }

    #[test]
    fn afresh_is_the_same_twice(wanted in 0_i64..60, berths in any_berths(), aggregated in any::<bool>()) {
        let style = Style { aggregated, afresh: true, spread: false };
        let shares = divide(wanted, &berths, style);
        let kept = Style { afresh: false, ..style };
        let settled: Vec<Berth> = berths.iter().zip(&shares).map(|(berth, share)| Berth { held: *share, ..*berth }).collect();
        if shares.iter().sum::<i64>() == wanted {
            prop_assert_eq!(divide(wanted, &settled, kept), shares);
        }
    }
}
