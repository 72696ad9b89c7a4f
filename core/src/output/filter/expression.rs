//! Reads `where`: `column OP value`, a comma is and.

use crate::Error;

/// How the two sides of a condition are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Matches,
}

/// A condition as it was written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// The left side: a column or a path.
    pub(super) left: String,
    /// Where it starts, counting characters from 1.
    pub(super) at: usize,
    /// The comparison.
    pub(super) op: Op,
    /// The right side, without its quotes.
    pub(super) right: String,
    /// Where it starts.
    pub(super) right_at: usize,
    /// Whether it was quoted, and so is a value and no column.
    pub(super) quoted: bool,
}

/// An error at a place of the expression.
pub(super) fn error_at(at: usize, message: impl std::fmt::Display) -> Error {
    Error::invalid(format!("where, column {at}: {message}"))
}

const OPERATORS: &str = "= != < <= > >= ~";

/// The conditions of an expression.
pub(super) fn read(text: &str) -> Result<Vec<Written>, Error> {
    let mut reader = Reader {
        chars: text.chars().collect(),
        at: 0,
    };
    let mut conditions = Vec::new();
    loop {
        conditions.push(reader.condition()?);
        match reader.next() {
            None => return Ok(conditions),
            Some(',') => {}
            Some(other) => {
                return Err(error_at(
                    reader.at,
                    format!("expected a comma (it means and) or the end, found {other:?}"),
                ));
            }
        }
    }
}

struct Reader {
    chars: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek();
        self.at += usize::from(c.is_some());
        c
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    fn condition(&mut self) -> Result<Written, Error> {
        self.skip_spaces();
        let at = self.at + 1;
        let left = self.left();
        if left.is_empty() {
            return Err(error_at(
                at,
                "expected a condition such as status!=Running or restarts>5",
            ));
        }
        let operator_at = self.at + 1;
        let op = match (self.next(), self.peek()) {
            (Some('='), Some('~')) => {
                self.at += 1;
                Op::Matches
            }
            (Some('='), _) => {
                self.eat('=');
                Op::Equal
            }
            (Some('!'), Some('=')) => {
                self.at += 1;
                Op::NotEqual
            }
            (Some('<'), _) if self.eat('=') => Op::LessOrEqual,
            (Some('<'), _) => Op::Less,
            (Some('>'), _) if self.eat('=') => Op::GreaterOrEqual,
            (Some('>'), _) => Op::Greater,
            (Some('~'), _) => {
                self.eat('=');
                Op::Matches
            }
            _ => {
                return Err(error_at(
                    operator_at,
                    format!("expected one of {OPERATORS} after {left:?}"),
                ));
            }
        };
        if op != Op::Matches && self.peek().is_some_and(|c| "=<>~!".contains(c)) {
            self.at += 1;
            let found = self.text(operator_at - 1);
            let message =
                format!("expected one of {OPERATORS}, found {found:?}; quote a value that starts so");
            return Err(error_at(operator_at, message));
        }
        self.skip_spaces();
        let right_at = self.at + 1;
        let (right, quoted) = self.right(op)?;
        if !quoted && op != Op::Matches {
            let shout = right.to_lowercase();
            if right.contains("&&") || shout.contains(" and ") {
                return Err(error_at(right_at, "a comma is and: a=1,b=2"));
            }
            if right.contains("||") || shout.contains(" or ") {
                return Err(error_at(
                    right_at,
                    "there is no or: use a regex, e.g. status~^(Error|Failed)$",
                ));
            }
        }
        Ok(Written {
            left,
            at,
            op,
            right,
            right_at,
            quoted,
        })
    }

    /// A column or a path: up to an operator or a comma outside brackets.
    fn left(&mut self) -> String {
        let (start, mut depth, mut quote) = (self.at, 0_usize, None);
        while let Some(c) = self.peek() {
            match (quote, c) {
                (None, '\\') => self.at += 1,
                (Some(open), _) if c == open => quote = None,
                (Some(_), _) => {}
                (None, '\'' | '"') if depth > 0 => quote = Some(c),
                (None, '[') => depth += 1,
                (None, ']') => depth = depth.saturating_sub(1),
                (None, '=' | '!' | '<' | '>' | '~' | ',') if depth == 0 => break,
                _ => {}
            }
            self.at += 1;
        }
        self.at = self.at.min(self.chars.len());
        self.text(start).trim_end().to_owned()
    }

    /// A value: quoted, or up to a comma. A regex may hold commas within brackets.
    fn right(&mut self, op: Op) -> Result<(String, bool), Error> {
        if let Some(quote) = self.peek().filter(|c| matches!(c, '\'' | '"')) {
            let opened = self.at + 1;
            self.at += 1;
            let mut value = String::new();
            loop {
                match self.next() {
                    None => return Err(error_at(opened, "the quote is not closed")),
                    Some('\\') if self.peek() == Some(quote) => value.extend(self.next()),
                    Some(c) if c == quote => break,
                    Some(c) => value.push(c),
                }
            }
            self.skip_spaces();
            return Ok((value, true));
        }
        let (start, mut depth) = (self.at, 0_usize);
        while let Some(c) = self.peek() {
            match c {
                '\\' if op == Op::Matches => self.at += 1,
                '[' | '(' | '{' => depth += 1,
                ']' | ')' | '}' => depth = depth.saturating_sub(1),
                ',' if depth == 0 => break,
                _ => {}
            }
            self.at += 1;
        }
        self.at = self.at.min(self.chars.len());
        Ok((self.text(start).trim_end().to_owned(), false))
    }

    fn text(&self, start: usize) -> String {
        self.chars
            .get(start..self.at)
            .unwrap_or_default()
            .iter()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_with_their_places() {
        let read = read(r#"status != Running, spec.x[?(@.a=="b,c")].y=1,name~^a{1,2}$,age>"1d""#).unwrap();
        let seen: Vec<_> = read
            .iter()
            .map(|c| {
                (
                    c.left.as_str(),
                    c.at,
                    c.op,
                    c.right.as_str(),
                    c.right_at,
                    c.quoted,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("status", 1, Op::NotEqual, "Running", 11, false),
                (r#"spec.x[?(@.a=="b,c")].y"#, 20, Op::Equal, "1", 44, false),
                ("name", 46, Op::Matches, "^a{1,2}$", 51, false),
                ("age", 60, Op::Greater, "1d", 64, true),
            ]
        );
    }

    #[test]
    fn mistakes_name_their_place_and_what_was_expected() {
        for (text, message) in [
            (
                "",
                "where, column 1: expected a condition such as status!=Running or restarts>5",
            ),
            (
                "status=a,",
                "where, column 10: expected a condition such as status!=Running or restarts>5",
            ),
            (
                "status",
                "where, column 7: expected one of = != < <= > >= ~ after \"status\"",
            ),
            (
                "a=1,status is Running",
                "where, column 22: expected one of = != < <= > >= ~ after \"status is Running\"",
            ),
            (
                "a!b",
                "where, column 2: expected one of = != < <= > >= ~ after \"a\"",
            ),
            ("a=1 and b=2", "where, column 3: a comma is and: a=1,b=2"),
            (
                "a=1 || a=2",
                "where, column 3: there is no or: use a regex, e.g. status~^(Error|Failed)$",
            ),
            ("a='x", "where, column 3: the quote is not closed"),
            (
                "a='x' b",
                "where, column 7: expected a comma (it means and) or the end, found 'b'",
            ),
            (
                "a\\",
                "where, column 3: expected one of = != < <= > >= ~ after \"a\\\\\"",
            ),
        ] {
            assert_eq!(read(text).unwrap_err().message, message, "{text}");
        }
    }
}
