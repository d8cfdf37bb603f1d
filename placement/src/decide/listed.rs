//! Lists in sentences: whole where they are short, else their beginning and how many more there are.

/// How many entries a sentence holds.
const LISTED: usize = 20;

/// `a, b, c`; of many, the first and how many others.
pub(super) fn listed(mut entries: impl ExactSizeIterator<Item = String>) -> String {
    let all = entries.len();
    let shown: Vec<String> = entries.by_ref().take(LISTED).collect();
    match all - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} others", shown.join(", ")),
    }
}

/// The shares of rows: of many rows only those with a share, and how many have none.
pub(super) fn shares(rows: &[i64], text: impl Fn(usize) -> String) -> String {
    if rows.len() <= LISTED {
        return listed((0..rows.len()).map(text));
    }
    let with: Vec<usize> = rows
        .iter()
        .enumerate()
        .filter(|(_, share)| **share != 0)
        .map(|(index, _)| index)
        .collect();
    let none = rows.len() - with.len();
    let mut parts = Vec::new();
    if !with.is_empty() {
        parts.push(listed(with.into_iter().map(text)));
    }
    if none > 0 {
        parts.push(format!("none in {none} clusters"));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut() {
        let names = |count: usize| (0..count).map(|index| format!("c{index}")).collect::<Vec<_>>();
        assert_eq!(listed(names(3).into_iter()), "c0, c1, c2");
        assert!(listed(names(25).into_iter()).ends_with("c19 and 5 others"));
        let text = |index: usize| format!("c{index}");
        assert_eq!(shares(&[1, 0, 2], text), "c0, c1, c2");
        let mut many = vec![0; 1_000];
        assert_eq!(shares(&many, text), "none in 1000 clusters");
        many[7] = 3;
        assert_eq!(shares(&many, text), "c7; none in 999 clusters");
    }
}
