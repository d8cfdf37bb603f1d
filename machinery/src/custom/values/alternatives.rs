//! Alternatives of a schema: `anyOf`, `oneOf`, `allOf` and `not`. Of several that failed the best is told, which is the one
//! that the value came through the farthest.

use serde_json::Value;

use super::{Judge, Outcome};
use crate::custom::correlate::Old;
use crate::custom::structural::Structural;
use crate::field;

impl Judge<'_> {
    pub(super) fn alternatives(
        &self,
        schema: &Structural,
        spine: &Structural,
        value: &Value,
        old: Old<'_>,
        place: &str,
    ) -> Outcome {
        let mut out = Outcome::default();
        let try_one = |one: &Structural| self.judge(one, spine, value, old, place);
        let quoted = || field::quoted(place);
        let bounds = &schema.bounds;
        if !bounds.any_of.is_empty() {
            let mut best: Option<Outcome> = None;
            let mut good = None;
            for one in &bounds.any_of {
                let tried = try_one(one);
                if tried.is_valid() {
                    good = Some(tried);
                    break;
                }
                if best.as_ref().is_none_or(|best| tried.matches > best.matches) {
                    best = Some(tried);
                }
            }
            match good {
                Some(good) => out.merge(good),
                None => {
                    let (sentence, cause) =
                        self.bare(format!("{} must validate at least one schema (anyOf)", quoted()));
                    out.push(sentence, cause);
                    out.merge(best.unwrap_or_default());
                }
            }
        }
        if !bounds.one_of.is_empty() {
            let mut best: Option<Outcome> = None;
            let mut good = None;
            let mut count = 0;
            for one in &bounds.one_of {
                let tried = try_one(one);
                if tried.is_valid() {
                    count += 1;
                    good.get_or_insert(tried);
                } else if count == 0 && best.as_ref().is_none_or(|best| tried.matches > best.matches) {
                    best = Some(tried);
                }
            }
            if let (1, Some(good)) = (count, good) {
                out.merge(good);
            } else {
                let found = match count {
                    0 => "Found none valid".to_owned(),
                    count => format!("Found {count} valid alternatives"),
                };
                let sentence = format!("{} must validate one and only one schema (oneOf). {found}", quoted());
                let (sentence, cause) = self.bare(sentence);
                out.push(sentence, cause);
                out.merge(best.filter(|_| count == 0).unwrap_or_default());
            }
        }
        if !bounds.all_of.is_empty() {
            let mut count = 0;
            for one in &bounds.all_of {
                let tried = try_one(one);
                count += usize::from(tried.is_valid());
                out.merge(tried);
            }
            if count != bounds.all_of.len() {
                let none = if count == 0 { ". None validated" } else { "" };
                let (sentence, cause) = self.bare(format!("{} must validate all the schemas (allOf){none}", quoted()));
                out.push(sentence, cause);
            }
        }
        if let Some(not) = &bounds.not
            && try_one(not).is_valid()
        {
            let (sentence, cause) = self.bare(format!("{} must not validate the schema (not)", quoted()));
            out.push(sentence, cause);
        }
        out.matches += 1;
        out
    }
}
