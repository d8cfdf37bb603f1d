//! What an expression costs at worst, told before it is evaluated.
//!
//! In: a checked expression and the shape of what its variables hold. Out: units of cost, by Kubernetes' reckoning, on
//! which it depends whether a definition is accepted.

use std::collections::BTreeMap;

use super::ast::{ACCUMULATOR, Comprehension, Expr, Kind, Literal};
use super::check::Checked;
use super::shape::Shape;
use super::types::Type;

/// Fewest and most characters, items or entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) least: u64,
    pub(super) most: u64,
}

impl Size {
    pub(super) const UNKNOWN: Self = Self {
        least: 0,
        most: u64::MAX,
    };

    pub(super) fn fixed(size: u64) -> Self {
        Self {
            least: size,
            most: size,
        }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            least: self.least.saturating_add(other.least),
            most: self.most.saturating_add(other.most),
        }
    }

    pub(super) fn times(self, other: Self) -> Self {
        Self {
            least: self.least.saturating_mul(other.least),
            most: self.most.saturating_mul(other.most),
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            least: self.least.min(other.least),
            most: self.most.max(other.most),
        }
    }
}

/// A part of a size, rounded up.
pub(super) fn share(size: u64, factor: f64) -> u64 {
    if size == u64::MAX {
        return u64::MAX;
    }
    // A cast of floats saturates, which is what is wanted.
    (size as f64 * factor).ceil() as u64
}

/// What a value holds: its own size, and those of its keys and values.
#[derive(Clone, Debug, Default)]
struct Entries {
    key: Option<Size>,
    value: Option<Size>,
}

/// A variable of a loop.
struct Local {
    name: String,
    path: Option<Vec<String>>,
    size: Option<Size>,
    entries: Option<Entries>,
}

/// An argument as the costs of functions see it.
pub(super) struct Argument<'a> {
    pub(super) expr: &'a Expr,
    pub(super) size: Size,
    pub(super) of: &'a Type,
    /// Size of the items of a list.
    pub(super) item: Size,
}

/// What a call costs beside its arguments, and how great its result is.
pub(super) struct CallCost {
    pub(super) cost: u64,
    pub(super) result: Option<Size>,
}

/// The worst cost of an expression. All variables hold what the shape tells.
pub(super) fn worst(expr: &Expr, checked: &Checked, root: &Shape) -> u64 {
    let mut estimator = Estimator {
        checked,
        root,
        locals: Vec::new(),
        paths: BTreeMap::new(),
        sizes: BTreeMap::new(),
        entries: BTreeMap::new(),
    };
    estimator.cost(expr)
}

struct Estimator<'a> {
    checked: &'a Checked,
    root: &'a Shape,
    locals: Vec<Local>,
    paths: BTreeMap<usize, Vec<String>>,
    sizes: BTreeMap<usize, Size>,
    entries: BTreeMap<usize, Entries>,
}

impl Estimator<'_> {
    fn type_of(&self, expr: &Expr) -> &Type {
        self.checked.types.get(expr.id).unwrap_or(&Type::Dyn)
    }

    fn local(&self, expr: &Expr) -> Option<&Local> {
        match &expr.kind {
            Kind::Ident(name) => self.locals.iter().rev().find(|local| local.name == *name),
            _ => None,
        }
    }

    fn cost(&mut self, expr: &Expr) -> u64 {
        match &expr.kind {
            Kind::Literal(_) => 0,
            Kind::Ident(name) => {
                let path = match self.local(expr) {
                    Some(local) => local.path.clone(),
                    None => Some(vec![name.clone()]),
                };
                if let Some(path) = path {
                    self.paths.insert(expr.id, path);
                }
                1
            }
            Kind::Select { operand, field, test } => {
                let cost = self.cost(operand);
                if *test {
                    return cost;
                }
                self.extend(expr, operand, field);
                let fields = matches!(self.type_of(operand), Type::Map(..) | Type::Object(..));
                cost.saturating_add(u64::from(fields))
            }
            Kind::Call { function, target, args } => self.call(expr, function, target.as_deref(), args),
            Kind::List(items) => {
                let mut cost = 10_u64;
                let mut all: Option<Size> = None;
                for (item, _) in items {
                    cost = cost.saturating_add(self.cost(item));
                    let size = self.size(item).unwrap_or(Size::UNKNOWN);
                    all = Some(all.map_or(size, |known| known.or(size)));
                }
                let entries = Entries {
                    key: Some(Size::fixed(1)),
                    value: Some(all.unwrap_or(Size::fixed(0))),
                };
                self.entries.insert(expr.id, entries);
                cost
            }
            Kind::Map(entries) => {
                let mut cost = 30_u64;
                let (mut keys, mut values): (Option<Size>, Option<Size>) = (None, None);
                for (key, value, _) in entries {
                    cost = cost.saturating_add(self.cost(key)).saturating_add(self.cost(value));
                    let size = self.size(key).unwrap_or(Size::UNKNOWN);
                    keys = Some(keys.map_or(size, |known| known.or(size)));
                    let size = self.size(value).unwrap_or(Size::UNKNOWN);
                    values = Some(values.map_or(size, |known| known.or(size)));
                }
                let entries = Entries {
                    key: Some(keys.unwrap_or(Size::fixed(0))),
                    value: Some(values.unwrap_or(Size::fixed(0))),
                };
                self.entries.insert(expr.id, entries);
                cost
            }
            Kind::Comprehension(loop_) => self.comprehension(expr, loop_),
        }
    }

    /// The path of an expression is that of another and one step more.
    fn extend(&mut self, expr: &Expr, from: &Expr, step: &str) {
        if let Some(path) = self.path(from) {
            let longer = path.into_iter().chain([step.to_owned()]).collect();
            self.paths.insert(expr.id, longer);
        }
    }

    fn path(&self, expr: &Expr) -> Option<Vec<String>> {
        match self.local(expr) {
            Some(local) => local.path.clone(),
            None => self.paths.get(&expr.id).cloned(),
        }
        .filter(|path| path.first().is_none_or(|first| first != ACCUMULATOR))
    }

    fn size(&self, expr: &Expr) -> Option<Size> {
        if let Some(size) = self.sizes.get(&expr.id) {
            return Some(*size);
        }
        match &expr.kind {
            Kind::Literal(Literal::Text(text)) => return Some(Size::fixed(text.chars().count() as u64)),
            Kind::Literal(Literal::Bytes(bytes)) => return Some(Size::fixed(bytes.len() as u64)),
            Kind::Literal(_) => return Some(Size::fixed(1)),
            Kind::List(items) => return Some(Size::fixed(items.len() as u64)),
            Kind::Map(entries) => return Some(Size::fixed(entries.len() as u64)),
            _ => {}
        }
        if let Some(size) = self.path(expr).and_then(|path| self.size_at(&path)) {
            return Some(size);
        }
        if is_scalar(self.type_of(expr)) {
            return Some(Size::fixed(1));
        }
        self.local(expr).and_then(|local| local.size)
    }

    /// What the shape tells of a place.
    fn size_at(&self, path: &[String]) -> Option<Size> {
        let mut here: &Shape = self.root;
        for step in path.get(1..)? {
            if step == "@keys" {
                // Keys are texts of any length, of which nothing is told.
                return Some(Size::fixed(0).or(Size { least: 0, most: 0 }));
            }
            here = here.step(step)?;
        }
        (!path.is_empty()).then(|| Size {
            least: 0,
            most: u64::try_from(here.most).unwrap_or_default(),
        })
    }

    fn entries_of(&self, expr: &Expr) -> Option<Entries> {
        match self.entries.get(&expr.id) {
            Some(entries) => Some(entries.clone()),
            None => self.local(expr).and_then(|local| local.entries.clone()),
        }
    }

    fn argument<'e>(&'e self, expr: &'e Expr) -> Argument<'e> {
        let item = self
            .path(expr)
            .map(|path| path.into_iter().chain(["@items".to_owned()]).collect::<Vec<_>>())
            .and_then(|path| self.size_at(&path));
        Argument {
            expr,
            size: self.size(expr).unwrap_or(Size::UNKNOWN),
            of: self.type_of(expr),
            item: item.unwrap_or(Size::UNKNOWN),
        }
    }

    fn call(&mut self, expr: &Expr, function: &str, target: Option<&Expr>, args: &[Expr]) -> u64 {
        let costs: Vec<u64> = args.iter().map(|arg| self.cost(arg)).collect();
        let of_args = costs.iter().fold(0_u64, |sum, cost| sum.saturating_add(*cost));
        let of_target = target.map_or(0, |target| self.cost(target));
        if function == "dyn" {
            if let Some(arg) = args.first() {
                self.same_size(expr, arg);
            }
            return of_args.saturating_add(1);
        }
        match (function, args) {
            ("_?_:_", [_, then, otherwise]) => {
                let size = |one: &Expr| self.size(one).unwrap_or(Size::UNKNOWN);
                let size = size(then).or(size(otherwise));
                self.sizes.insert(expr.id, size);
                let entries = self.entries_of(then).zip(self.entries_of(otherwise));
                if let Some((a, b)) = entries {
                    self.entries.insert(expr.id, joined(&a, &b));
                }
                let branch = |index: usize| costs.get(index).copied().unwrap_or_default();
                return branch(0).saturating_add(branch(1).max(branch(2)));
            }
            ("_&&_" | "_||_", _) => return of_args,
            ("_+_", [a, b]) => {
                let entries = match (self.entries_of(a), self.entries_of(b)) {
                    (Some(a), Some(b)) => Some(joined(&a, &b)),
                    _ => None,
                };
                if let Some(entries) = entries {
                    self.entries.insert(expr.id, entries);
                }
            }
            ("_[_]", [container, _]) => {
                let step = if matches!(self.type_of(container), Type::Map(..)) {
                    "@values"
                } else {
                    "@items"
                };
                self.extend(expr, container, step);
                if let Some(size) = self.entries_of(container).and_then(|entries| entries.value) {
                    self.sizes.insert(expr.id, size);
                }
            }
            _ => {}
        }
        let ids: Vec<&'static str> = self
            .checked
            .overloads
            .get(expr.id)
            .map(|meant| meant.iter().map(|overload| overload.id).collect())
            .unwrap_or_default();
        let target = target.map(|target| self.argument(target));
        let given: Vec<Argument<'_>> = args.iter().map(|arg| self.argument(arg)).collect();
        let mut own = 0;
        let mut result: Option<Size> = None;
        for id in ids {
            let found = super::costs::of(function, id, target.as_ref(), &given);
            own = own.max(found.cost);
            if let Some(size) = found.result {
                result = Some(result.map_or(size, |known| known.or(size)));
            }
        }
        drop((target, given));
        if let Some(size) = result {
            self.sizes.insert(expr.id, size);
        }
        of_target.saturating_add(of_args).saturating_add(own)
    }

    fn same_size(&mut self, expr: &Expr, other: &Expr) {
        if let Some(size) = self.size(other) {
            self.sizes.insert(expr.id, size);
        }
        if let Some(entries) = self.entries_of(other) {
            self.entries.insert(expr.id, entries);
        }
    }

    fn comprehension(&mut self, expr: &Expr, loop_: &Comprehension) -> u64 {
        let before = self.cost(&loop_.range).saturating_add(self.cost(&loop_.init));
        let init_entries = self.entries_of(&loop_.init);
        self.locals.push(Local {
            name: ACCUMULATOR.to_owned(),
            path: None,
            size: self.size(&loop_.init),
            entries: init_entries,
        });
        self.push_variables(loop_);
        let step = self.cost(&loop_.condition).saturating_add(self.cost(&loop_.step));
        self.locals.pop();
        if loop_.second.is_some() {
            self.locals.pop();
        }
        let result = self.cost(&loop_.result);
        self.locals.pop();
        let count = self.size(&loop_.range).unwrap_or(Size::UNKNOWN);
        match &loop_.init.kind {
            Kind::Literal(_) => {
                if let Some(size) = self.size(&loop_.init) {
                    self.sizes.insert(expr.id, size);
                }
            }
            Kind::List(_) | Kind::Map(_) => {
                self.sizes.insert(expr.id, count);
                if let Some(entries) = self.entries_of(&loop_.step) {
                    self.entries.insert(expr.id, entries);
                }
            }
            _ => {}
        }
        before
            .saturating_add(result)
            .saturating_add(count.most.saturating_mul(step))
    }

    fn push_variables(&mut self, loop_: &Comprehension) {
        let entries = self.entries_of(&loop_.range).unwrap_or_default();
        let path = self.path(&loop_.range);
        let list = matches!(self.type_of(&loop_.range), Type::List(_));
        let below = |step: &str| {
            let path = path.clone()?;
            Some(path.into_iter().chain([step.to_owned()]).collect::<Vec<_>>())
        };
        let keys = || (below("@keys"), entries.key);
        let values = || (below(if list { "@items" } else { "@values" }), entries.value);
        let mut push = |name: &str, (path, size): (Option<Vec<String>>, Option<Size>)| {
            self.locals.push(Local {
                name: name.to_owned(),
                path,
                size,
                entries: None,
            });
        };
        match &loop_.second {
            Some(second) => {
                push(&loop_.var, keys());
                push(second, values());
            }
            None if list => push(&loop_.var, values()),
            None => push(&loop_.var, keys()),
        }
    }
}

fn joined(a: &Entries, b: &Entries) -> Entries {
    let both = |a: Option<Size>, b: Option<Size>| a.zip(b).map(|(a, b)| a.or(b));
    Entries {
        key: both(a.key, b.key),
        value: both(a.value, b.value),
    }
}

fn is_scalar(of: &Type) -> bool {
    match of {
        Type::Bool | Type::Double | Type::Duration | Type::Int | Type::Timestamp | Type::Uint => true,
        Type::Optional(inner) => is_scalar(inner),
        _ => false,
    }
}
