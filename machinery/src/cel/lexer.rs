//! Text to tokens.

use super::ast::{Fault, Literal};

/// A token and where it begins, in characters.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) kind: TokenKind,
    /// As written.
    pub(super) text: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    Literal(Literal),
    Ident,
    /// An operator or a bracket.
    Sign,
    End,
}

const SIGNS: [&str; 26] = [
    "&&", "||", "==", "!=", "<=", ">=", ".?", "[?", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",", "(",
    ")", "[", "]", "{", "}",
];

/// Splits an expression into tokens, the last of which is the end. What is none is skipped and told.
pub(super) fn tokens(source: &str) -> (Vec<Token>, Vec<Fault>) {
    let chars: Vec<char> = source.chars().collect();
    let (mut out, mut faults) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        if c.is_whitespace() {
            at += 1;
        } else if c == '/' && chars.get(at + 1) == Some(&'/') {
            while chars.get(at).is_some_and(|c| *c != '\n') {
                at += 1;
            }
        } else {
            let slice = |length: usize| chars.iter().skip(at).take(length).collect::<String>();
            match token(&chars, at) {
                Ok((kind, length)) => {
                    let text = slice(length);
                    out.push(Token { at, kind, text });
                    at += length;
                }
                Err(Broken::Token(length)) => {
                    let message = format!("Syntax error: token recognition error at: '{}'", slice(length));
                    faults.push(Fault { at, message });
                    at += length;
                }
                Err(Broken::Literal(message, length)) => {
                    faults.push(Fault { at, message });
                    let (kind, text) = (TokenKind::Literal(Literal::Null), slice(length));
                    out.push(Token { at, kind, text });
                    at += length;
                }
            }
        }
    }
    out.push(Token {
        at: chars.len(),
        kind: TokenKind::End,
        text: "<EOF>".to_owned(),
    });
    (out, faults)
}

/// Why there is no token, and how far that goes.
enum Broken {
    /// Nothing begins like this.
    Token(usize),
    /// It is a literal, but of nothing.
    Literal(String, usize),
}

fn token(chars: &[char], at: usize) -> Result<(TokenKind, usize), Broken> {
    let c = chars.get(at).copied().unwrap_or_default();
    if let Some((prefix, raw, bytes)) = string_prefix(chars, at) {
        return string(chars, at, prefix, raw, bytes);
    }
    if c.is_ascii_digit() || (c == '.' && chars.get(at + 1).is_some_and(char::is_ascii_digit)) {
        return number(chars, at);
    }
    if c.is_ascii_alphabetic() || c == '_' {
        let length = chars
            .iter()
            .skip(at)
            .take_while(|c| c.is_ascii_alphanumeric() || **c == '_')
            .count();
        let text: String = chars.iter().skip(at).take(length).collect();
        let kind = match text.as_str() {
            "true" => TokenKind::Literal(Literal::Bool(true)),
            "false" => TokenKind::Literal(Literal::Bool(false)),
            "null" => TokenKind::Literal(Literal::Null),
            "in" => TokenKind::Sign,
            _ => TokenKind::Ident,
        };
        return Ok((kind, length));
    }
    let starts = |sign: &&str| sign.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c));
    // The question mark of `a ? [?b] : c` begins a bracket, that of `a[?b]` follows one; a dot before it selects.
    match SIGNS.iter().find(|sign| starts(sign)) {
        Some(sign) => Ok((TokenKind::Sign, sign.len())),
        // Half of an operator takes what follows with it.
        None if matches!(c, '=' | '&' | '|') => Err(Broken::Token(2)),
        None => Err(Broken::Token(1)),
    }
}

/// How many letters stand before the quote, whether escapes mean nothing, and whether bytes are meant.
fn string_prefix(chars: &[char], at: usize) -> Option<(usize, bool, bool)> {
    let (mut raw, mut bytes, mut length) = (false, false, 0);
    loop {
        match chars.get(at + length)? {
            '\'' | '"' => return Some((length, raw, bytes)),
            'r' | 'R' if !raw => raw = true,
            'b' | 'B' if !bytes => bytes = true,
            _ => return None,
        }
        length += 1;
    }
}

fn string(chars: &[char], at: usize, prefix: usize, raw: bool, bytes: bool) -> Result<(TokenKind, usize), Broken> {
    let open = at + prefix;
    let quote = chars.get(open).copied().unwrap_or_default();
    let triple = chars.get(open + 1) == Some(&quote) && chars.get(open + 2) == Some(&quote);
    let width = if triple { 3 } else { 1 };
    let closes = |at: usize| (0..width).all(|i| chars.get(at + i) == Some(&quote));
    let to_end = chars.iter().skip(at).take_while(|c| **c != '\n').count();
    let broken = || Broken::Token(to_end);
    let mut text = String::new();
    let mut octets = Vec::new();
    let mut here = open + width;
    while !closes(here) {
        let c = *chars.get(here).ok_or_else(broken)?;
        if c == '\n' && !triple {
            return Err(broken());
        }
        if c != '\\' || raw {
            text.push(c);
            octets.extend(c.to_string().bytes());
            here += 1;
            if c == '\\' {
                // Raw text keeps the backslash, but a quote after it does not end it.
                text.extend(chars.get(here));
                octets.extend(chars.get(here).map(char::to_string).unwrap_or_default().bytes());
                here += 1;
            }
            continue;
        }
        let (code, length) = escape(chars, here).ok_or_else(broken)?;
        match (bytes, u8::try_from(code)) {
            // In bytes, octal and hexadecimal escapes are octets.
            (true, Ok(octet)) => octets.push(octet),
            (true, Err(_)) => octets.extend(char::from_u32(code).map(String::from).unwrap_or_default().bytes()),
            (false, _) => text.push(char::from_u32(code).ok_or_else(broken)?),
        }
        here += length;
    }
    let literal = if bytes {
        Literal::Bytes(octets)
    } else {
        Literal::Text(text)
    };
    Ok((TokenKind::Literal(literal), here + width - at))
}

/// The code that an escape stands for, and its length.
fn escape(chars: &[char], at: usize) -> Option<(u32, usize)> {
    let c = *chars.get(at + 1)?;
    let digits = |from: usize, length: usize, radix: u32| {
        let text: String = chars.iter().skip(at + from).take(length).collect();
        (text.chars().count() == length)
            .then(|| u32::from_str_radix(&text, radix).ok().map(|code| (code, from + length)))
            .flatten()
    };
    let simple = |code: u32| Some((code, 2));
    match c {
        'n' => simple(10),
        't' => simple(9),
        'r' => simple(13),
        'a' => simple(7),
        'b' => simple(8),
        'f' => simple(12),
        'v' => simple(11),
        '\\' | '\'' | '"' | '`' | '?' => simple(u32::from(c)),
        'x' | 'X' => digits(2, 2, 16),
        'u' => digits(2, 4, 16),
        'U' => digits(2, 8, 16),
        '0'..='3' => digits(1, 3, 8),
        _ => None,
    }
}

fn number(chars: &[char], at: usize) -> Result<(TokenKind, usize), Broken> {
    let take = |from: usize, wanted: fn(&char) -> bool| chars.iter().skip(from).take_while(|c| wanted(c)).count();
    let is_unsigned = |end: usize| matches!(chars.get(end), Some('u' | 'U'));
    let whole = |digits: String, radix: u32, end: usize| {
        let fault = |what: &str, end: usize| Broken::Literal(format!("invalid {what} literal"), end - at);
        if is_unsigned(end) {
            let number = u64::from_str_radix(&digits, radix).map_err(|_| fault("uint", end + 1))?;
            return Ok((TokenKind::Literal(Literal::Uint(number)), end + 1 - at));
        }
        // The least integer has no positive; the parser puts the sign before it.
        let number = u64::from_str_radix(&digits, radix).map_err(|_| fault("int", end))?;
        let number = match i64::try_from(number) {
            Ok(number) => number,
            Err(_) if number == 1 << 63 => i64::MIN,
            Err(_) => return Err(fault("int", end)),
        };
        Ok((TokenKind::Literal(Literal::Int(number)), end - at))
    };
    if chars.get(at) == Some(&'0') && matches!(chars.get(at + 1), Some('x' | 'X')) {
        let length = take(at + 2, char::is_ascii_hexdigit);
        return whole(chars.iter().skip(at + 2).take(length).collect(), 16, at + 2 + length);
    }
    let mut end = at + take(at, char::is_ascii_digit);
    let mut real = false;
    if chars.get(end) == Some(&'.') && chars.get(end + 1).is_some_and(char::is_ascii_digit) {
        end += 1 + take(end + 1, char::is_ascii_digit);
        real = true;
    }
    if matches!(chars.get(end), Some('e' | 'E')) {
        let sign = usize::from(matches!(chars.get(end + 1), Some('+' | '-')));
        let digits = take(end + 1 + sign, char::is_ascii_digit);
        if digits > 0 {
            end += 1 + sign + digits;
            real = true;
        }
    }
    let text: String = chars.iter().skip(at).take(end - at).collect();
    if !real {
        return whole(text, 10, end);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((TokenKind::Literal(Literal::Double(number)), end - at)),
        Ok(_) | Err(_) => Err(Broken::Literal("invalid double literal".to_owned(), end - at)),
    }
}
