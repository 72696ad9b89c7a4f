//! The syntax of shell scripts, as far as [`shell`](super::shell) runs them.

use std::{iter::Peekable, sync::LazyLock, vec};

use regex::Regex;

/// What a script consists of. Words stand as they are written; they are expanded when they are run.
#[derive(Debug)]
pub(super) enum Node {
    /// Words, and whether what they write goes to a file.
    Command(Vec<String>, bool),
    List(Vec<Node>),
    /// A command, and others that follow it by `&&` (true) or `||`.
    Logic(Box<Node>, Vec<(bool, Node)>),
    /// Conditions with what is done then, and what is done otherwise.
    If(Vec<(Node, Node)>, Box<Node>),
    While(Box<Node>, Box<Node>),
    For(String, Vec<String>, Box<Node>),
}

/// How deep a script may be nested, and how long a sum may be.
const DEEPEST: usize = 50;
const LONGEST: usize = 500;

/// Blanks and comments; operators; redirections; words.
static TOKEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let word = r#"(?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|\$\(\([^()]*\)\)|\$\{[^}]*\}|[^\s;&|()<>'"\\])+"#;
    let blank = r"(?:[ \t\r]|\\\n|#[^\n]*)+";
    Regex::new(&format!(
        r"(?s){blank}|&&|\|\||[;\n&|()]|[0-9]?[<>]+&?|(?P<word>{word})"
    ))
    .ok()
});

/// Reads a script.
///
/// # Errors
/// What was not expected.
pub(super) fn parse(script: &str) -> Result<Node, String> {
    let mut tokens = vec![];
    let mut end = 0;
    for token in TOKEN.iter().flat_map(|token| token.find_iter(script)) {
        if token.start() != end {
            break;
        }
        end = token.end();
        if !token.as_str().starts_with([' ', '\t', '\r', '#']) && token.as_str() != "\\\n" {
            tokens.push(token.as_str().to_owned());
        }
    }
    if end < script.len() {
        return Err("unterminated quoted string".into());
    }
    let mut parser = Parser {
        tokens: tokens.into_iter().peekable(),
        depth: 0,
    };
    let node = parser.list(&[])?;
    match parser.tokens.next() {
        None => Ok(node),
        Some(token) => Err(unexpected(&token)),
    }
}

fn unexpected(token: &str) -> String {
    format!("unexpected {token:?}")
}

struct Parser {
    tokens: Peekable<vec::IntoIter<String>>,
    depth: usize,
}

impl Parser {
    fn peek(&mut self) -> &str {
        self.tokens.peek().map_or("", String::as_str)
    }

    fn take(&mut self, token: &str) -> bool {
        self.tokens.next_if(|next| next == token).is_some()
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        match self.take(token) {
            true => Ok(()),
            false => Err(format!("{} (expecting {token:?})", unexpected(self.peek()))),
        }
    }

    fn skip(&mut self, tokens: &[&str]) {
        while self.tokens.next_if(|next| tokens.contains(&&**next)).is_some() {}
    }

    /// Commands up to one of these words.
    fn list(&mut self, ends: &[&str]) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("it is nested too deep".into());
        }
        let mut nodes = vec![];
        loop {
            self.skip(&[";", "\n"]);
            let next = self.peek();
            if next.is_empty() || ends.contains(&next) {
                self.depth -= 1;
                return Ok(Node::List(nodes));
            }
            nodes.push(self.logic()?);
        }
    }

    fn logic(&mut self) -> Result<Node, String> {
        let first = self.one()?;
        let mut others = vec![];
        while let Some(operator) = self.tokens.next_if(|next| next == "&&" || next == "||") {
            self.skip(&["\n"]);
            others.push((operator == "&&", self.one()?));
        }
        Ok(match others.is_empty() {
            true => first,
            false => Node::Logic(Box::new(first), others),
        })
    }

    fn one(&mut self) -> Result<Node, String> {
        if self.take("while") {
            let condition = Box::new(self.list(&["do"])?);
            return Ok(Node::While(condition, self.body()?));
        }
        if self.take("for") {
            let name = self.tokens.next().unwrap_or_default();
            self.expect("in")?;
            let words = self.words()?;
            self.skip(&[";", "\n"]);
            return Ok(Node::For(name, words.0, self.body()?));
        }
        if self.peek() == "if" {
            return self.branches();
        }
        match self.words()? {
            (words, _) if words.is_empty() => Err(unexpected(self.peek())),
            (words, away) => Ok(Node::Command(words, away)),
        }
    }

    fn body(&mut self) -> Result<Box<Node>, String> {
        self.expect("do")?;
        let body = self.list(&["done"])?;
        self.expect("done")?;
        Ok(Box::new(body))
    }

    fn branches(&mut self) -> Result<Node, String> {
        let mut branches = vec![];
        while self.take("if") || self.take("elif") {
            let condition = self.list(&["then"])?;
            self.expect("then")?;
            branches.push((condition, self.list(&["elif", "else", "fi"])?));
        }
        let otherwise = match self.take("else") {
            true => self.list(&["fi"])?,
            false => Node::List(vec![]),
        };
        self.expect("fi")?;
        Ok(Node::If(branches, Box::new(otherwise)))
    }

    /// Words up to an operator, and whether a redirection among them takes the output away.
    fn words(&mut self) -> Result<(Vec<String>, bool), String> {
        let (mut words, mut away) = (vec![], false);
        let is_operator = |token: &str| token.starts_with([';', '\n', '&', '|', '(', ')']);
        while let Some(token) = self.tokens.next_if(|token| !is_operator(token)) {
            if !token.trim_start_matches(char::is_numeric).starts_with(['<', '>']) {
                words.push(token);
                continue;
            }
            let target = self.tokens.next().filter(|target| !is_operator(target));
            let target = target.ok_or("a file expected")?;
            away |= token.starts_with(['>', '1'])
                && !token.ends_with('&')
                && !target.starts_with("/dev/std")
                && !target.starts_with("/proc/1/fd/");
        }
        Ok((words, away))
    }
}

/// The pieces of a word: in quotes, a character that means itself, a sum, a variable, another character.
const PIECE: &str = r#"(?s)'[^']*'|"(?:\\.|[^"\\])*"|\\.|\$\(\([^()]*\)\)|\$\{[^}]*\}|\$[A-Za-z_]\w*|\$\?|."#;
/// The pieces of what stands in double quotes.
const QUOTED: &str = r#"(?s)\\["$\\`]|\$\(\([^()]*\)\)|\$\{[^}]*\}|\$[A-Za-z_]\w*|\$\?|."#;

/// The words that a word stands for: with values in the place of what begins with `$`, which are more words than one
/// if they are not quoted.
pub(super) fn expand(word: &str, value: &dyn Fn(&str) -> String) -> Vec<String> {
    static PIECES: LazyLock<Option<[Regex; 2]>> =
        LazyLock::new(|| Some([Regex::new(PIECE).ok()?, Regex::new(QUOTED).ok()?]));
    let Some([pieces, quoted]) = &*PIECES else {
        return vec![];
    };
    let plain = |piece: &str| match piece.strip_prefix('\\') {
        Some(rest) if !rest.is_empty() => rest.to_owned(),
        _ if piece.len() > 1 && piece.starts_with('$') => value(piece),
        _ => piece.to_owned(),
    };
    let mut words: Vec<String> = vec![];
    let mut current: Option<String> = None;
    for piece in pieces.find_iter(word).map(|piece| piece.as_str()) {
        let inner = || &piece[1..piece.len() - 1];
        match piece.as_bytes() {
            [b'\'', _, ..] => current.get_or_insert_default().push_str(inner()),
            [b'"', _, ..] => {
                let text = quoted.find_iter(inner()).map(|piece| plain(piece.as_str()));
                current.get_or_insert_default().extend(text);
            }
            [b'$', _, ..] => {
                for (number, part) in value(piece).split_whitespace().enumerate() {
                    if number > 0 {
                        words.extend(current.take());
                    }
                    current.get_or_insert_default().push_str(part);
                }
            }
            _ => current.get_or_insert_default().push_str(&plain(piece)),
        }
    }
    words.extend(current);
    words
}

/// What a sum without brackets comes to; what is no number is a variable.
pub(super) fn arithmetic(text: &str, value: &dyn Fn(&str) -> i64) -> i64 {
    if text.len() > LONGEST {
        return 0;
    }
    let at = |operators: &[char]| text.rfind(operators).filter(|at| !text[..*at].trim().is_empty());
    let Some(at) = at(&['+', '-']).or_else(|| at(&['*', '/', '%'])) else {
        let text = text.trim().trim_start_matches('$');
        return text.parse().unwrap_or_else(|_| value(text));
    };
    let (left, right) = (arithmetic(&text[..at], value), arithmetic(&text[at + 1..], value));
    match text.as_bytes()[at] {
        b'+' => left.wrapping_add(right),
        b'-' => left.wrapping_sub(right),
        b'*' => left.wrapping_mul(right),
        b'/' => left.checked_div(right).unwrap_or(0),
        _ => left.checked_rem(right).unwrap_or(0),
    }
}
