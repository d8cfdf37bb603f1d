//! Rules of custom objects: `x-kubernetes-validations`, compiled and asked.
//!
//! In: structural schemas with their rules, objects and, for updates, what they replace. Out: faults. Rules about a change
//! are asked only where the old value of a place is known; what did not change is forgiven the others. All rules of an
//! object share one budget, so an object takes a bounded time whatever its rules are.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::correlate::{self, Old};
use super::read::{flag, text};
use super::structural::{Additional, Structural};
use crate::cel::{OBJECT_LIMIT, Program, Shape, Trouble, Type, Value};
use crate::field::{self, Path};
use crate::schema::Form;
use crate::status::{Cause, CauseReason};
use crate::validate::field_path;

/// Longest message that an expression may make, in bytes.
const MESSAGE_MAX: usize = 5 * 1024;

/// A rule as it was written, and its programs.
#[derive(Debug)]
pub(crate) struct Rule {
    source: String,
    message: String,
    reason: String,
    /// Where a fault is told, below the place of the rule.
    path: Option<String>,
    optional_old: bool,
    /// The program, or what is wrong with it.
    pub(crate) program: Result<Program, String>,
    /// The program of the message, or what is wrong with it, where there is one.
    pub(crate) message_program: Option<Result<Program, String>>,
}

impl Rule {
    /// Compiles a rule of a place.
    pub(crate) fn compile(rule: &Json, schema: &Structural, shape: &Arc<Shape>) -> Self {
        let own = Type::of(shape, "selfType");
        let optional_old = flag(rule, "optionalOldSelf");
        let old = if optional_old {
            Type::Optional(Box::new(own.clone()))
        } else {
            own.clone()
        };
        let variables = [("self".to_owned(), own), ("oldSelf".to_owned(), old)];
        let source = text(rule, "rule").to_owned();
        let program = match Program::compile(&source, &variables) {
            Ok(program) if !matches!(program.gives(), Type::Bool) => {
                Err("cel expression must evaluate to a bool".to_owned())
            }
            Ok(program) => Ok(program),
            Err(faults) => Err(faults.to_string()),
        };
        let message_program = Some(text(rule, "messageExpression"))
            .filter(|source| !source.is_empty())
            .map(|source| match Program::compile(source, &variables) {
                Ok(program) if !matches!(program.gives(), Type::Text) => {
                    Err("messageExpression must evaluate to a string".to_owned())
                }
                Ok(program) => Ok(program),
                Err(faults) => Err(format!(
                    "messageExpression {}",
                    faults.to_string().replacen("program ", "", 1)
                )),
            });
        Self {
            message: text(rule, "message").to_owned(),
            reason: text(rule, "reason").to_owned(),
            path: Some(text(rule, "fieldPath"))
                .filter(|path| !path.is_empty())
                .and_then(|path| field_path::find(path, schema, true).ok())
                .map(|(told, _)| told),
            optional_old,
            program,
            message_program,
            source,
        }
    }

    /// Whether it is about a change.
    pub(crate) fn uses_old(&self) -> bool {
        self.program.as_ref().is_ok_and(|program| program.uses("oldSelf"))
    }

    /// What stands for it in messages.
    fn told(&self) -> &str {
        if self.message.is_empty() {
            self.source.trim()
        } else {
            self.message.trim()
        }
    }
}

/// The rules of a place and of all places below it.
#[derive(Debug)]
pub(crate) struct Rules {
    shape: Arc<Shape>,
    form: Form,
    own: Vec<Rule>,
    properties: BTreeMap<String, Rules>,
    values: Option<Box<Rules>>,
    items: Option<Box<Rules>>,
}

impl Rules {
    /// Compiles all rules of a schema; none where it has none. `root`: it is that of a whole object.
    pub(crate) fn read(schema: &Structural, root: bool) -> Option<Self> {
        let below = |schema: &Structural| Self::read(schema, schema.embedded);
        let properties: BTreeMap<String, Self> = schema
            .properties
            .iter()
            .filter_map(|(name, property)| Some((name.clone(), below(property)?)))
            .collect();
        let values = match &schema.additional {
            Additional::Schema(values) => below(values).map(Box::new),
            Additional::Said(_) | Additional::Unsaid => None,
        };
        let items = schema.items.as_deref().and_then(below).map(Box::new);
        let written: Vec<&Json> = schema
            .rules
            .iter()
            .filter(|rule| !text(rule, "rule").trim().is_empty())
            .collect();
        if written.is_empty() && properties.is_empty() && values.is_none() && items.is_none() {
            return None;
        }
        let shape = Arc::new(Shape::of(schema, root)?);
        Some(Self {
            own: written.iter().map(|rule| Rule::compile(rule, schema, &shape)).collect(),
            shape,
            form: schema.form,
            properties,
            values,
            items,
        })
    }

    /// Asks all rules. `path` is that of the value; none for a whole object.
    pub(crate) fn ask(&self, schema: &Structural, new: &Json, old: Old<'_>, path: Option<&Path>) -> Answers {
        let mut asking = Asking {
            left: OBJECT_LIMIT,
            answers: Answers::default(),
        };
        let forgiving = Forgiving {
            here: old.map(|old| (new, old)),
            above: None,
        };
        // Once the budget is spent the rest is not asked.
        let _ = asking.walk(self, schema, new, old, path, forgiving);
        asking.answers
    }
}

/// What rules found.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// What is wrong.
    pub(crate) faults: Vec<Cause>,
    /// What is wrong and was before.
    pub(crate) forgiven: Vec<Cause>,
}

/// Whether the faults of a place are forgiven, for nothing changed. That is found out only where there is a fault.
#[derive(Clone, Copy)]
struct Forgiving<'a> {
    /// The value of this place and the old one, where they correspond.
    here: Option<(&'a Json, &'a Json)>,
    /// Those of the nearest place above where they do, and its schema.
    above: Option<(&'a Structural, &'a Json, &'a Json)>,
}

impl<'a> Forgiving<'a> {
    fn forgives(self, schema: &Structural) -> bool {
        match (self.here, self.above) {
            (Some((new, old)), _) => correlate::same(Some(schema), new, old),
            (None, Some((schema, new, old))) => correlate::same(Some(schema), new, old),
            (None, None) => false,
        }
    }

    fn below(self, schema: &'a Structural, value: &'a Json, old: Option<&'a Json>) -> Self {
        Self {
            here: self.here.and(old).map(|old| (value, old)),
            above: self.here.map(|(new, old)| (schema, new, old)).or(self.above),
        }
    }
}

/// The budget is spent, or may not be known.
struct Spent;

struct Asking {
    left: u64,
    answers: Answers,
}

impl Asking {
    fn walk<'a>(
        &mut self,
        rules: &Rules,
        schema: &'a Structural,
        new: &'a Json,
        old: Old<'a>,
        path: Option<&Path>,
        forgiving: Forgiving<'a>,
    ) -> Result<(), Spent> {
        if new.is_null() {
            return Ok(());
        }
        let old = old.filter(|old| !old.is_null());
        for rule in &rules.own {
            self.one(rules, rule, schema, new, old, path, forgiving)?;
        }
        match new {
            Json::Object(map) => {
                for (key, value) in map {
                    let (below, path) = match (rules.properties.get(key), &rules.values) {
                        (Some(below), _) => (below, path.map_or_else(|| Path::root(key), |path| path.child(key))),
                        (None, Some(below)) if !schema.properties.contains_key(key) => {
                            let path = path.map_or_else(|| Path::root(&format!("[{key}]")), |path| path.key(key));
                            (&**below, path)
                        }
                        (None, _) => continue,
                    };
                    let Some(field) = schema.field(key) else { continue };
                    let before = correlate::field(Some(schema), key, old);
                    let forgiving = forgiving.below(schema, value, before);
                    self.walk(below, field, value, before, Some(&path), forgiving)?;
                }
            }
            Json::Array(items) => {
                if let (Some(below), Some(item)) = (&rules.items, &schema.items) {
                    for (index, value) in items.iter().enumerate() {
                        let path = path.map_or_else(|| Path::root(&format!("[{index}]")), |path| path.index(index));
                        let before = correlate::item(Some(schema), value, old);
                        let forgiving = forgiving.below(schema, value, before);
                        self.walk(below, item, value, before, Some(&path), forgiving)?;
                    }
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "one rule and all that it may look at")]
    fn one(
        &mut self,
        rules: &Rules,
        rule: &Rule,
        schema: &Structural,
        new: &Json,
        old: Old<'_>,
        path: Option<&Path>,
        forgiving: Forgiving<'_>,
    ) -> Result<(), Spent> {
        let place = path.cloned().unwrap_or_else(super::values::nowhere);
        // Troubles of a rule are told with the type of the place instead of its value.
        let type_ = Json::from(type_name(rules.form));
        let trouble = |words: &str| field::invalid(&place, &type_, words);
        let program = match &rule.program {
            Ok(program) => program,
            Err(fault) => {
                self.answers
                    .faults
                    .push(trouble(&format!("rule compile error: {fault}")));
                return Ok(());
            }
        };
        if rule.uses_old() && old.is_none() && !rule.optional_old {
            return Ok(());
        }
        let variables = || {
            let own = Value::read(new, &rules.shape);
            let before = old.map(|old| Value::read(old, &rules.shape));
            let before = match (before, rule.optional_old) {
                (before, true) => Some(Value::Optional(before.map(std::rc::Rc::new))),
                (before, false) => before,
            };
            let mut out = vec![("self", own)];
            out.extend(before.map(|before| ("oldSelf", before)));
            out
        };
        let (value, cost) = program.eval(variables());
        let Some(left) = self.left.checked_sub(cost) else {
            let words = "validation failed due to running out of cost budget, no further validation rules will be run";
            self.answers.faults.push(trouble(words));
            return Err(Spent);
        };
        self.left = left;
        let told = rule.told();
        match value {
            Ok(Value::Bool(true)) => return Ok(()),
            Ok(_) => {}
            Err(Trouble::Limit) => {
                let words = format!(
                    "'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: {told}"
                );
                self.answers.faults.push(trouble(&words));
                return Err(Spent);
            }
            Err(Trouble::Error(error)) if error.starts_with("no such overload") => {
                let words = format!(
                    "'{error}': call arguments did not match a supported operator, function or macro signature for rule: {told}"
                );
                self.answers.faults.push(trouble(&words));
                return Ok(());
            }
            Err(Trouble::Error(error)) => {
                self.answers
                    .faults
                    .push(trouble(&format!("{error} evaluating rule: {told}")));
                return Ok(());
            }
        }
        let forgiven = !rule.uses_old() && forgiving.forgives(schema);
        let message = match &rule.message_program {
            Some(Ok(program)) => self.message(program, variables(), &trouble)?,
            Some(Err(_)) | None => None,
        };
        let message = message.unwrap_or_else(|| {
            if rule.message.is_empty() {
                format!("failed rule: {told}")
            } else {
                told.to_owned()
            }
        });
        let place = match (&rule.path, path) {
            (Some(below), Some(path)) => path.child(below),
            (Some(below), None) => Path::root(below),
            (None, _) => place,
        };
        let shown = (!matches!(rules.form, Form::Object | Form::Array)).then_some(new);
        let fault = failed(&rule.reason, &place, shown, &message);
        if forgiven {
            self.answers.forgiven.push(fault);
        } else {
            self.answers.faults.push(fault);
        }
        Ok(())
    }

    /// The message that an expression makes; none where it makes none that will do.
    fn message(
        &mut self,
        program: &Program,
        variables: Vec<(&str, Value<'_>)>,
        trouble: &dyn Fn(&str) -> Cause,
    ) -> Result<Option<String>, Spent> {
        let (value, cost) = program.eval(variables);
        let Some(left) = self.left.checked_sub(cost) else {
            let words = "messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run";
            self.answers.faults.push(trouble(words));
            return Err(Spent);
        };
        self.left = left;
        match value {
            Ok(Value::Text(text)) => {
                let text = text.trim();
                let fine = !text.is_empty() && text.len() <= MESSAGE_MAX && !text.contains('\n');
                Ok(fine.then(|| text.to_owned()))
            }
            Err(Trouble::Limit) => {
                let words =
                    "no further validation rules will be run due to call cost exceeds limit for messageExpression";
                self.answers.faults.push(trouble(words));
                Err(Spent)
            }
            Ok(_) | Err(Trouble::Error(_)) => Ok(None),
        }
    }
}

/// A rule that does not hold. Objects and lists are not shown.
fn failed(reason: &str, path: &Path, shown: Option<&Json>, message: &str) -> Cause {
    match (reason, shown) {
        ("FieldValueForbidden", _) => field::forbidden(path, message),
        ("FieldValueRequired", _) => field::required(path, message),
        ("FieldValueDuplicate", Some(value)) => field::duplicate(path, value),
        ("FieldValueDuplicate", None) => Cause {
            reason: CauseReason::FieldValueDuplicate,
            message: "Duplicate value".to_owned(),
            field: path.to_string(),
        },
        (_, Some(value)) => field::invalid(path, value, message),
        (_, None) => Cause {
            reason: CauseReason::FieldValueInvalid,
            message: format!("Invalid value: {message}"),
            field: path.to_string(),
        },
    }
}

fn type_name(form: Form) -> &'static str {
    match form {
        Form::Object => "object",
        Form::Array => "array",
        Form::String => "string",
        Form::Integer => "integer",
        Form::Number => "number",
        Form::Boolean => "boolean",
        Form::IntOrString | Form::Quantity | Form::Any => "",
    }
}
