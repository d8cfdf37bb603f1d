//! The grammar of kubectl's label selectors: words, signs, and what may follow what.

use std::collections::BTreeSet;
use std::fmt;

use super::SelectorError;
use super::labels::{Operator, Requirement};

/// Reads `app=web,tier!=db,zone in (a,b),!legacy,n>3`.
pub(super) fn requirements(text: &str) -> Parsed<Vec<Requirement>> {
    Parser {
        tokens: tokens(text),
        at: 0,
    }
    .requirements()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Sign(&'a str),
    End,
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Token::Word(text) | Token::Sign(text) => text,
            Token::End => "",
        })
    }
}

const SIGNS: [&str; 9] = ["==", "!=", "=", "!", "(", ")", ",", "<", ">"];

fn tokens(text: &str) -> Vec<Token<'_>> {
    let is_special = |c: char| c.is_whitespace() || "=!(),<>".contains(c);
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let length = match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            Some(sign) => {
                found.push(Token::Sign(sign));
                sign.len()
            }
            None => {
                let length = rest.find(is_special).unwrap_or(rest.len());
                let (word, _) = rest.split_at(length);
                found.push(Token::Word(word));
                length
            }
        };
        rest = rest.split_at(length).1.trim_start();
    }
    found
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    at: usize,
}

type Parsed<T> = Result<T, SelectorError>;

fn unexpected<T>(found: Token<'_>, expected: &str) -> Parsed<T> {
    Err(SelectorError::new(format!("found '{found}', expected: {expected}")))
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Token<'a> {
        self.tokens.get(self.at).copied().unwrap_or(Token::End)
    }

    fn next(&mut self) -> Token<'a> {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn requirements(mut self) -> Parsed<Vec<Requirement>> {
        let mut requirements = Vec::new();
        match self.peek() {
            Token::End => return Ok(requirements),
            Token::Word(_) | Token::Sign("!") => {}
            other @ Token::Sign(_) => return unexpected(other, "!, identifier, or 'end of string'"),
        }
        loop {
            let requirement = self.requirement();
            requirements
                .push(requirement.map_err(|e| SelectorError::new(format!("unable to parse requirement: {e}")))?);
            match self.next() {
                Token::End => return Ok(requirements),
                Token::Sign(",") => match self.peek() {
                    Token::Word(_) | Token::Sign("!") => {}
                    other => return unexpected(other, "identifier after ','"),
                },
                other => return unexpected(other, "',' or 'end of string'"),
            }
        }
    }

    fn requirement(&mut self) -> Parsed<Requirement> {
        let absent = self.peek() == Token::Sign("!");
        if absent {
            self.next();
        }
        let key = match self.next() {
            Token::Word(key) => key,
            other => return unexpected(other, "identifier"),
        };
        if absent {
            return Requirement::checked(key, Operator::DoesNotExist, Vec::new());
        }
        if matches!(self.peek(), Token::End | Token::Sign(",")) {
            return Requirement::checked(key, Operator::Exists, Vec::new());
        }
        let (operator, values) = match self.next() {
            Token::Word("in") => (Operator::In, self.set()?),
            Token::Word("notin") => (Operator::NotIn, self.set()?),
            Token::Sign("=" | "==") => (Operator::Equals, vec![self.exact()?]),
            Token::Sign("!=") => (Operator::NotEquals, vec![self.exact()?]),
            Token::Sign(">") | Token::Word("gt") => (Operator::GreaterThan, vec![self.exact()?]),
            Token::Sign("<") | Token::Word("lt") => (Operator::LessThan, vec![self.exact()?]),
            other => return unexpected(other, "in, notin, =, ==, !=, gt, lt"),
        };
        Requirement::checked(key, operator, values)
    }

    fn exact(&mut self) -> Parsed<String> {
        match self.peek() {
            Token::End | Token::Sign(",") => Ok(String::new()),
            Token::Word(value) => {
                self.next();
                Ok(value.to_owned())
            }
            other @ Token::Sign(_) => unexpected(other, "identifier"),
        }
    }

    /// `(a,b)`: an empty place between commas or brackets is the empty value, and so are empty brackets.
    fn set(&mut self) -> Parsed<Vec<String>> {
        match self.next() {
            Token::Sign("(") => {}
            other => return unexpected(other, "'('"),
        }
        let mut values = BTreeSet::new();
        if self.peek() == Token::Sign(")") {
            self.next();
            return Ok(vec![String::new()]);
        }
        loop {
            let value = match self.peek() {
                Token::Word(value) => {
                    self.next();
                    value
                }
                Token::Sign("," | ")") => "",
                other => return unexpected(other, "',', ')' or identifier"),
            };
            values.insert(value);
            match self.next() {
                Token::Sign(",") => {}
                Token::Sign(")") => {
                    return Ok(values.into_iter().map(str::to_owned).collect());
                }
                other => return unexpected(other, "',' or ')'"),
            }
        }
    }
}
