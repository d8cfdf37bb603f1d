//! A master file cut into entries, with times in seconds.
//!
//! In: bytes. Out: entry by entry its first line and its text, in which times such as `1h30m`, where a TTL or a timer of an SOA
//! may stand, are plain seconds; and where `@` stands for the origin in a record's data. Absent: what entries mean.

use std::borrow::Cow;
use std::ops::Range;

/// An entry: a record or a directive, over one line or, in parentheses, several.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Line it begins in, from 1.
    pub(super) line: usize,
    /// Its text, with a final newline.
    pub(super) text: Vec<u8>,
    /// The time of a `$TTL` directive.
    pub(super) default_ttl: Option<u32>,
    /// Where in the text an `@` stands for the origin, in a record's data.
    origins: Vec<usize>,
}

impl Entry {
    /// The text with the origin, absolute, where an `@` stands for it.
    pub(super) fn text_at(&self, origin: impl FnOnce() -> String) -> Cow<'_, [u8]> {
        if self.origins.is_empty() {
            return Cow::Borrowed(&self.text);
        }
        let origin = origin();
        let mut out = Vec::with_capacity(self.text.len() + origin.len());
        let mut copied = 0;
        for at in &self.origins {
            out.extend_from_slice(self.text.get(copied..*at).unwrap_or_default());
            out.extend_from_slice(origin.as_bytes());
            copied = at + 1;
        }
        out.extend_from_slice(self.text.get(copied..).unwrap_or_default());
        Cow::Owned(out)
    }
}

/// Types whose data has names; elsewhere an `@` is itself.
const WITH_NAMES: [&[u8]; 15] = [
    b"AFSDB", b"CNAME", b"DNAME", b"HTTPS", b"KX", b"MINFO", b"MX", b"NAPTR", b"NS", b"PTR", b"RP", b"RT", b"SOA",
    b"SRV", b"SVCB",
];

/// Cuts a file into entries; empty lines and comments give none.
pub(super) fn entries(file: &[u8]) -> Vec<Entry> {
    let mut out = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < file.len() {
        let rest = file.get(at..).unwrap_or_default();
        let Cut { length, lines, tokens } = cut(rest);
        let text = rest.get(..length).unwrap_or_default();
        if !tokens.is_empty() {
            out.push(entry(line, text, &tokens));
        }
        at += length.max(1);
        line += lines;
    }
    out
}

/// The first entry of a text.
struct Cut {
    /// Its length, newline included.
    length: usize,
    /// How many newlines it has.
    lines: usize,
    /// Its words, outside of comments.
    tokens: Vec<Range<usize>>,
}

fn cut(text: &[u8]) -> Cut {
    let (mut quoted, mut comment, mut escaped, mut depth) = (false, false, false, 0_usize);
    let (mut lines, mut tokens, mut word) = (0, Vec::new(), None::<usize>);
    let mut end = text.len();
    for (at, byte) in text.iter().enumerate() {
        let outside = !quoted && !comment && !escaped;
        let breaks = outside && matches!(byte, b' ' | b'\t' | b'\r' | b'(' | b')' | b';') || *byte == b'\n';
        if breaks && let Some(start) = word.take() {
            tokens.push(start..at);
        }
        if *byte == b'\n' {
            lines += 1;
            // A quoted text ends with its line; the reader then names the missing quote.
            (quoted, comment, escaped) = (false, false, false);
            if depth == 0 {
                end = at + 1;
                break;
            }
            continue;
        }
        if comment {
            continue;
        }
        if escaped {
            escaped = false;
            continue;
        }
        match byte {
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => comment = true,
            b'(' if !quoted => depth += 1,
            b')' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if !breaks && !comment {
            word.get_or_insert(at);
        }
    }
    if let Some(start) = word {
        tokens.push(start..end);
    }
    Cut {
        length: end,
        lines,
        tokens,
    }
}

fn entry(line: usize, text: &[u8], tokens: &[Range<usize>]) -> Entry {
    let word = |index: usize| -> Option<&[u8]> { text.get(tokens.get(index)?.clone()) };
    let mut times: Vec<usize> = Vec::new();
    let mut names = tokens.len();
    let mut default_ttl = None;
    if word(0).is_some_and(|word| word.starts_with(b"$")) {
        if word(0).is_some_and(|word| word.eq_ignore_ascii_case(b"$TTL")) {
            default_ttl = word(1).and_then(seconds);
            times.push(1);
        }
    } else {
        // A record without an owner begins with a blank.
        let owned = text.first().is_some_and(|byte| !matches!(byte, b' ' | b'\t'));
        let first = usize::from(owned);
        // TTL and class stand in any order before the type.
        let is_class = |word: &[u8]| {
            [b"IN", b"CH", b"HS"]
                .iter()
                .any(|class| word.eq_ignore_ascii_case(*class))
        };
        let before =
            (first..first + 2).take_while(|index| word(*index).is_some_and(|w| seconds(w).is_some() || is_class(w)));
        let before: Vec<usize> = before.collect();
        let type_ = first + before.len();
        times.extend(before);
        if word(type_).is_some_and(|word| word.eq_ignore_ascii_case(b"SOA")) {
            // After the two names and the serial: refresh, retry, expiry, negative TTL.
            times.extend(type_ + 4..type_ + 8);
        }
        if word(type_).is_some_and(|word| WITH_NAMES.iter().any(|type_| word.eq_ignore_ascii_case(type_))) {
            names = type_ + 1;
        }
    }
    let mut out = Vec::with_capacity(text.len() + 8);
    let mut origins = Vec::new();
    let mut copied = 0;
    for (index, span) in tokens.iter().enumerate() {
        if index >= names && word(index) == Some(b"@") {
            out.extend_from_slice(text.get(copied..span.start).unwrap_or_default());
            origins.push(out.len());
            copied = span.start;
        } else if times.contains(&index)
            && let Some(number) = word(index).and_then(seconds)
        {
            out.extend_from_slice(text.get(copied..span.start).unwrap_or_default());
            out.extend_from_slice(number.to_string().as_bytes());
            copied = span.end;
        }
    }
    out.extend_from_slice(text.get(copied..).unwrap_or_default());
    if !out.ends_with(b"\n") {
        out.push(b'\n');
    }
    Entry {
        line,
        text: out,
        default_ttl,
        origins,
    }
}

/// Seconds from `3600`, `1h`, `1h30m`, `1w2d`; none for anything else.
fn seconds(word: &[u8]) -> Option<u32> {
    let mut total = 0_u32;
    let mut number: Option<u32> = None;
    for byte in word {
        let unit = match byte.to_ascii_lowercase() {
            digit @ b'0'..=b'9' => {
                number = Some(
                    number
                        .unwrap_or(0)
                        .checked_mul(10)?
                        .checked_add(u32::from(digit - b'0'))?,
                );
                continue;
            }
            b's' => 1,
            b'm' => 60,
            b'h' => 3600,
            b'd' => 86_400,
            b'w' => 604_800,
            _ => return None,
        };
        total = total.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    match number {
        Some(rest) => total.checked_add(rest),
        None if word.is_empty() => None,
        None => Some(total),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(file: &str) -> Vec<(usize, String)> {
        let text = |entry: Entry| (entry.line, String::from_utf8(entry.text).unwrap());
        entries(file.as_bytes()).into_iter().map(text).collect()
    }

    #[test]
    fn entries_are_found_with_their_lines() {
        let file = "; a comment\n\n$TTL 1h\n@ SOA a b ( 1 1d ; refresh\n 2h 4w\n 1m )\n\tNS \"x;(\" ; y\nw 1h30m IN TXT 1h\\\n\nv IN 90 A 1";
        assert_eq!(
            texts(file),
            [
                (3, "$TTL 3600\n".into()),
                (4, "@ SOA a b ( 1 86400 ; refresh\n 7200 2419200\n 60 )\n".into()),
                (7, "\tNS \"x;(\" ; y\n".into()),
                (8, "w 5400 IN TXT 1h\\\n".into()),
                (10, "v IN 90 A 1\n".into()),
            ]
        );
        assert_eq!(entries(b"$ttl 1d")[0].default_ttl, Some(86_400));
        assert_eq!(texts("1h 1h 1h\n"), [(1, "1h 3600 3600\n".into())], "an owner is none");
        assert_eq!(texts(" 1h A 1\r\n"), [(1, " 3600 A 1\r\n".into())]);
    }

    #[test]
    fn an_at_sign_is_the_origin_where_a_name_may_stand() {
        for (text, wanted) in [
            ("@ 1h MX 10 @\n", "@ 3600 MX 10 o.\n"),
            ("@ SOA @ @ ( 1 1m 1 1 1 ) ; @\n", "@ SOA o. o. ( 1 60 1 1 1 ) ; @\n"),
            ("@ TXT @ \"@\"\n", "@ TXT @ \"@\"\n"),
            ("a CNAME \\@\n", "a CNAME \\@\n"),
            ("a cname @", "a cname o.\n"),
            ("$INCLUDE @", "$INCLUDE @\n"),
        ] {
            let entry = entries(text.as_bytes()).remove(0);
            assert_eq!(String::from_utf8_lossy(&entry.text_at(|| "o.".into())), wanted);
        }
    }

    #[test]
    fn times() {
        for (text, wanted) in [
            ("0", Some(0)),
            ("1W2d3H4m5s", Some(788_645)),
            ("1h30", Some(3630)),
            ("4294967295", Some(u32::MAX)),
            ("4294967296", None),
            ("8000w", None),
            ("h", None),
            ("1x", None),
            ("", None),
        ] {
            assert_eq!(seconds(text.as_bytes()), wanted, "{text}");
        }
    }

    proptest! {
        /// Whatever the bytes: nothing panics, and what is cut is all of it.
        #[test]
        fn any_bytes(file in prop::collection::vec(prop::sample::select(b"a1h \t\n()\";\\$TSOA\r\xff".to_vec()), 0..200)) {
            let mut at = 0;
            let mut lines = 0;
            while at < file.len() {
                let cut = cut(&file[at..]);
                prop_assert!(cut.length > 0);
                at += cut.length;
                lines += cut.lines;
            }
            prop_assert_eq!(at, file.len());
            prop_assert_eq!(lines, file.iter().filter(|byte| **byte == b'\n').count());
            entries(&file);
        }
    }
}
