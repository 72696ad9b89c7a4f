//! What containers do whose command is a shell script: a small interpreter of `sh`, for which time is what the cluster
//! says it is. It knows what scripts in manifests are made of, and the commands at [`Shell::builtin`]; files and the
//! network it does not have. Any other command is one that is not found.
//!
//! A script may run for ever. So it is a future, polled by hand: it goes on up to a time, and stands until it is asked
//! to go further.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use jiff::Timestamp;

use super::{
    environment::Environment,
    syntax::{self, Goes, Node, Piece, What, arithmetic},
};

/// How many lines of a log are kept.
pub(super) const LINES: usize = 10_000;

/// How long a command takes that takes no time, so that lines follow each other.
const COMMAND: Duration = Duration::from_micros(150);

/// How long a round of a loop takes at least.
const ROUND: Duration = Duration::from_millis(10);

/// How long what never ends sleeps.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// How deep scripts within scripts are run.
const NESTED: usize = 20;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A script that runs.
pub(crate) struct Course {
    future: Option<Boxed<'static, i32>>,
    seen: Arc<Mutex<Seen>>,
}

/// What is seen of a script from outside.
#[derive(Debug)]
struct Seen {
    now: Duration,
    /// It may go on up to then.
    horizon: Duration,
    /// How many commands it may still run.
    steps: usize,
    lines: VecDeque<(Duration, String)>,
    /// Whether lines are kept. If not, only the end is looked for.
    keeps: bool,
    end: Option<End>,
    /// Whether it goes in circles.
    circles: bool,
    /// What it does when it is asked to stop, if it said so.
    trap: Option<String>,
}

/// How a script ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) at: Duration,
    pub(crate) code: i32,
    /// Whether it took more memory than it may.
    pub(crate) of_memory: bool,
}

impl std::fmt::Debug for Course {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Course")
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}

impl Course {
    /// The course of a command line; `None` if it is none that is known here.
    pub(crate) fn of(
        argv: &[String],
        env: &Environment,
        started: Timestamp,
        memory: usize,
        keeps: bool,
    ) -> Option<Self> {
        let (name, rest) = argv.split_first()?;
        let node = match (name.rsplit('/').next()?, rest) {
            ("sh" | "bash" | "ash", [flag, script, ..]) if flag.starts_with('-') && flag.ends_with('c') => {
                syntax::parse(script)
            }
            ("sh" | "bash" | "ash", []) => Ok(Node::Sequence(vec![])),
            (name, _) if BUILTINS.contains(&name) => Ok(Node::command(argv)),
            _ => return None,
        };
        let seen = Arc::new(Mutex::new(Seen {
            now: Duration::ZERO,
            horizon: Duration::ZERO,
            steps: 0,
            lines: VecDeque::new(),
            keeps,
            end: None,
            circles: false,
            trap: None,
        }));
        let mut shell = Shell {
            variables: env.clone(),
            status: 0,
            started,
            memory,
            captured: vec![],
            deaf: 0,
            input: String::new(),
            partial: String::new(),
            fails: false,
            told_time: false,
            seen: seen.clone(),
        };
        let future = Box::pin(async move {
            match node {
                Ok(node) => {
                    shell.run(&node).await;
                }
                Err(what) => shell.fail(&format!("sh: syntax error: {what}"), 2),
            }
            if !shell.partial.is_empty() {
                shell.print("\n");
            }
            shell.status
        });
        Some(Self {
            future: Some(future),
            seen,
        })
    }

    /// Lets it go on up to a time since its start, for at most so many commands.
    pub(crate) fn run_to(&mut self, horizon: Duration, steps: usize) {
        let mut seen = lock(&self.seen);
        seen.horizon = seen.horizon.max(horizon);
        seen.steps = steps;
        drop(seen);
        let Some(future) = &mut self.future else {
            return;
        };
        if let Poll::Ready(code) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            let mut seen = lock(&self.seen);
            let of_memory = code == OUT_OF_MEMORY;
            let code = if of_memory { 137 } else { code };
            seen.end = Some(End {
                at: seen.now,
                code,
                of_memory,
            });
            self.future = None;
        }
    }

    /// How it ended, if it did.
    pub(crate) fn end(&self) -> Option<End> {
        lock(&self.seen).end.filter(|end| end.at < FOREVER / 2)
    }

    /// The time up to which it is known what it does; `None` if it is known that it does so for ever.
    pub(crate) fn known(&self) -> Option<Duration> {
        let seen = lock(&self.seen);
        (!seen.circles && seen.now < FOREVER / 2).then_some(seen.now)
    }

    /// What it wrote up to now, with the time since its start.
    pub(crate) fn lines(&self) -> Vec<(Duration, String)> {
        lock(&self.seen).lines.iter().cloned().collect()
    }

    /// The code with which it ends when it is asked to; `None` if it does not heed that, as a shell that is the first
    /// process of its container.
    pub(crate) fn stops(&self) -> Option<i32> {
        let seen = lock(&self.seen);
        let handler = seen.trap.as_deref()?;
        let (_, code) = handler.split_once("exit")?;
        Some(code.trim().trim_end_matches(';').parse().unwrap_or(0))
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The status of a shell that is killed for its memory; no program's own is negative.
const OUT_OF_MEMORY: i32 = -9;

/// The commands that are known.
const BUILTINS: &[&str] = &[
    ":", "true", "false", "echo", "printf", "sleep", "exit", "return", "exec", "date", "hostname", "cat",
    "grep", "test", "[", "[[", "export", "local", "readonly", "unset", "set", "trap", "wait", "cd", "seq",
    "tail", "mkdir", "touch", "chmod", "rm",
];

struct Shell {
    variables: Environment,
    status: i32,
    started: Timestamp,
    /// How many bytes a variable may take.
    memory: usize,
    /// Where output goes, innermost last; to the log if nowhere.
    captured: Vec<String>,
    /// How often errors are taken away.
    deaf: usize,
    input: String,
    /// The line that is being written.
    partial: String,
    /// `set -e`.
    fails: bool,
    /// Whether what it does depends on the time.
    told_time: bool,
    seen: Arc<Mutex<Seen>>,
}

/// What comes after a command.
#[derive(Clone, Copy, PartialEq)]
enum Flow {
    Next,
    Break,
    Continue,
    Exit,
}

impl Shell {
    fn run<'a>(&'a mut self, node: &'a Node) -> Boxed<'a, Flow> {
        Box::pin(async move {
            match node {
                Node::Command {
                    assigned,
                    words,
                    goes,
                } => self.command(assigned, words, *goes).await,
                Node::Sequence(nodes) => {
                    for node in nodes {
                        let flow = self.run(node).await;
                        let failed = self.fails && self.status != 0 && matches!(node, Node::Command { .. });
                        if flow != Flow::Next || failed {
                            return if failed { Flow::Exit } else { flow };
                        }
                    }
                    Flow::Next
                }
                Node::Logic { and, left, right } => match self.condition(left).await {
                    Flow::Next if (self.status == 0) == *and => self.run(right).await,
                    flow => flow,
                },
                Node::Not(node) => {
                    let flow = self.condition(node).await;
                    self.status = i32::from(self.status == 0);
                    flow
                }
                Node::If(branches, otherwise) => {
                    for (condition, body) in branches {
                        match self.condition(condition).await {
                            Flow::Next if self.status == 0 => return self.run(body).await,
                            Flow::Next => {}
                            flow => return flow,
                        }
                    }
                    self.status = 0;
                    self.run(otherwise).await
                }
                Node::While {
                    until,
                    condition,
                    body,
                } => self.repeat(*until, condition, body).await,
                Node::For(name, words, body) => {
                    let mut values = vec![];
                    for word in words {
                        values.extend(self.expand(word, true).await);
                    }
                    for value in values {
                        self.variables.insert(name.clone(), value);
                        match self.run(body).await {
                            Flow::Break => break,
                            Flow::Exit => return Flow::Exit,
                            Flow::Next | Flow::Continue => {}
                        }
                    }
                    Flow::Next
                }
                Node::Group { body, goes, own } => {
                    let kept = own.then(|| self.variables.clone());
                    self.divert(*goes);
                    let flow = self.run(body).await;
                    self.restore(*goes);
                    match kept {
                        Some(variables) => {
                            self.variables = variables;
                            Flow::Next
                        }
                        None => flow,
                    }
                }
                Node::Pipe(left, right) => {
                    self.captured.push(String::new());
                    self.run(left).await;
                    self.input = self.captured.pop().unwrap_or_default();
                    let flow = self.run(right).await;
                    self.input.clear();
                    flow
                }
            }
        })
    }

    /// Runs what may fail.
    async fn condition(&mut self, node: &Node) -> Flow {
        let fails = std::mem::take(&mut self.fails);
        let flow = self.run(node).await;
        self.fails = fails;
        flow
    }

    async fn repeat(&mut self, until: bool, condition: &Node, body: &Node) -> Flow {
        loop {
            let head = (self.now(), self.variables.clone(), self.status);
            match self.condition(condition).await {
                Flow::Next if (self.status == 0) == until => {
                    self.status = 0;
                    return Flow::Next;
                }
                Flow::Exit => return Flow::Exit,
                _ => {}
            }
            match self.run(body).await {
                Flow::Break => return Flow::Next,
                Flow::Exit => return Flow::Exit,
                Flow::Next | Flow::Continue => {}
            }
            let now = self.now();
            self.pass((head.0 + ROUND).saturating_sub(now)).await;
            // A round that leaves all as it found it is followed by the same again.
            if head.1 == self.variables && !self.told_time && !lock(&self.seen).keeps {
                lock(&self.seen).circles = true;
                self.pass(FOREVER).await;
            }
        }
    }

    /// Lets time pass.
    async fn pass(&mut self, time: Duration) {
        let seen = self.seen.clone();
        let target = self.now().saturating_add(time);
        poll_fn(move |_| {
            let mut seen = lock(&seen);
            // Where it stands is where it is until it may go on: that is how far its course is known.
            match (seen.horizon >= target, seen.steps.checked_sub(1)) {
                (true, Some(left)) => {
                    seen.steps = left;
                    seen.now = target;
                    Poll::Ready(())
                }
                _ => Poll::Pending,
            }
        })
        .await;
    }

    fn now(&self) -> Duration {
        lock(&self.seen).now
    }

    async fn command(&mut self, assigned: &[(String, String)], words: &[String], goes: Goes) -> Flow {
        self.pass(COMMAND).await;
        let mut argv = vec![];
        for word in words {
            argv.extend(self.expand(word, true).await);
        }
        if argv.is_empty() {
            self.status = 0;
        }
        for (name, word) in assigned {
            let value = self.expand(word, false).await.concat();
            if value.len() > self.memory {
                self.status = OUT_OF_MEMORY;
                return Flow::Exit;
            }
            self.variables.insert(name.clone(), value);
        }
        self.divert(goes);
        let flow = self.builtin(&argv).await;
        self.restore(goes);
        flow
    }

    /// Takes output away from where it goes.
    fn divert(&mut self, goes: Goes) {
        self.captured.extend(goes.away.then(String::new));
        self.deaf += usize::from(goes.errors_away);
    }

    fn restore(&mut self, goes: Goes) {
        if goes.away {
            self.captured.pop();
        }
        self.deaf -= usize::from(goes.errors_away);
    }

    /// Runs a command.
    fn builtin<'a>(&'a mut self, argv: &'a [String]) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let Some((name, rest)) = argv.split_first() else {
                return Flow::Next;
            };
            let first = rest.first().map_or("", String::as_str);
            let name = name.rsplit('/').next().unwrap_or_default();
            if !matches!(name, "exit" | "return") {
                self.status = 0;
            }
            match name {
                ":" | "true" | "wait" | "cd" | "mkdir" | "touch" | "chmod" | "rm" => {}
                "false" => self.status = 1,
                "echo" => self.echo(rest),
                "printf" => self.printf(rest),
                "sleep" => match seconds(first) {
                    Some(time) => self.pass(time).await,
                    None => self.fail(&format!("sleep: invalid number '{first}'"), 1),
                },
                "tail" => self.pass(FOREVER).await,
                "exit" | "return" => {
                    self.status = first.parse::<i32>().map_or(self.status, |code| code & 0xff);
                    return Flow::Exit;
                }
                "break" => return Flow::Break,
                "continue" => return Flow::Continue,
                "exec" => {
                    // `exec sh -c …` goes on with another script.
                    match (
                        first.rsplit('/').next(),
                        rest.get(2).map(|script| syntax::parse(script)),
                    ) {
                        (Some("sh" | "bash"), Some(Ok(node))) => drop(self.run(&node).await),
                        _ => drop(self.builtin(rest).await),
                    }
                    return if rest.is_empty() { Flow::Next } else { Flow::Exit };
                }
                "date" => {
                    self.told_time |= !self.captured.is_empty();
                    let now = self.started + self.now();
                    let format = rest.iter().find_map(|word| word.strip_prefix('+'));
                    let format = format.unwrap_or("%a %b %e %H:%M:%S UTC %Y").replace("%N", "%9f");
                    let told = jiff::fmt::strtime::format(format, now).unwrap_or_else(|_| now.to_string());
                    self.print(&format!("{told}\n"));
                }
                "hostname" => self.print(&format!(
                    "{}\n",
                    self.variables.get("HOSTNAME").cloned().unwrap_or_default()
                )),
                "cat" if !first.is_empty() => {
                    self.fail(
                        &format!("cat: can't open '{first}': No such file or directory"),
                        1,
                    );
                }
                "cat" => self.print(&self.input.clone()),
                "grep" => {
                    let wanted = rest
                        .iter()
                        .find(|word| !word.starts_with('-'))
                        .map_or("", String::as_str);
                    let found: Vec<String> = self
                        .input
                        .lines()
                        .filter(|line| line.contains(wanted))
                        .map(|line| format!("{line}\n"))
                        .collect();
                    self.status = i32::from(found.is_empty());
                    self.print(&found.concat());
                }
                "seq" => {
                    let numbers: Vec<i64> = rest.iter().filter_map(|word| word.parse().ok()).collect();
                    let (from, step, to) = match *numbers.as_slice() {
                        [to] => (1, 1, to),
                        [from, to] => (from, 1, to),
                        [from, step, to] => (from, step.max(1), to),
                        _ => (1, 1, 0),
                    };
                    let step = usize::try_from(step).unwrap_or(1);
                    let told: Vec<String> = (from..=to)
                        .step_by(step)
                        .take(LINES)
                        .map(|number| format!("{number}\n"))
                        .collect();
                    self.print(&told.concat());
                }
                "test" | "[" | "[[" => {
                    let end = rest.len() - usize::from(name != "test").min(rest.len());
                    self.status = i32::from(!holds(&rest[..end]));
                }
                "export" | "local" | "readonly" => {
                    for (name, value) in rest.iter().filter_map(|word| word.split_once('=')) {
                        self.variables.insert(name.to_owned(), value.to_owned());
                    }
                }
                "unset" => drop(
                    rest.iter()
                        .map(|name| self.variables.remove(name))
                        .collect::<Vec<_>>(),
                ),
                "set" => self.fails |= first.starts_with('-') && first.contains('e'),
                "trap"
                    if rest
                        .iter()
                        .skip(1)
                        .any(|signal| matches!(signal.as_str(), "TERM" | "SIGTERM" | "15")) =>
                {
                    lock(&self.seen).trap = Some(first.to_owned());
                }
                "trap" => {}
                name => self.fail(&format!("sh: {name}: not found"), 127),
            }
            Flow::Next
        })
    }

    fn echo(&mut self, words: &[String]) {
        let flags = words
            .iter()
            .take_while(|word| matches!(word.as_str(), "-n" | "-e" | "-ne" | "-en" | "-E"));
        let (count, flags) = (flags.clone().count(), flags.cloned().collect::<String>());
        let mut text = words[count..].join(" ");
        if flags.contains('e') {
            text = syntax::unescape(&text);
        }
        if !flags.contains('n') {
            text.push('\n');
        }
        self.print(&text);
    }

    /// Writes values where the format has `%s` or `%d`; again and again, while there are values.
    fn printf(&mut self, words: &[String]) {
        let Some((format, mut values)) = words.split_first() else {
            return;
        };
        let format = syntax::unescape(format).replace("%%", "\0").replace("%d", "%s");
        loop {
            let left = values.len();
            let mut parts = format.split("%s");
            let mut text = parts.next().unwrap_or_default().to_owned();
            for part in parts {
                let (value, rest) = values
                    .split_first()
                    .map_or(("", values), |(value, rest)| (value.as_str(), rest));
                values = rest;
                text = text + value + part;
            }
            self.print(&text.replace('\0', "%"));
            if values.is_empty() || values.len() == left {
                return;
            }
        }
    }

    /// A message of an error, and the status that goes with it. What is captured is not its place.
    fn fail(&mut self, message: &str, status: i32) {
        self.status = status;
        if self.deaf == 0 {
            let captured = std::mem::take(&mut self.captured);
            self.print(&format!("{message}\n"));
            self.captured = captured;
        }
    }

    fn print(&mut self, text: &str) {
        if let Some(captured) = self.captured.last_mut() {
            captured.push_str(text);
            return;
        }
        self.partial.push_str(text);
        let mut seen = lock(&self.seen);
        while let Some((line, rest)) = self.partial.split_once('\n') {
            let (at, line, rest) = (seen.now, line.to_owned(), rest.to_owned());
            if seen.keeps {
                seen.lines.push_back((at, line));
            }
            if seen.lines.len() > LINES {
                seen.lines.pop_front();
            }
            self.partial = rest;
        }
    }

    /// The words that a word stands for; one, if it is not to be split.
    fn expand<'a>(&'a mut self, word: &'a str, splits: bool) -> Boxed<'a, Vec<String>> {
        Box::pin(async move {
            let mut words = syntax::Words::default();
            for Piece { what, text, quoted } in syntax::pieces(word) {
                let value = match what {
                    What::Text => {
                        words.push(&text);
                        continue;
                    }
                    What::Variable => self.value(&text),
                    What::Sum => {
                        let number = |name: &str| self.variables.get(name)?.trim().parse().ok();
                        arithmetic(&text, &number).unwrap_or(0).to_string()
                    }
                    What::Output => self.output(&text).await,
                };
                words.insert(&value, quoted || !splits);
            }
            words.done()
        })
    }

    /// What a script within the script writes.
    async fn output(&mut self, script: &str) -> String {
        self.captured.push(String::new());
        match syntax::parse(script) {
            Ok(node) if self.captured.len() < NESTED => drop(self.run(&node).await),
            _ => self.status = 2,
        }
        let output = self.captured.pop().unwrap_or_default();
        output.trim_end_matches('\n').to_owned()
    }

    /// The value of a variable, as what stands between `${` and `}` asks for it.
    fn value(&self, asked: &str) -> String {
        if let Some(name) = asked.strip_prefix('#').filter(|name| !name.is_empty()) {
            return self.value(name).chars().count().to_string();
        }
        let end = asked
            .find([':', '-', '+', '=', '?', '%', '#', '/'])
            .filter(|at| *at > 0);
        let (name, rest) = asked.split_at(end.unwrap_or(asked.len()));
        let value = match name {
            "?" => return self.status.to_string(),
            "$" => return "1".into(),
            "#" => return "0".into(),
            "0" => return "sh".into(),
            name => self.variables.get(name),
        };
        let strict = rest.strip_prefix(':');
        let value = value.filter(|value| strict.is_none() || !value.is_empty());
        let rest = strict.unwrap_or(rest);
        match (rest.chars().next(), value) {
            (Some('-' | '='), None) => rest[1..].trim_matches(['"', '\'']).to_owned(),
            (Some('+'), Some(_)) => rest[1..].to_owned(),
            (Some('+'), None) => String::new(),
            (_, value) => value.cloned().unwrap_or_default(),
        }
    }
}

/// How long `sleep` sleeps.
fn seconds(text: &str) -> Option<Duration> {
    if text == "infinity" || text == "inf" {
        return Some(FOREVER);
    }
    let unit = text.chars().last().filter(char::is_ascii_alphabetic);
    let factor = match unit {
        None | Some('s') => 1.0,
        Some('m') => 60.0,
        Some('h') => 3600.0,
        Some('d') => 86_400.0,
        Some(_) => return None,
    };
    let number: f64 = text
        .trim_end_matches(|c: char| c.is_ascii_alphabetic())
        .parse()
        .ok()?;
    Duration::try_from_secs_f64(number * factor).ok()
}

/// Whether what `test` is asked holds. There are no files.
fn holds(words: &[String]) -> bool {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let Some(at) = words.iter().position(|word| matches!(*word, "-o" | "||")) {
        return holds_all(&words[..at]) || holds_all(&words[at + 1..]);
    }
    holds_all(&words)
}

fn holds_all(words: &[&str]) -> bool {
    words.split(|word| matches!(*word, "-a" | "&&")).all(|words| {
        let number = |text: &str| text.parse::<i64>().unwrap_or(0);
        match *words {
            ["!", ref rest @ ..] => !holds_all(rest),
            ["-z", text] => text.is_empty(),
            ["-n", text] | [text] => !text.is_empty(),
            [left, "=" | "==", right] => left == right,
            [left, "!=", right] => left != right,
            [left, "-eq", right] => number(left) == number(right),
            [left, "-ne", right] => number(left) != number(right),
            [left, "-lt", right] => number(left) < number(right),
            [left, "-le", right] => number(left) <= number(right),
            [left, "-gt", right] => number(left) > number(right),
            [left, "-ge", right] => number(left) >= number(right),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a script writes up to a time, with the seconds since its start, and how it ended.
    fn course(script: &str, seconds: u64) -> (Vec<String>, Option<(u64, i32)>) {
        let env =
            [("HOSTNAME", "web-0"), ("MODE", "a b")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let argv = ["sh", "-c", script].map(str::to_owned);
        let started = Timestamp::UNIX_EPOCH;
        let mut course = Course::of(&argv, &env.into(), started, 1 << 20, true).expect("a script");
        course.run_to(Duration::from_secs(seconds), 100_000);
        let lines = course.lines();
        let lines = lines.iter().map(|(at, line)| format!("{} {line}", at.as_secs()));
        (
            lines.collect(),
            course.end().map(|end| (end.at.as_secs(), end.code)),
        )
    }

    fn says(script: &str) -> String {
        let (lines, _) = course(script, 3600);
        lines
            .iter()
            .map(|line| line.split_once(' ').map_or("", |(_, line)| line))
            .collect::<Vec<_>>()
            .join("|")
    }

    #[test]
    fn time_passes_in_it() {
        let loops = "while true; do echo $((n * 2)); n=$((n + 1)); sleep 10; done";
        assert_eq!(
            course(loops, 25),
            (vec!["0 0".into(), "10 2".into(), "20 4".into()], None)
        );
        let ends = "for n in 1 2; do echo $n; sleep 1.5; done; exit 7; echo never";
        assert_eq!(course(ends, 60), (vec!["0 1".into(), "1 2".into()], Some((3, 7))));
        assert_eq!(
            course("echo a; exec sleep 10; echo never", 60),
            (vec!["0 a".into()], Some((10, 0)))
        );
        assert_eq!(course("set -e; false; echo never", 60), (vec![], Some((0, 1))));
        assert_eq!(says("date; date -u +%H:%M"), "Thu Jan  1 00:00:00 UTC 1970|00:00");
    }

    #[test]
    fn words_are_expanded_as_in_a_shell() {
        assert_eq!(
            says(r#"echo "$MODE" $MODE '$MODE' \$MODE "it's" a"b"c"#),
            "a b a b $MODE $MODE it's abc"
        );
        assert_eq!(
            says("set -- ; x=1; echo ${x} ${y:-none} ${x:+set} ${#MODE} $HOSTNAME.svc"),
            "1 none set 3 web-0.svc"
        );
        assert_eq!(says("x=$(echo a; echo b); echo \"$x\" `hostname`"), "a|b web-0");
        assert_eq!(
            says("echo -n a; echo -e 'b\\tc'; printf '%s=%s\\n' x 1 y 2; printf '100%%\\n'"),
            "ab\tc|x=1|y=2|100%"
        );
        assert_eq!(
            says("echo $((1 + 2 * 3 - 4)) $(( (1 + 2) * 3 )) $((7 / 2)) $((5 > 3 && 2 == 2)) $((-3 + 1))"),
            "3 9 3 1 -2"
        );
    }

    #[test]
    fn commands_are_chosen_by_status() {
        assert_eq!(
            says("true && echo a || echo b; false && echo a || echo b; ! false && echo c"),
            "a|b|c"
        );
        assert_eq!(
            says("if [ \"$MODE\" = x ]; then echo a; elif test -n \"$MODE\"; then echo b; else echo c; fi"),
            "b"
        );
        assert_eq!(
            says("n=0; until [ $n -ge 3 ]; do n=$((n+1)); [ $n -eq 2 ] && continue; echo $n; done"),
            "1|3"
        );
        assert_eq!(
            says("nosuch 1; echo $?; cat /x; (exit 3); echo $?"),
            "sh: nosuch: not found|127|cat: can't open '/x': No such file or directory|3"
        );
        assert_eq!(
            says("echo a >&2; echo b > /dev/null; { echo c; echo d; } 2>&1 | grep d; # echo e\necho f"),
            "a|d|f"
        );
        assert_eq!(
            says("x 2>/dev/null || echo a; x > /dev/null 2>&1; x &> /dev/null; x 2>&1 >/dev/null"),
            "a|sh: x: not found"
        );
        assert_eq!(says("while"), "sh: syntax error: \"do\" expected");
    }

    #[test]
    fn no_script_is_too_strange() {
        for script in [
            "trap", "$(", "${", "echo $((", "'", "\"", "`", "a | | b", "(", "x=", "$", "\\", "2>", "for",
            "[ ]", "test", "echo ${", "printf", "exec",
        ] {
            says(script);
        }
        for (start, end) in [
            ("(", ")"),
            ("$(", ")"),
            ("true | ", ""),
            ("! ", ""),
            ("true && ", ""),
        ] {
            says(&format!("{}true{}", start.repeat(5000), end.repeat(5000)));
        }
        says(&format!("echo $(({}1{}))", "(1+".repeat(3000), ")".repeat(3000)));
    }

    #[test]
    fn its_end_is_known_ahead_or_that_there_is_none() {
        let argv = |script: &str| ["sh".to_owned(), "-c".to_owned(), script.to_owned()];
        let ahead = |script: &str| {
            let mut course = Course::of(
                &argv(script),
                &Environment::new(),
                Timestamp::UNIX_EPOCH,
                4096,
                false,
            )
            .expect("a script");
            course.run_to(Duration::MAX, 2000);
            (
                course.known().map(|known| known.as_secs()),
                course.end().map(|end| (end.at.as_secs(), end.code)),
            )
        };
        assert_eq!(
            ahead("while true; do echo tick; sleep 5; done"),
            (None, None),
            "it goes in circles"
        );
        assert_eq!(ahead("sleep infinity"), (None, None));
        assert_eq!(ahead("sleep 86400; exit 2").1, Some((86_400, 2)));
        let (known, end) = ahead("while true; do n=$((n + 1)); sleep 5; done");
        assert!(
            end.is_none() && known.is_some_and(|known| known > 1000),
            "{known:?}"
        );
        assert_eq!(
            ahead("x=aaaa; while true; do x=$x$x; done").1,
            Some((0, 137)),
            "of memory"
        );
    }
}
