//! The syntax of shell scripts, as far as [`shell`](super::shell) runs them.

/// What a script consists of. Words stand as they are written; they are expanded when they are run.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Command {
        assigned: Vec<(String, String)>,
        words: Vec<String>,
        goes: Goes,
    },
    Sequence(Vec<Node>),
    Logic {
        and: bool,
        left: Box<Node>,
        right: Box<Node>,
    },
    Not(Box<Node>),
    If(Vec<(Node, Node)>, Box<Node>),
    While {
        until: bool,
        condition: Box<Node>,
        body: Box<Node>,
    },
    For(String, Vec<String>, Box<Node>),
    Group {
        body: Box<Node>,
        goes: Goes,
        /// Whether it has variables of its own.
        own: bool,
    },
    Pipe(Box<Node>, Box<Node>),
}

/// What does not go to the log, but to a file.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Goes {
    pub(super) away: bool,
    pub(super) errors_away: bool,
}

impl Node {
    /// A command of words that mean themselves.
    pub(super) fn command(argv: &[String]) -> Self {
        Self::Command {
            assigned: vec![],
            words: argv
                .iter()
                .map(|word| format!("'{}'", word.replace('\'', "'\\''")))
                .collect(),
            goes: Goes::default(),
        }
    }
}

/// Reads a script.
///
/// # Errors
/// What was not expected.
pub(super) fn parse(script: &str) -> Result<Node, String> {
    let mut parser = Parser {
        tokens: tokens(script),
        at: 0,
        depth: 0,
    };
    let node = parser.list(&[])?;
    match parser.peek() {
        None => Ok(node),
        Some(token) => Err(format!("unexpected {token:?}")),
    }
}

/// Cuts a script into words and operators.
fn tokens(script: &str) -> Vec<String> {
    let chars: Vec<char> = script.replace("\\\n", "").chars().collect();
    let mut tokens = vec![];
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        let start = at;
        match c {
            ' ' | '\t' | '\r' => {
                at += 1;
                continue;
            }
            '#' => {
                at += chars[at..].iter().take_while(|c| **c != '\n').count();
                continue;
            }
            '\n' | ';' | '(' | ')' => at += 1,
            '&' if chars.get(at + 1) == Some(&'>') => at = redirect(&chars, at),
            '&' | '|' => at += 1 + usize::from(chars.get(at + 1) == Some(&c)),
            '<' | '>' => at = redirect(&chars, at),
            '0'..='9' if matches!(chars.get(at + 1), Some('<' | '>')) => at = redirect(&chars, at + 1),
            _ => at = word(&chars, at),
        }
        tokens.push(chars[start..at].iter().collect());
    }
    tokens
}

/// The end of an operator such as `>`, `2>>`, `>&2`.
fn redirect(chars: &[char], at: usize) -> usize {
    at + chars[at..]
        .iter()
        .take_while(|c| matches!(c, '<' | '>' | '&'))
        .count()
}

/// The end of a word.
fn word(chars: &[char], mut at: usize) -> usize {
    let mut quoted = false;
    while let Some(&c) = chars.get(at) {
        at = match c {
            '\\' => at + 2,
            '\'' if !quoted => at + 2 + chars[at + 1..].iter().take_while(|c| **c != '\'').count(),
            '"' => {
                quoted = !quoted;
                at + 1
            }
            '`' => at + 2 + chars[at + 1..].iter().take_while(|c| **c != '`').count(),
            '$' if matches!(chars.get(at + 1), Some('(' | '{')) => closing(chars, at + 1),
            ' ' | '\t' | '\r' | '\n' | ';' | '(' | ')' | '&' | '|' | '<' | '>' if !quoted => return at,
            _ => at + 1,
        };
    }
    at.min(chars.len())
}

/// The place after the bracket that closes the one that stands here.
fn closing(chars: &[char], open: usize) -> usize {
    let (opens, closes) = if chars[open] == '{' {
        ('{', '}')
    } else {
        ('(', ')')
    };
    let mut depth = 0;
    for (at, c) in chars.iter().enumerate().skip(open) {
        depth += i32::from(*c == opens) - i32::from(*c == closes);
        if depth == 0 {
            return at + 1;
        }
    }
    chars.len()
}

struct Parser {
    tokens: Vec<String>,
    at: usize,
    /// How deep what is read is nested.
    depth: usize,
}

/// How deep a script may be nested, and how long a sum may be.
const DEEPEST: usize = 60;
const LONGEST: usize = 500;

impl Parser {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).map(String::as_str)
    }

    fn next(&mut self) -> Option<String> {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned()
    }

    fn take(&mut self, token: &str) -> bool {
        let is_it = self.peek() == Some(token);
        self.at += usize::from(is_it);
        is_it
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        match self.take(token) {
            true => Ok(()),
            false => Err(format!("{token:?} expected")),
        }
    }

    /// Commands up to one of these words.
    fn list(&mut self, ends: &[&str]) -> Result<Node, String> {
        self.depth += 1;
        let list = self.commands(ends);
        self.depth -= 1;
        list
    }

    fn commands(&mut self, ends: &[&str]) -> Result<Node, String> {
        if self.depth > DEEPEST {
            return Err("it is nested too deep".into());
        }
        let mut nodes = vec![];
        loop {
            while matches!(self.peek(), Some(";" | "\n" | "&")) {
                self.at += 1;
            }
            match self.peek() {
                None => return Ok(Node::Sequence(nodes)),
                Some(token) if ends.contains(&token) => return Ok(Node::Sequence(nodes)),
                Some(_) => nodes.push(self.logic()?),
            }
        }
    }

    fn logic(&mut self) -> Result<Node, String> {
        let mut left = self.pipe()?;
        for _ in 0..DEEPEST {
            let and = match self.peek() {
                Some(operator @ ("&&" | "||")) => operator == "&&",
                _ => return Ok(left),
            };
            self.at += 1;
            while self.take("\n") {}
            let right = Box::new(self.pipe()?);
            left = Node::Logic {
                and,
                left: Box::new(left),
                right,
            };
        }
        Err("it is too long".into())
    }

    fn pipe(&mut self) -> Result<Node, String> {
        let mut negated = false;
        while self.take("!") {
            negated = !negated;
        }
        let mut left = self.one()?;
        for _ in 0..DEEPEST {
            if !self.take("|") {
                return Ok(if negated { Node::Not(Box::new(left)) } else { left });
            }
            while self.take("\n") {}
            left = Node::Pipe(Box::new(left), Box::new(self.one()?));
        }
        Err("it is too long".into())
    }

    fn one(&mut self) -> Result<Node, String> {
        let body = match self.peek() {
            Some("if") => self.branches()?,
            Some(word @ ("while" | "until")) => {
                let until = word == "until";
                self.at += 1;
                let condition = Box::new(self.list(&["do"])?);
                let body = Box::new(self.body()?);
                Node::While {
                    until,
                    condition,
                    body,
                }
            }
            Some("for") => {
                self.at += 1;
                let name = self.next().unwrap_or_default();
                let mut words = vec![];
                if self.take("in") {
                    while let Some(word) = self.next().filter(|token| token != ";" && token != "\n") {
                        words.push(word);
                    }
                }
                while matches!(self.peek(), Some(";" | "\n")) {
                    self.at += 1;
                }
                Node::For(name, words, Box::new(self.body()?))
            }
            Some(open @ ("{" | "(")) => {
                let (own, close) = if open == "(" { (true, ")") } else { (false, "}") };
                self.at += 1;
                let body = Box::new(self.list(&[close])?);
                self.expect(close)?;
                Node::Group {
                    body,
                    goes: Goes::default(),
                    own,
                }
            }
            _ => return self.command(),
        };
        let mut goes = Goes::default();
        while self.redirect(&mut goes)? {}
        Ok(Node::Group {
            body: Box::new(body),
            goes,
            own: false,
        })
    }

    fn body(&mut self) -> Result<Node, String> {
        self.expect("do")?;
        let body = self.list(&["done"])?;
        self.expect("done")?;
        Ok(body)
    }

    fn branches(&mut self) -> Result<Node, String> {
        let mut branches = vec![];
        let mut otherwise = Node::Sequence(vec![]);
        while self.take("if") || self.take("elif") {
            let condition = self.list(&["then"])?;
            self.expect("then")?;
            branches.push((condition, self.list(&["elif", "else", "fi"])?));
        }
        if self.take("else") {
            otherwise = self.list(&["fi"])?;
        }
        self.expect("fi")?;
        Ok(Node::If(branches, Box::new(otherwise)))
    }

    fn command(&mut self) -> Result<Node, String> {
        let (mut assigned, mut words, mut goes) = (vec![], vec![], Goes::default());
        loop {
            if self.redirect(&mut goes)? {
                continue;
            }
            let Some(token) = self.peek() else {
                break;
            };
            match token {
                ";" | "\n" | "&" | "&&" | "|" | "||" | "(" | ")" => break,
                "do" | "done" | "then" | "fi" | "else" if words.is_empty() => {
                    return Err(format!("unexpected {token:?}"));
                }
                _ => {}
            }
            match token.split_once('=') {
                Some((name, value)) if words.is_empty() && is_name(name) => {
                    assigned.push((name.to_owned(), value.to_owned()));
                }
                _ => words.push(token.to_owned()),
            }
            self.at += 1;
        }
        match assigned.is_empty() && words.is_empty() && goes == Goes::default() {
            true => Err(format!("unexpected {:?}", self.peek().unwrap_or("end"))),
            false => Ok(Node::Command {
                assigned,
                words,
                goes,
            }),
        }
    }

    /// Reads the redirection that stands here, if one does.
    fn redirect(&mut self, goes: &mut Goes) -> Result<bool, String> {
        let operator = self.peek().unwrap_or_default();
        let bare = operator.trim_start_matches(|c: char| c.is_ascii_digit());
        if !bare.starts_with(['<', '>', '&']) || !bare.contains(['<', '>']) {
            return Ok(false);
        }
        let operator = operator.to_owned();
        self.at += 1;
        let target = self.next().ok_or("a file expected")?;
        let to_file = match target.as_str() {
            "1" | "/dev/stdout" => goes.away,
            "2" | "/dev/stderr" => goes.errors_away,
            target => !target.starts_with("/proc/1/fd/"),
        };
        match operator.as_bytes()[0] {
            b'>' | b'1' => goes.away = to_file,
            b'2' => goes.errors_away = to_file,
            b'&' => (goes.away, goes.errors_away) = (to_file, to_file),
            _ => {}
        }
        Ok(true)
    }
}

fn is_name(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
}

/// What a piece of a word is.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum What {
    /// What means itself.
    Text,
    /// What stands between `${` and `}`, or after `$`.
    Variable,
    /// `$((…))`.
    Sum,
    /// `$(…)`.
    Output,
}

/// A piece of a word.
pub(super) struct Piece {
    pub(super) what: What,
    pub(super) text: String,
    pub(super) quoted: bool,
}

/// The pieces of a word.
pub(super) fn pieces(word: &str) -> Vec<Piece> {
    let chars: Vec<char> = word.chars().collect();
    let (mut pieces, mut quoted, mut at) = (vec![], false, 0);
    while let Some(&c) = chars.get(at) {
        let rest = &chars[at + 1..];
        let length = |ends: &dyn Fn(char) -> bool| rest.iter().take_while(|c| !ends(**c)).count();
        // What it is, where it begins and ends, and how many characters close it.
        let (what, from, to, closes) = match (c, rest.first()) {
            ('\'', _) if !quoted => (What::Text, at + 1, at + 1 + length(&|c| c == '\''), 1),
            ('"', _) => {
                quoted = !quoted;
                (What::Text, at + 1, at + 1, 0)
            }
            ('\\', Some(next)) if !quoted || matches!(next, '$' | '`' | '"' | '\\') => {
                (What::Text, at + 1, at + 2, 0)
            }
            ('`', _) => (What::Output, at + 1, at + 1 + length(&|c| c == '`'), 1),
            ('$', Some('(')) => (What::Output, at + 2, closing(&chars, at + 1) - 1, 1),
            ('$', Some('{')) => (What::Variable, at + 2, closing(&chars, at + 1) - 1, 1),
            ('$', Some('?' | '#' | '$' | '0' | '@' | '*')) => (What::Variable, at + 1, at + 2, 0),
            ('$', Some(next)) if next.is_ascii_alphabetic() || *next == '_' => {
                let end = at + 1 + length(&|c| !c.is_ascii_alphanumeric() && c != '_');
                (What::Variable, at + 1, end, 0)
            }
            _ => (What::Text, at, at + 1, 0),
        };
        let to = to.clamp(from.min(chars.len()), chars.len());
        let text: String = chars[from.min(to)..to].iter().collect();
        let sum = text.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'));
        pieces.push(match sum.filter(|_| what == What::Output && c == '$') {
            Some(sum) => Piece {
                what: What::Sum,
                text: sum.to_owned(),
                quoted,
            },
            None => Piece { what, text, quoted },
        });
        at = to + closes;
    }
    pieces
}

/// Puts words together from their pieces.
#[derive(Default)]
pub(super) struct Words {
    done: Vec<String>,
    current: Option<String>,
}

impl Words {
    /// Adds to the word.
    pub(super) fn push(&mut self, text: &str) {
        self.current.get_or_insert_default().push_str(text);
    }

    /// Adds what a variable holds: more words than one, if it is not quoted.
    pub(super) fn insert(&mut self, value: &str, quoted: bool) {
        if quoted {
            return self.push(value);
        }
        if value.starts_with(char::is_whitespace) {
            self.done.extend(self.current.take());
        }
        for (number, part) in value.split_whitespace().enumerate() {
            if number > 0 {
                self.done.extend(self.current.take());
            }
            self.push(part);
        }
        if value.ends_with(char::is_whitespace) {
            self.done.extend(self.current.take());
        }
    }

    /// The words.
    pub(super) fn done(mut self) -> Vec<String> {
        self.done.extend(self.current);
        self.done
    }
}

/// Puts characters in the place of `\n` and the like.
pub(super) fn unescape(text: &str) -> String {
    [
        ("\\n", "\n"),
        ("\\t", "\t"),
        ("\\r", "\r"),
        ("\\033", "\u{1b}"),
        ("\\e", "\u{1b}"),
        ("\\\\", "\\"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (escape, character)| {
        text.replace(escape, character)
    })
}

/// The operators of arithmetic, those that bind least first.
const OPERATORS: [&[&str]; 6] = [
    &["||"],
    &["&&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["+", "-"],
    &["*", "/", "%"],
];

/// What a sum comes to; `None` if it is none.
pub(super) fn arithmetic(text: &str, value: &dyn Fn(&str) -> Option<i64>) -> Option<i64> {
    let text = text.trim();
    if text.len() > LONGEST {
        return None;
    }
    for operators in OPERATORS {
        let mut depth = 0;
        // From the right, as what stands left is done first.
        for (at, c) in text.char_indices().rev() {
            depth += i32::from(c == ')') - i32::from(c == '(');
            let operator = operators
                .iter()
                .find(|operator| text[at..].starts_with(**operator));
            let (Some(operator), 0, true) = (operator, depth, at > 0) else {
                continue;
            };
            let before = text[..at].trim_end();
            // A sign is no operator, nor is a part of one.
            if before.ends_with(['+', '-', '*', '/', '%', '(', '<', '>', '=', '!', '&', '|'])
                || (*operator == "<" || *operator == ">") && text[at + 1..].starts_with('=')
            {
                continue;
            }
            let (left, right) = (
                arithmetic(before, value)?,
                arithmetic(&text[at + operator.len()..], value)?,
            );
            return match *operator {
                "||" => Some(i64::from(left != 0 || right != 0)),
                "&&" => Some(i64::from(left != 0 && right != 0)),
                "==" => Some(i64::from(left == right)),
                "!=" => Some(i64::from(left != right)),
                "<=" => Some(i64::from(left <= right)),
                ">=" => Some(i64::from(left >= right)),
                "<" => Some(i64::from(left < right)),
                ">" => Some(i64::from(left > right)),
                "+" => left.checked_add(right),
                "-" => left.checked_sub(right),
                "*" => left.checked_mul(right),
                "/" => left.checked_div(right),
                _ => left.checked_rem(right),
            };
        }
    }
    if let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        return arithmetic(inner, value);
    }
    match text.strip_prefix('-') {
        Some(rest) => arithmetic(rest, value)?.checked_neg(),
        None => text
            .parse()
            .ok()
            .or_else(|| Some(value(text.trim_start_matches('$')).unwrap_or(0))),
    }
}
