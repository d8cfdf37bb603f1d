//! Expressions of admission: what they may speak of, and what they come to for one request.
//!
//! In: text, and the request as JSON. Out: programs, or what is wrong with the text in kube-apiserver's words; values, or why
//! there is none. Work is bounded by the limits of [`crate::cel`].

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde_json::Value as Json;

pub use crate::cel::Authority;
use crate::cel::shape::ShapeKind;
use crate::cel::{Map, OBJECT_LIMIT, Program, Question, Shape, Trouble, Type, Value};

/// The type of a variable.
pub(crate) type Kind = Type;

/// What an expression has to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gives {
    Bool,
    Text,
    TextOrNothing,
    /// What is to be applied: an object.
    Configuration,
    /// A list of operations.
    Patch,
    Anything,
}

/// What expressions may speak of besides the request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    pub(crate) params: bool,
    /// Variables by name, in their order; none where a policy has no list of them.
    pub(crate) variables: Option<Vec<(String, Kind)>>,
}

/// An expression that can be evaluated.
#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) text: String,
    program: Program,
}

static ANY: LazyLock<Arc<Shape>> = LazyLock::new(|| Arc::new(Shape::any()));
static REQUEST: LazyLock<Arc<Shape>> = LazyLock::new(|| Arc::new(request()));

fn object(fields: &[(&str, Arc<Shape>)]) -> Arc<Shape> {
    let fields: BTreeMap<String, (String, Arc<Shape>)> = fields
        .iter()
        .map(|(name, shape)| ((*name).to_owned(), ((*name).to_owned(), Arc::clone(shape))))
        .collect();
    Arc::new(Shape {
        kind: ShapeKind::Object(fields),
        ..Shape::any()
    })
}

fn plain(kind: ShapeKind) -> Arc<Shape> {
    Arc::new(Shape { kind, ..Shape::any() })
}

/// `admission.k8s.io/v1` AdmissionRequest, without its objects.
fn request() -> Shape {
    let text = || Arc::new(Shape::text());
    let names = |last: &str| object(&[("group", text()), ("version", text()), (last, text())]);
    let texts = || plain(ShapeKind::List(text()));
    let user = object(&[
        ("username", text()),
        ("uid", text()),
        ("groups", texts()),
        ("extra", plain(ShapeKind::Map(texts()))),
    ]);
    let fields = [
        ("kind", names("kind")),
        ("resource", names("resource")),
        ("subResource", text()),
        ("requestKind", names("kind")),
        ("requestResource", names("resource")),
        ("requestSubResource", text()),
        ("name", text()),
        ("namespace", text()),
        ("operation", text()),
        ("userInfo", user),
        ("dryRun", plain(ShapeKind::Bool)),
        ("options", Arc::clone(&ANY)),
    ];
    Arc::into_inner(object(&fields)).unwrap_or_else(Shape::any)
}

/// What a checker needs to know of a value's type.
fn shape_of(kind: &Type) -> Arc<Shape> {
    match kind {
        Type::Bool => plain(ShapeKind::Bool),
        Type::Int => plain(ShapeKind::Int),
        Type::Double => plain(ShapeKind::Double),
        Type::Text => Arc::new(Shape::text()),
        Type::List(item) => plain(ShapeKind::List(shape_of(item))),
        Type::Map(key, value) if matches!(**key, Type::Text) => plain(ShapeKind::Map(shape_of(value))),
        Type::Object(_, shape) => Arc::clone(shape),
        _ => Arc::clone(&ANY),
    }
}

fn declared(given: &Given) -> Vec<(String, Type)> {
    let mut all = vec![
        ("object".to_owned(), Type::Dyn),
        ("oldObject".to_owned(), Type::Dyn),
        ("request".to_owned(), Type::of(&REQUEST, "kubernetes.AdmissionRequest")),
        ("namespaceObject".to_owned(), Type::Dyn),
        (
            "authorizer".to_owned(),
            Type::Opaque("kubernetes.authorization.Authorizer"),
        ),
    ];
    if given.params {
        all.push(("params".to_owned(), Type::Dyn));
    }
    if let Some(variables) = &given.variables {
        let fields: Vec<(&str, Arc<Shape>)> = variables
            .iter()
            .map(|(name, kind)| (name.as_str(), shape_of(kind)))
            .collect();
        all.push((
            "variables".to_owned(),
            Type::of(&object(&fields), "kubernetes.variables"),
        ));
    }
    all
}

/// Whether a name can stand in an expression.
pub(crate) fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    let first = letters.next().is_some_and(|c| c == '_' || c.is_ascii_alphabetic());
    const RESERVED: [&str; 5] = ["true", "false", "null", "in", "as"];
    first && letters.all(|c| c == '_' || c.is_ascii_alphanumeric()) && !RESERVED.contains(&name)
}

/// Reads an expression that has to come to something.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn compile(text: &str, gives: Gives, given: &Given) -> Result<Expression, String> {
    let program = Program::compile(text, &declared(given)).map_err(|faults| faults.to_string())?;
    let found = program.gives();
    let fits = match gives {
        Gives::Anything => true,
        // What is known at run time only is not enough.
        Gives::Bool => matches!(found, Type::Bool),
        Gives::Text => matches!(found, Type::Text),
        Gives::TextOrNothing => matches!(found, Type::Text | Type::Null),
        Gives::Configuration => matches!(found, Type::Map(..)),
        Gives::Patch => matches!(found, Type::List(..)),
    };
    if fits {
        return Ok(Expression {
            text: text.to_owned(),
            program,
        });
    }
    let wanted = match gives {
        Gives::Bool => "bool",
        Gives::Text => "string",
        Gives::TextOrNothing => "one of [string null_type]",
        Gives::Configuration => "Object",
        Gives::Patch => "list(JSONPatch)",
        Gives::Anything => "anything",
    };
    Err(format!("must evaluate to {wanted} but got {found}"))
}

/// One request, as expressions see it.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// As it will be; null for a deletion.
    pub object: &'a Json,
    /// As it is; null for a creation.
    pub old: &'a Json,
    /// The AdmissionRequest.
    pub request: &'a Json,
    /// Its namespace; null where there is none.
    pub namespace: &'a Json,
    /// What parameterizes a policy; null where nothing does.
    pub params: &'a Json,
    /// Who tells about rights.
    pub authority: &'a dyn Authority,
}

/// What may still be spent on the expressions of one policy.
#[derive(Debug)]
pub(crate) struct Budget(u64);

impl Default for Budget {
    fn default() -> Self {
        Self(OBJECT_LIMIT)
    }
}

/// Variables of a policy that were evaluated for a request.
#[derive(Debug, Default)]
pub(crate) struct Variables<'a> {
    known: Vec<(Value<'a>, Value<'a>)>,
    failed: Vec<(&'a str, String)>,
}

/// One expression took too much.
const TOO_MUCH: &str = "operation cancelled: actual cost limit exceeded";
/// All expressions of a policy together took too much.
const OUT_OF_BUDGET: &str =
    "validation failed due to running out of cost budget, no further validation rules will be run";

impl Expression {
    /// The type of its value.
    pub(crate) fn gives(&self) -> Kind {
        self.program.gives().clone()
    }

    /// Its value for a request.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn eval<'a>(
        &'a self,
        facts: &Facts<'a>,
        variables: &Variables<'a>,
        budget: &mut Budget,
    ) -> Result<Value<'a>, String> {
        let read = |json: &'a Json| Value::read(json, &ANY);
        let mut given = vec![
            ("object", read(facts.object)),
            ("oldObject", read(facts.old)),
            ("request", Value::read(facts.request, &REQUEST)),
            ("namespaceObject", read(facts.namespace)),
            ("params", read(facts.params)),
            ("authorizer", Question::to(facts.authority)),
        ];
        if self.program.uses("variables") {
            let entries = std::rc::Rc::new(variables.known.clone());
            given.push(("variables", Value::Map(Map::Own(entries))));
        }
        let (value, cost) = self.program.eval(given);
        budget.0 = budget.0.saturating_sub(cost);
        let why = match value {
            Ok(_) if budget.0 == 0 => return Err(OUT_OF_BUDGET.to_owned()),
            Ok(value) => return Ok(value),
            Err(Trouble::Limit) => TOO_MUCH.to_owned(),
            Err(Trouble::Error(text)) => variables.blamed(text),
        };
        Err(why)
    }

    /// Why it has no value, as clients are told.
    pub(crate) fn told(&self, why: &str) -> String {
        format!("expression '{}' resulted in error: {why}", self.text)
    }
}

impl<'a> Variables<'a> {
    /// An error with its cause, where a variable that has no value is missed.
    fn blamed(&self, text: String) -> String {
        let missed = self
            .failed
            .iter()
            .find(|(name, _)| text == format!("no such key: {name}"));
        match missed {
            Some((name, why)) => format!("composited variable {name:?} fails to evaluate: {why}"),
            None => text,
        }
    }

    /// Evaluates variables in their order; one that has no value is missed only by whoever asks for it.
    pub(crate) fn of(all: &'a [(String, Expression)], facts: &Facts<'a>, budget: &mut Budget) -> Self {
        let mut out = Self::default();
        for (name, expression) in all {
            match expression.eval(facts, &out, budget) {
                Ok(value) => out.known.push((Value::Text(name.as_str().into()), value)),
                Err(why) => out.failed.push((name, why)),
            }
        }
        out
    }
}
