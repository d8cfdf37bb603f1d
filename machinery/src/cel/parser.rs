//! Tokens to a tree.

use super::ast::{Expr, Fault, Kind, Literal};
use super::lexer::{Token, TokenKind, tokens};
use super::macros;
use super::message;

/// Deepest nesting; every level takes some of the thread's stack.
const DEPTH_MAX: usize = 64;
/// Most levels of a tree, which long sums and chains have without any nesting.
const TREE_MAX: usize = 250;
/// Longest expression, in characters.
const LENGTH_MAX: usize = 100_000;

const OPERAND: &str =
    "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

/// Words that no identifier may be.
pub(super) const RESERVED: [&str; 16] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
];

/// Reads an expression; returns it and how many numbers its parts have.
pub(super) fn parse(source: &str) -> Result<(Expr, usize), Vec<Fault>> {
    if source.chars().count() > LENGTH_MAX {
        let message = format!(
            "expression code point size exceeds limit: size: {}, limit {LENGTH_MAX}",
            source.len()
        );
        return Err(vec![Fault { at: 0, message }]);
    }
    let (tokens, faults) = tokens(source);
    let end = Token {
        at: source.chars().count(),
        kind: TokenKind::End,
        text: "<EOF>".to_owned(),
    };
    let mut parser = Parser {
        tokens,
        end,
        next: 0,
        ids: 0,
        depth: 0,
        faults,
    };
    let expr = match parser.expression() {
        Ok(expr) => expr,
        Err(fault) => {
            parser.faults.push(fault);
            parser.faults.sort();
            return Err(parser.faults);
        }
    };
    let rest = parser.advance();
    if rest.kind != TokenKind::End {
        // One token too many is told otherwise than several.
        let fault = if parser.peek().kind == TokenKind::End {
            Fault {
                at: rest.at,
                message: format!("Syntax error: extraneous input '{}' expecting <EOF>", rest.text),
            }
        } else {
            mismatched(&rest, "<EOF>")
        };
        parser.faults.push(fault);
    }
    if parser.faults.is_empty() {
        Ok((expr, parser.ids))
    } else {
        parser.faults.sort();
        Err(parser.faults)
    }
}

fn missing(sign: &str, token: &Token) -> Fault {
    Fault {
        at: token.at,
        message: format!("Syntax error: missing '{sign}' at '{}'", token.text),
    }
}

fn mismatched(token: &Token, expected: &str) -> Fault {
    Fault {
        at: token.at,
        message: format!("Syntax error: mismatched input '{}' expecting {expected}", token.text),
    }
}

pub(super) struct Parser {
    tokens: Vec<Token>,
    /// What comes when all tokens are read.
    end: Token,
    next: usize,
    ids: usize,
    depth: usize,
    /// Faults that do not keep the rest from being read.
    pub(super) faults: Vec<Fault>,
}

type Parsed = Result<Expr, Fault>;

impl Parser {
    pub(super) fn make(&mut self, at: usize, kind: Kind) -> Expr {
        self.ids += 1;
        let depth = kind.depth() + 1;
        let too_deep = depth > TREE_MAX;
        if too_deep {
            self.faults.push(Fault {
                at,
                message: format!("expression recursion limit exceeded: {TREE_MAX}"),
            });
        }
        Expr {
            id: self.ids - 1,
            at,
            depth: if too_deep { 1 } else { depth },
            kind: if too_deep { Kind::Literal(Literal::Null) } else { kind },
        }
    }

    pub(super) fn call(&mut self, at: usize, function: &str, args: Vec<Expr>) -> Expr {
        let function = function.to_owned();
        self.make(
            at,
            Kind::Call {
                function,
                target: None,
                args,
            },
        )
    }

    fn peek(&self) -> &Token {
        self.tokens.get(self.next).unwrap_or(&self.end)
    }

    fn advance(&mut self) -> Token {
        let token = self.peek().clone();
        if token.kind != TokenKind::End {
            self.next += 1;
        }
        token
    }

    fn is(&self, sign: &str) -> bool {
        self.peek().kind == TokenKind::Sign && self.peek().text == sign
    }

    fn take(&mut self, sign: &str) -> Option<usize> {
        self.is(sign).then(|| self.advance().at)
    }

    fn expect(&mut self, sign: &str) -> Result<usize, Fault> {
        self.take(sign).ok_or_else(|| missing(sign, self.peek()))
    }

    fn expression(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Fault {
                at: self.peek().at,
                message: format!("expression recursion limit exceeded: {DEPTH_MAX}"),
            });
        }
        let condition = self.binary(0)?;
        let out = match self.take("?") {
            Some(at) => {
                let then = self.binary(0)?;
                if self.take(":").is_none() {
                    return Err(mismatched(self.peek(), "':'"));
                }
                let otherwise = self.expression()?;
                self.call(at, "_?_:_", vec![condition, then, otherwise])
            }
            None => condition,
        };
        self.depth -= 1;
        Ok(out)
    }

    fn binary(&mut self, level: usize) -> Parsed {
        const LEVELS: [&[&str]; 5] = [
            &["||"],
            &["&&"],
            &["<=", "<", ">=", ">", "==", "!=", "in"],
            &["+", "-"],
            &["*", "/", "%"],
        ];
        let Some(signs) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.binary(level + 1)?;
        if level < 2 {
            return self.logic(left, level);
        }
        while let Some(sign) = signs.iter().find(|sign| self.is(sign)) {
            let at = self.advance().at;
            let right = self.binary(level + 1)?;
            let function = match *sign {
                "in" => "@in".to_owned(),
                sign => format!("_{sign}_"),
            };
            left = self.call(at, &function, vec![left, right]);
        }
        Ok(left)
    }

    /// Terms joined by one logical operator, as a tree that is no deeper than it must be.
    fn logic(&mut self, first: Expr, level: usize) -> Parsed {
        let sign = if level == 0 { "||" } else { "&&" };
        let mut terms = vec![first];
        let mut signs = Vec::new();
        while let Some(at) = self.take(sign) {
            signs.push(at);
            terms.push(self.binary(level + 1)?);
        }
        Ok(self.balanced(sign, terms, &signs))
    }

    fn balanced(&mut self, sign: &str, mut terms: Vec<Expr>, signs: &[usize]) -> Expr {
        let middle = terms.len() / 2;
        let right = terms.split_off(middle);
        let (before, after) = signs.split_at(middle.min(signs.len()));
        let Some((at, before)) = before.split_last() else {
            let mut terms = terms.into_iter().chain(right);
            return terms
                .next()
                .unwrap_or_else(|| self.make(0, Kind::Literal(Literal::Null)));
        };
        let left = self.balanced(sign, terms, before);
        let right = self.balanced(sign, right, after);
        self.call(*at, &format!("_{sign}_"), vec![left, right])
    }

    fn unary(&mut self) -> Parsed {
        let sign = self.peek().text.clone();
        if !(self.is("!") || self.is("-")) {
            return self.member();
        }
        let at = self.peek().at;
        let mut count = 0;
        while self.is(&sign) {
            self.advance();
            count += 1;
        }
        if sign == "-"
            && count == 1
            && let TokenKind::Literal(Literal::Int(_) | Literal::Double(_)) = self.peek().kind
        {
            let token = self.advance();
            let literal = match token.kind {
                TokenKind::Literal(Literal::Int(number)) => Literal::Int(number.wrapping_neg()),
                TokenKind::Literal(Literal::Double(number)) => Literal::Double(-number),
                _ => Literal::Null,
            };
            let number = self.make(at, Kind::Literal(literal));
            return self.members(number);
        }
        let operand = self.member()?;
        if count % 2 == 0 {
            return Ok(operand);
        }
        let function = format!("{sign}_");
        Ok(self.call(at, &function, vec![operand]))
    }

    fn member(&mut self) -> Parsed {
        let primary = self.primary()?;
        self.members(primary)
    }

    fn members(&mut self, mut here: Expr) -> Parsed {
        loop {
            if let Some(at) = self.take(".?") {
                let field = self.field()?;
                let name = self.make(field.at, Kind::Literal(Literal::Text(field.text)));
                here = self.call(at, "_?._", vec![here, name]);
            } else if let Some(at) = self.take(".") {
                let field = self.field()?;
                match self.take("(") {
                    Some(open) => {
                        let args = self.arguments(")")?;
                        here = macros::member(self, open, here, field.text, args);
                    }
                    None => {
                        let operand = Box::new(here);
                        let kind = Kind::Select {
                            operand,
                            field: field.text,
                            test: false,
                        };
                        here = self.make(at, kind);
                    }
                }
            } else if let Some(at) = self.take("[?") {
                let index = self.expression()?;
                self.expect("]")?;
                here = self.call(at, "_[?_]", vec![here, index]);
            } else if let Some(at) = self.take("[") {
                let index = self.expression()?;
                self.expect("]")?;
                here = self.call(at, "_[_]", vec![here, index]);
            } else if self.is("{") && message::is_type(&here) {
                here = self.message(here.at)?;
            } else {
                return Ok(here);
            }
        }
    }

    fn field(&mut self) -> Result<Token, Fault> {
        let token = self.advance();
        match token.kind {
            TokenKind::Ident => Ok(token),
            _ => Err(mismatched(&token, "IDENTIFIER")),
        }
    }

    fn arguments(&mut self, close: &str) -> Result<Vec<Expr>, Fault> {
        let mut out = Vec::new();
        while self.take(close).is_none() {
            if !out.is_empty() {
                self.expect(",")?;
                if self.take(close).is_some() {
                    break;
                }
            }
            out.push(self.expression()?);
        }
        Ok(out)
    }

    fn primary(&mut self) -> Parsed {
        let token = self.advance();
        match (&token.kind, token.text.as_str()) {
            (TokenKind::Literal(Literal::Int(i64::MIN)), _) => Err(Fault {
                at: token.at,
                message: "invalid int literal".to_owned(),
            }),
            (TokenKind::Literal(literal), _) => Ok(self.make(token.at, Kind::Literal(literal.clone()))),
            (TokenKind::Ident, name) => self.name(token.at, name),
            (TokenKind::Sign, ".") => {
                let field = self.field()?;
                self.name(field.at, &field.text)
            }
            (TokenKind::Sign, "(") => {
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(inner)
            }
            (TokenKind::Sign, "[" | "[?") => self.list(token.at, token.text == "[?"),
            (TokenKind::Sign, "{") => self.map(token.at),
            _ => Err(mismatched(&token, OPERAND)),
        }
    }

    fn name(&mut self, at: usize, name: &str) -> Parsed {
        if RESERVED.contains(&name) {
            self.faults.push(Fault {
                at,
                message: format!("reserved identifier: {name}"),
            });
        }
        match self.take("(") {
            Some(open) => {
                let args = self.arguments(")")?;
                Ok(macros::global(self, open, name, args))
            }
            None => Ok(self.make(at, Kind::Ident(name.to_owned()))),
        }
    }

    fn list(&mut self, at: usize, mut optional: bool) -> Parsed {
        let mut items = Vec::new();
        let mut first = true;
        loop {
            if !optional && self.take("]").is_some() {
                break;
            }
            if !first {
                if self.take(",").is_none() {
                    return Err(mismatched(self.peek(), "{']', ','}"));
                }
                if self.take("]").is_some() {
                    break;
                }
                optional = self.take("?").is_some();
            } else if !optional {
                optional = self.take("?").is_some();
            }
            first = false;
            items.push((self.expression()?, optional));
            optional = false;
        }
        Ok(self.make(at, Kind::List(items)))
    }

    /// The fields of a message: a map whose values may be of any type.
    fn message(&mut self, at: usize) -> Parsed {
        self.expect("{")?;
        let mut entries = Vec::new();
        while self.take("}").is_none() {
            if !entries.is_empty() {
                self.expect(",")?;
                if self.take("}").is_some() {
                    break;
                }
            }
            let optional = self.take("?").is_some();
            let field = self.field()?;
            self.expect(":")?;
            let key = self.make(field.at, Kind::Literal(Literal::Text(field.text)));
            let value = self.expression()?;
            let value = if optional {
                value
            } else {
                self.call(field.at, "dyn", vec![value])
            };
            entries.push((key, value, optional));
        }
        Ok(self.make(at, Kind::Map(entries)))
    }

    fn map(&mut self, at: usize) -> Parsed {
        let mut entries = Vec::new();
        while self.take("}").is_none() {
            if !entries.is_empty() {
                self.expect(",")?;
                if self.take("}").is_some() {
                    break;
                }
            }
            let optional = self.take("?").is_some();
            let key = self.expression()?;
            self.expect(":")?;
            entries.push((key, self.expression()?, optional));
        }
        Ok(self.make(at, Kind::Map(entries)))
    }
}
