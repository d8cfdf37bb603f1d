//! Macros: calls that stand for a test of presence or a loop.

use super::ast::{ACCUMULATOR, Comprehension, Expr, Fault, Kind, Literal};
use super::parser::Parser;

/// A call without a target.
pub(super) fn global(parser: &mut Parser, at: usize, name: &str, mut args: Vec<Expr>) -> Expr {
    if name == "has" && args.len() == 1 {
        let arg = args.remove(0);
        if let Kind::Select { operand, field, .. } = arg.kind {
            let kind = Kind::Select {
                operand,
                field,
                test: true,
            };
            return parser.make(at, kind);
        }
        parser.faults.push(Fault {
            at: arg.at,
            message: "invalid argument to has() macro".to_owned(),
        });
        return arg;
    }
    parser.call(at, name, args)
}

/// A call with a target.
pub(super) fn member(parser: &mut Parser, at: usize, target: Expr, name: String, mut args: Vec<Expr>) -> Expr {
    let shape = (name.as_str(), args.len());
    let variables = match shape {
        ("all" | "exists" | "exists_one" | "existsOne" | "filter" | "map", 2) => 1,
        // With three arguments, `map` filters first; the others loop over keys and values.
        ("map", 3) => 1,
        ("sortBy" | "optMap" | "optFlatMap", 2) => 1,
        ("transformMapEntry", 3 | 4) => 2,
        ("all" | "exists" | "exists_one" | "existsOne" | "transformList" | "transformMap", 3) => 2,
        ("transformList" | "transformMap", 4) => 2,
        _ => 0,
    };
    if variables == 0 {
        let kind = Kind::Call {
            function: name,
            target: Some(Box::new(target)),
            args,
        };
        return parser.make(at, kind);
    }
    let mut names = Vec::new();
    for variable in args.drain(..variables) {
        match variable.kind {
            Kind::Ident(name) if name != ACCUMULATOR => names.push(name),
            _ => {
                parser.faults.push(Fault {
                    at: variable.at,
                    message: "argument must be a simple name".to_owned(),
                });
                names.push("@broken".to_owned());
            }
        }
    }
    let mut build = Build { parser, at };
    match (name.as_str(), args.pop()) {
        ("sortBy", Some(key)) => return build.sorted(target, &names, key),
        ("optMap" | "optFlatMap", Some(inner)) => return build.optional(target, &names, inner, name == "optMap"),
        (_, last) => args.extend(last),
    }
    let (init, condition, step, result) = build.parts(&name, args, &names);
    let mut names = names.into_iter();
    let comprehension = Comprehension {
        range: target,
        var: names.next().unwrap_or_default(),
        second: names.next(),
        init,
        condition,
        step,
        result,
    };
    parser.make(at, Kind::Comprehension(Box::new(comprehension)))
}

struct Build<'a> {
    parser: &'a mut Parser,
    at: usize,
}

impl Build<'_> {
    fn literal(&mut self, literal: Literal) -> Expr {
        self.parser.make(self.at, Kind::Literal(literal))
    }

    fn accumulator(&mut self) -> Expr {
        self.parser.make(self.at, Kind::Ident(ACCUMULATOR.to_owned()))
    }

    fn call(&mut self, function: &str, args: Vec<Expr>) -> Expr {
        self.parser.call(self.at, function, args)
    }

    fn list(&mut self, items: Vec<Expr>) -> Expr {
        let items = items.into_iter().map(|item| (item, false)).collect();
        self.parser.make(self.at, Kind::List(items))
    }

    fn of_target(&mut self, function: &str, target: Expr, args: Vec<Expr>) -> Expr {
        let kind = Kind::Call {
            function: function.to_owned(),
            target: Some(Box::new(target)),
            args,
        };
        self.parser.make(self.at, kind)
    }

    /// `range.map(name, item)`.
    fn mapped(&mut self, range: Expr, names: &[String], item: Expr) -> Expr {
        let (init, condition, step, result) = self.parts("map", vec![item], names);
        let comprehension = Comprehension {
            range,
            var: names.first().cloned().unwrap_or_default(),
            second: None,
            init,
            condition,
            step,
            result,
        };
        self.parser.make(self.at, Kind::Comprehension(Box::new(comprehension)))
    }

    /// A list in the order of the keys that an expression makes of its items.
    fn sorted(&mut self, target: Expr, names: &[String], key: Expr) -> Expr {
        let keys = self.mapped(target.clone(), names, key);
        self.of_target("@sortByAssociatedKeys", target, vec![keys])
    }

    /// What an expression makes of an optional value, if there is one. A list of that one value names it.
    fn optional(&mut self, target: Expr, names: &[String], inner: Expr, wrapped: bool) -> Expr {
        let condition = self.of_target("hasValue", target.clone(), Vec::new());
        let value = self.of_target("value", target, Vec::new());
        let range = self.list(vec![value]);
        let list = self.mapped(range, names, inner);
        let zero = self.literal(Literal::Int(0));
        let mut found = self.call("_[_]", vec![list, zero]);
        if wrapped {
            found = self.call("optional.of", vec![found]);
        }
        let none = self.call("optional.none", Vec::new());
        self.call("_?_:_", vec![condition, found, none])
    }

    /// Init, condition, step and result of a macro.
    fn parts(&mut self, name: &str, mut args: Vec<Expr>, names: &[String]) -> (Expr, Expr, Expr, Expr) {
        let last = args.pop();
        let before = args.pop();
        let missing = |build: &mut Self| build.literal(Literal::Null);
        let last = last.unwrap_or_else(|| missing(self));
        match name {
            "all" => {
                let init = self.literal(Literal::Bool(true));
                let accumulator = self.accumulator();
                let condition = self.call("@not_strictly_false", vec![accumulator]);
                let accumulator = self.accumulator();
                let step = self.call("_&&_", vec![accumulator, last]);
                (init, condition, step, self.accumulator())
            }
            "exists" => {
                let init = self.literal(Literal::Bool(false));
                let accumulator = self.accumulator();
                let negated = self.call("!_", vec![accumulator]);
                let condition = self.call("@not_strictly_false", vec![negated]);
                let accumulator = self.accumulator();
                let step = self.call("_||_", vec![accumulator, last]);
                (init, condition, step, self.accumulator())
            }
            "exists_one" | "existsOne" => {
                let init = self.literal(Literal::Int(0));
                let condition = self.literal(Literal::Bool(true));
                let (accumulator, one) = (self.accumulator(), self.literal(Literal::Int(1)));
                let more = self.call("_+_", vec![accumulator, one]);
                let same = self.accumulator();
                let step = self.call("_?_:_", vec![last, more, same]);
                let (accumulator, one) = (self.accumulator(), self.literal(Literal::Int(1)));
                let result = self.call("_==_", vec![accumulator, one]);
                (init, condition, step, result)
            }
            "transformMapEntry" => {
                let init = self.parser.make(self.at, Kind::Map(Vec::new()));
                let condition = self.literal(Literal::Bool(true));
                let accumulator = self.accumulator();
                let step = self.call("cel.@mapInsert", vec![accumulator, last]);
                let step = self.filtered(before, step);
                (init, condition, step, self.accumulator())
            }
            "transformMap" => {
                let init = self.parser.make(self.at, Kind::Map(Vec::new()));
                let condition = self.literal(Literal::Bool(true));
                let key = names.first().cloned().unwrap_or_default();
                let key = self.parser.make(self.at, Kind::Ident(key));
                let accumulator = self.accumulator();
                let step = self.call("cel.@mapInsert", vec![accumulator, key, last]);
                let step = self.filtered(before, step);
                (init, condition, step, self.accumulator())
            }
            _ => {
                let init = self.list(Vec::new());
                let condition = self.literal(Literal::Bool(true));
                let (item, wanted) = if name == "filter" {
                    let name = names.first().cloned().unwrap_or_default();
                    (self.parser.make(self.at, Kind::Ident(name)), Some(last))
                } else {
                    (last, before)
                };
                let (accumulator, item) = (self.accumulator(), self.list(vec![item]));
                let step = self.call("_+_", vec![accumulator, item]);
                let step = self.filtered(wanted, step);
                (init, condition, step, self.accumulator())
            }
        }
    }

    /// A step that is taken only where something holds.
    fn filtered(&mut self, wanted: Option<Expr>, step: Expr) -> Expr {
        match wanted {
            Some(wanted) => {
                let same = self.accumulator();
                self.call("_?_:_", vec![wanted, step, same])
            }
            None => step,
        }
    }
}
