//! JSON patch (RFC 6902), with the leniences of kube-apiserver: negative indices count from the end, a member that an
//! object does not have is as good as null (it passes a test for null, and can be replaced and copied), and so is an
//! operation's missing value.

use serde_json::Value;

use super::{DEPTH_MAX, PatchError, depth};

/// Most operations in one patch.
pub const OPERATIONS_MAX: usize = 10_000;
/// Most bytes of JSON that the `copy` operations of one patch may copy.
pub const COPIED_BYTES_MAX: usize = 3 * 1024 * 1024;
/// Most values that the operations of one patch may shift in their lists, or look through where they are moved. Many small
/// operations on one huge list would otherwise keep a processor busy for minutes.
const SHIFTED_MAX: usize = 20_000_000;

/// The document after all operations, in order; none is done if one cannot be.
///
/// # Errors
/// [`PatchError`] naming the operation and the path.
pub fn json_patch(doc: &Value, patch: &Value) -> Result<Value, PatchError> {
    let Value::Array(operations) = patch else {
        return Err(PatchError::Malformed(
            "a JSON patch is an array of operations".to_owned(),
        ));
    };
    if operations.len() > OPERATIONS_MAX {
        return Err(PatchError::TooManyOperations(operations.len()));
    }
    let mut patched = doc.clone();
    let mut budget = Budget {
        bytes: COPIED_BYTES_MAX,
        shifts: SHIFTED_MAX,
    };
    for (index, operation) in operations.iter().enumerate() {
        Operation::read(index, operation)?.perform(&mut patched, &mut budget)?;
    }
    Ok(patched)
}

/// What is left for the rest of a patch.
struct Budget {
    bytes: usize,
    shifts: usize,
}

impl Budget {
    fn shift(&mut self, values: usize) -> Result<(), &'static str> {
        self.shifts = self
            .shifts
            .checked_sub(values)
            .ok_or("the patch shifts too many values")?;
        Ok(())
    }
}

struct Operation<'a> {
    index: usize,
    name: &'a str,
    path: Pointer,
    from: Option<Pointer>,
    value: Option<&'a Value>,
}

/// The reference tokens of an RFC 6901 pointer; none is the whole document.
struct Pointer {
    text: String,
    tokens: Vec<String>,
}

impl Pointer {
    fn read(text: &str) -> Option<Self> {
        let tokens = match text.strip_prefix('/') {
            Some(rest) => rest
                .split('/')
                .map(|token| token.replace("~1", "/").replace("~0", "~"))
                .collect(),
            None if text.is_empty() => Vec::new(),
            None => return None,
        };
        Some(Self {
            text: text.to_owned(),
            tokens,
        })
    }

    fn is_inside(&self, outer: &Self) -> bool {
        self.tokens.len() > outer.tokens.len() && self.tokens.starts_with(&outer.tokens)
    }
}

type Outcome<T> = Result<T, PatchError>;

impl<'a> Operation<'a> {
    fn read(index: usize, operation: &'a Value) -> Outcome<Self> {
        let malformed = |what: String| PatchError::Malformed(format!("JSON patch operation {index}: {what}"));
        let text = |key: &str| operation.get(key).and_then(Value::as_str);
        let pointer = |key: &str| match text(key) {
            None => Ok(None),
            Some(text) => match Pointer::read(text) {
                None => Err(malformed(format!(
                    "{key} {text:?} is not a JSON pointer: it must start with '/'"
                ))),
                some => Ok(some),
            },
        };
        let Some(name) = text("op") else {
            return Err(malformed("it has no \"op\"".to_owned()));
        };
        let Some(path) = pointer("path")? else {
            return Err(malformed("it has no \"path\"".to_owned()));
        };
        let from = pointer("from")?;
        let value = operation.get("value");
        match name {
            "remove" | "add" | "replace" | "test" => {}
            "move" | "copy" if from.is_some() => {}
            "move" | "copy" => return Err(malformed(format!("{name} has no \"from\""))),
            other => {
                let fault = format!("JSON patch operation {index}: {other:?} is not an operation");
                return Err(PatchError::Unprocessable(fault));
            }
        }
        Ok(Self {
            index,
            name,
            path,
            from,
            value,
        })
    }

    fn fail<T>(&self, path: &Pointer, why: &str) -> Outcome<T> {
        let (index, name, path) = (self.index, self.name, &path.text);
        Err(PatchError::Unprocessable(format!(
            "JSON patch operation {index}: {name} {path:?}: {why}"
        )))
    }

    fn perform(&self, doc: &mut Value, budget: &mut Budget) -> Outcome<()> {
        let value = self.value.unwrap_or(&Value::Null);
        match (self.name, &self.from) {
            ("add", _) => self.add(doc, value.clone(), budget),
            ("remove", _) => self.remove(doc, &self.path, budget).map(drop),
            ("replace", _) => {
                self.check_depth(value)?;
                // A member that an object does not have is as good as null to kube-apiserver: it can be replaced.
                if is_missing_member(doc, &self.path) {
                    return self.add(doc, value.clone(), budget);
                }
                match find(doc, &self.path.tokens) {
                    Some(place) => {
                        *place = value.clone();
                        Ok(())
                    }
                    None => self.fail(&self.path, "there is nothing to replace"),
                }
            }
            ("test", _) => match find(doc, &self.path.tokens) {
                Some(found) if found == value => Ok(()),
                None if value.is_null() => Ok(()),
                Some(_) => self.fail(&self.path, "the value is another one"),
                None => self.fail(&self.path, "there is nothing to test"),
            },
            ("move", Some(from)) if self.path.is_inside(from) => self.fail(from, "it cannot move into itself"),
            ("move", Some(from)) => {
                let moved = self.remove(doc, from, budget)?;
                budget.shift(values(&moved)).or_else(|why| self.fail(from, why))?;
                self.add(doc, moved, budget)
            }
            (_, Some(from)) => {
                let nothing = Value::Null;
                let missing = is_missing_member(doc, from);
                let source = match find(doc, &from.tokens) {
                    Some(source) => &*source,
                    // As good as null.
                    None if missing => &nothing,
                    None => return self.fail(from, "there is nothing to copy"),
                };
                // Weighed before it is copied: the source may be huge.
                match budget.bytes.checked_sub(size(source)) {
                    Some(left) => budget.bytes = left,
                    None => return self.fail(from, &format!("copies exceed {COPIED_BYTES_MAX} bytes")),
                }
                let copied = source.clone();
                self.add(doc, copied, budget)
            }
            (_, None) => self.fail(&self.path, "it has no source"),
        }
    }

    /// Copies and moves could nest a document without bound.
    fn check_depth(&self, value: &Value) -> Outcome<()> {
        if self.path.tokens.len() + depth(value) > DEPTH_MAX {
            return self.fail(&self.path, &format!("the result is nested deeper than {DEPTH_MAX}"));
        }
        Ok(())
    }

    fn add(&self, doc: &mut Value, value: Value, budget: &mut Budget) -> Outcome<()> {
        self.check_depth(&value)?;
        let Some((last, parents)) = self.path.tokens.split_last() else {
            *doc = value;
            return Ok(());
        };
        match find(doc, parents) {
            Some(Value::Object(fields)) => {
                fields.insert(last.clone(), value);
                Ok(())
            }
            Some(Value::Array(items)) if last == "-" => {
                items.push(value);
                Ok(())
            }
            Some(Value::Array(items)) => match index(last, items.len() + 1) {
                Some(at) => {
                    budget
                        .shift(items.len() - at)
                        .or_else(|why| self.fail(&self.path, why))?;
                    items.insert(at, value);
                    Ok(())
                }
                None => self.fail(&self.path, "the index is out of the array"),
            },
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
                self.fail(&self.path, "its parent is neither an object nor an array")
            }
            None => self.fail(&self.path, "its parent does not exist"),
        }
    }

    fn remove(&self, doc: &mut Value, path: &Pointer, budget: &mut Budget) -> Outcome<Value> {
        let Some((last, parents)) = path.tokens.split_last() else {
            return self.fail(path, "the whole document cannot be removed");
        };
        let removed = match find(doc, parents) {
            Some(Value::Object(fields)) => fields.remove(last),
            Some(Value::Array(items)) => match index(last, items.len()) {
                Some(at) => {
                    budget.shift(items.len() - at).or_else(|why| self.fail(path, why))?;
                    Some(items.remove(at))
                }
                None => None,
            },
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => None,
        };
        removed.map_or_else(|| self.fail(path, "there is nothing to remove"), Ok)
    }
}

/// Whether a pointer names a member that its object does not have.
fn is_missing_member(doc: &mut Value, pointer: &Pointer) -> bool {
    pointer.tokens.split_last().is_some_and(|(last, parents)| {
        find(doc, parents)
            .and_then(|parent| parent.as_object())
            .is_some_and(|fields| !fields.contains_key(last))
    })
}

/// Place of an array's index token among `length` places; negative ones count from the end.
fn index(token: &str, length: usize) -> Option<usize> {
    let (negative, digits) = match token.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, token),
    };
    let padded = digits.len() > 1 && digits.starts_with('0');
    if padded || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: usize = digits.parse().ok()?;
    let at = if negative { length.checked_sub(number)? } else { number };
    (at < length).then_some(at)
}

fn find<'a>(doc: &'a mut Value, tokens: &[String]) -> Option<&'a mut Value> {
    tokens.iter().try_fold(doc, |here, token| match here {
        Value::Object(fields) => fields.get_mut(token),
        Value::Array(items) => index(token, items.len()).and_then(|at| items.get_mut(at)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}

/// How many values it is made of.
fn values(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
        Value::Array(items) => 1 + items.iter().map(values).sum::<usize>(),
        Value::Object(fields) => 1 + fields.values().map(values).sum::<usize>(),
    }
}

/// About the bytes of its JSON; a lower bound is enough for a budget.
fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 4,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => 2 + items.iter().map(|item| size(item) + 1).sum::<usize>(),
        Value::Object(fields) => {
            2 + fields
                .iter()
                .map(|(key, item)| key.len() + 4 + size(item))
                .sum::<usize>()
        }
    }
}

#[cfg(test)]
mod tests;
