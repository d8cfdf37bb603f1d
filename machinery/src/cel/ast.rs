//! Expressions as trees. Macros are expanded to comprehensions, as the language defines them.

/// One expression.
#[derive(Clone, Debug)]
pub(super) struct Expr {
    /// Number of the expression, by which types are kept.
    pub(super) id: usize,
    /// Where it stands in the text, in characters.
    pub(super) at: usize,
    /// How many levels there are below, itself included.
    pub(super) depth: usize,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Literal(Literal),
    Ident(String),
    Select {
        operand: Box<Expr>,
        field: String,
        /// Asks whether the field is there.
        test: bool,
    },
    Call {
        function: String,
        target: Option<Box<Expr>>,
        args: Vec<Expr>,
    },
    /// Items, each with whether it is optional.
    List(Vec<(Expr, bool)>),
    /// Entries, each with whether it is optional.
    Map(Vec<(Expr, Expr, bool)>),
    Comprehension(Box<Comprehension>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Kind {
    /// The levels below.
    pub(super) fn depth(&self) -> usize {
        let deepest = |parts: &mut dyn Iterator<Item = &Expr>| parts.map(|part| part.depth).max().unwrap_or_default();
        match self {
            Self::Literal(_) | Self::Ident(_) => 0,
            Self::Select { operand, .. } => operand.depth,
            Self::Call { target, args, .. } => deepest(&mut args.iter().chain(target.as_deref())),
            Self::List(items) => deepest(&mut items.iter().map(|(item, _)| item)),
            Self::Map(entries) => deepest(&mut entries.iter().flat_map(|(key, value, _)| [key, value])),
            Self::Comprehension(loop_) => {
                deepest(&mut [&loop_.range, &loop_.init, &loop_.condition, &loop_.step, &loop_.result].into_iter())
            }
        }
    }
}

/// A loop over a list or the keys of a map that folds into one value.
#[derive(Clone, Debug)]
pub(super) struct Comprehension {
    pub(super) range: Expr,
    pub(super) var: String,
    pub(super) second: Option<String>,
    pub(super) init: Expr,
    pub(super) condition: Expr,
    pub(super) step: Expr,
    pub(super) result: Expr,
}

/// The variable that a comprehension folds into.
pub(super) const ACCUMULATOR: &str = "@result";

/// A fault of an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) message: String,
}

/// The faults of an expression as they are told: each with its line, and an arrow.
pub(super) fn tell(source: &str, faults: &[Fault]) -> String {
    let told: Vec<String> = faults.iter().map(|fault| tell_one(source, fault)).collect();
    told.join("\n")
}

fn tell_one(source: &str, fault: &Fault) -> String {
    let mut line = 1;
    let mut start = 0;
    for (index, c) in source.chars().enumerate().take(fault.at) {
        if c == '\n' {
            line += 1;
            start = index + 1;
        }
    }
    let text = source.lines().nth(line - 1).unwrap_or_default();
    let dots = fault.at - start;
    format!(
        "ERROR: <input>:{line}:{}: {}\n | {text}\n | {}^",
        dots + 1,
        fault.message,
        ".".repeat(dots)
    )
}
