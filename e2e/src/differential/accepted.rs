//! Differences that are meant. In: `accepted.yaml`. Out: which rule explains a difference, and which rules explained none.

use serde::Deserialize;

use super::compare::Difference;

/// Differences of one kind, and why they are meant. Texts are patterns in which `*` stands for anything.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The case.
    #[serde(default = "anything")]
    pub case: String,
    /// The step.
    #[serde(default = "anything")]
    pub step: String,
    /// The fields.
    pub fields: Vec<String>,
    /// What kube-apiserver says there, as JSON; empty for nothing.
    #[serde(default = "anything")]
    pub kube: String,
    /// What the hub says there, as JSON; empty for nothing.
    #[serde(default = "anything")]
    pub hub: String,
    /// Why it is meant.
    pub why: String,
}

fn anything() -> String {
    "*".to_owned()
}

impl Rule {
    /// Whether it speaks of this difference.
    #[must_use]
    pub fn explains(&self, case: &str, step: &str, difference: &Difference) -> bool {
        fits(&self.case, case)
            && fits(&self.step, step)
            && self.fields.iter().any(|field| fits(field, &difference.field))
            && fits(&self.kube, &difference.kube)
            && fits(&self.hub, &difference.hub)
    }
}

/// The rules, and how often each was needed.
#[derive(Debug)]
pub struct Accepted {
    rules: Vec<(Rule, usize)>,
}

impl Accepted {
    /// Rules that were not needed yet.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> Self {
        Self {
            rules: rules.into_iter().map(|rule| (rule, 0)).collect(),
        }
    }

    /// Whether a rule explains the difference. All that do count as needed.
    pub fn explain(&mut self, case: &str, step: &str, difference: &Difference) -> bool {
        let mut explained = false;
        for (rule, needed) in &mut self.rules {
            if rule.explains(case, step, difference) {
                *needed += 1;
                explained = true;
            }
        }
        explained
    }

    /// Rules that explained nothing: the servers agree by now, or the rule never fitted.
    #[must_use]
    pub fn needless(&self) -> Vec<&Rule> {
        self.rules
            .iter()
            .filter(|(_, needed)| *needed == 0)
            .map(|(rule, _)| rule)
            .collect()
    }

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether nothing is accepted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

/// Whether a text fits a pattern in which `*` stands for any text.
#[must_use]
pub fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(after) = text.strip_prefix(head) else {
        return false;
    };
    if rest.is_empty() {
        return true;
    }
    // The shortest head that leaves a fitting rest; starts where the rest's own head can be found.
    let next = rest.split('*').next().unwrap_or_default();
    let mut from = 0;
    while let Some(at) = after.get(from..).and_then(|left| left.find(next)) {
        let start = from + at;
        if after.get(start..).is_some_and(|left| fits(rest, left)) {
            return true;
        }
        let step = after.get(start..).and_then(|left| left.chars().next());
        let Some(step) = step else { break };
        from = start + step.len_utf8();
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn patterns_fit() {
        for (pattern, text, fit) in [
            ("", "", true),
            ("", "x", false),
            ("*", "", true),
            ("*.name", "a.name", true),
            ("*.name", "a.names", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("body.items[*].kind", "body.items[12].kind", true),
            ("*ü", "aüü", true),
        ] {
            assert_eq!(fits(pattern, text), fit, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn a_cut_text_fits_its_pattern(parts in prop::collection::vec("[a-c]{0,3}", 1..5), between in "[a-c]{0,3}") {
            prop_assert!(fits(&parts.join("*"), &parts.join(&between)));
            let other = format!("{}x", parts.join(&between));
            let last_is_open = parts.len() > 1 && parts.last().is_some_and(String::is_empty);
            prop_assert_eq!(fits(&parts.join("*"), &other), last_is_open);
        }
    }

    #[test]
    fn a_rule_that_explains_nothing_is_told() {
        let rule: Rule = serde_saphyr::from_str("{fields: [a.b, c], kube: '\"x*', why: it is}").unwrap();
        let mut accepted = Accepted::new(vec![
            rule.clone(),
            Rule {
                step: "2".to_owned(),
                ..rule
            },
        ]);
        let difference = |field: &str| Difference {
            field: field.to_owned(),
            kube: "\"xy\"".to_owned(),
            hub: String::new(),
        };
        assert!(!accepted.explain("one", "1", &difference("d")));
        assert!(accepted.explain("one", "1", &difference("c")));
        assert_eq!(accepted.needless().len(), 1);
    }
}
