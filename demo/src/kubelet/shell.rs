//! What containers do whose command is a shell script: a toy `sh`, for which time is what the cluster says it is. It
//! knows the commands at [`Shell::builtin`]; any other is one that is not found.
//!
//! A script may run for ever. So it is played up to a time, from its start, as often as somebody asks.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    environment::Environment,
    syntax::{self, Node, arithmetic},
};

/// How long a command takes that takes no time, so that lines follow each other.
const COMMAND: Duration = Duration::from_micros(150);

/// How long a round of a loop takes at least.
const ROUND: Duration = Duration::from_millis(10);

/// How many commands are played at most. What has not ended then goes on for ever.
const STEPS: usize = 200_000;

/// How long a value may become.
const LARGEST: usize = 1 << 20;

/// A script of a container.
#[derive(Debug)]
pub(super) struct Script {
    node: Result<Node, String>,
    env: Environment,
    started: Timestamp,
}

/// What a script did up to a time.
#[derive(Debug, Default)]
pub(super) struct Played {
    /// What it wrote, with the time since its start.
    pub(super) lines: Vec<(Duration, String)>,
    /// When it ended, and with which code.
    pub(super) end: Option<(Duration, i32)>,
    /// Whether it is known that it goes on for ever.
    pub(super) is_endless: bool,
    /// Whether it ends when it is asked to: a first process that does not say so does not heed that.
    pub(super) heeds: bool,
}

impl Script {
    /// The script of a command line; `None` if it is none that is known here.
    pub(super) fn of(argv: &[String], env: &Environment, started: Timestamp) -> Option<Self> {
        let (name, rest) = argv.split_first()?;
        let node = match (name.rsplit('/').next()?, rest) {
            ("sh" | "bash" | "ash", [flag, script, ..]) if flag.starts_with('-') && flag.ends_with('c') => {
                syntax::parse(script)
            }
            ("sh" | "bash" | "ash", []) => Ok(Node::List(vec![])),
            (name, _) if COMMANDS.contains(&name) => {
                let quoted = argv
                    .iter()
                    .map(|word| format!("'{}'", word.replace('\'', r"'\''")));
                Ok(Node::Command(quoted.collect(), false))
            }
            _ => return None,
        };
        Some(Self {
            node,
            env: env.clone(),
            started,
        })
    }

    /// Plays it up to a time since its start; if only its end is asked for, no further than that is known.
    pub(super) fn play(&self, until: Duration, ahead: bool) -> Played {
        let mut shell = Shell {
            variables: self.env.clone(),
            started: self.started,
            until,
            ahead,
            steps: STEPS,
            now: Duration::ZERO,
            status: 0,
            away: false,
            played: Played::default(),
        };
        let stop = match &self.node {
            Ok(node) => shell.run(node),
            Err(what) => {
                shell.fail(&format!("sh: syntax error: {what}"), 2);
                Ok(())
            }
        };
        if !matches!(stop, Err(Stop::Cut)) {
            shell.played.end = Some((shell.now, shell.status));
        }
        shell.played
    }
}

/// The commands that can be run without a script.
const COMMANDS: &[&str] = &["true", "false", "echo", "sleep", "date", "test", "tail"];

struct Shell {
    variables: Environment,
    started: Timestamp,
    /// It is played up to then.
    until: Duration,
    ahead: bool,
    /// How many commands may still be run.
    steps: usize,
    now: Duration,
    status: i32,
    /// Whether what is written goes to a file.
    away: bool,
    played: Played,
}

/// Why the commands that follow are not run.
enum Stop {
    Break,
    Continue,
    Exit,
    /// It has been played as far as was asked for.
    Cut,
}

impl Shell {
    fn run(&mut self, node: &Node) -> Result<(), Stop> {
        match node {
            Node::Command(words, away) => {
                self.pass(COMMAND)?;
                self.away = *away;
                self.command(words)
            }
            Node::List(nodes) => nodes.iter().try_for_each(|node| self.run(node)),
            Node::Logic(first, others) => {
                self.run(first)?;
                others.iter().try_for_each(|(and, node)| {
                    if (self.status == 0) == *and {
                        self.run(node)
                    } else {
                        Ok(())
                    }
                })
            }
            Node::If(branches, otherwise) => {
                for (condition, body) in branches {
                    self.run(condition)?;
                    if self.status == 0 {
                        return self.run(body);
                    }
                }
                self.status = 0;
                self.run(otherwise)
            }
            Node::While(condition, body) => loop {
                let (start, before) = (self.now, self.variables.clone());
                self.run(condition)?;
                if self.status != 0 {
                    self.status = 0;
                    return Ok(());
                }
                match self.run(body) {
                    Err(Stop::Break) => return Ok(()),
                    Ok(()) | Err(Stop::Continue) => {}
                    stop => return stop,
                }
                self.pass((start + ROUND).saturating_sub(self.now))?;
                // A round that leaves all as it found it is followed by the same again.
                if self.ahead && before == self.variables {
                    return self.go_on_for_ever();
                }
            },
            Node::For(name, words, body) => {
                let words: Vec<String> = words.iter().flat_map(|word| self.expand(word)).collect();
                for word in words {
                    self.variables.insert(name.clone(), word);
                    match self.run(body) {
                        Err(Stop::Break) => break,
                        Ok(()) | Err(Stop::Continue) => {}
                        stop => return stop,
                    }
                }
                Ok(())
            }
        }
    }

    /// Lets time pass.
    fn pass(&mut self, time: Duration) -> Result<(), Stop> {
        self.steps -= 1;
        if self.steps == 0 {
            return self.go_on_for_ever();
        }
        match self.now.saturating_add(time) {
            end if end > self.until => Err(Stop::Cut),
            end => {
                self.now = end;
                Ok(())
            }
        }
    }

    fn go_on_for_ever(&mut self) -> Result<(), Stop> {
        self.played.is_endless = true;
        Err(Stop::Cut)
    }

    fn command(&mut self, words: &[String]) -> Result<(), Stop> {
        let mut argv = vec![];
        for word in words {
            match word.split_once('=') {
                Some((name, value)) if argv.is_empty() && is_name(name) => {
                    let value = self.expand(value).join(" ");
                    if value.len() > LARGEST {
                        self.status = 137;
                        return Err(Stop::Exit);
                    }
                    self.variables.insert(name.to_owned(), value);
                }
                _ => argv.extend(self.expand(word)),
            }
        }
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        self.builtin(&argv)
    }

    /// Runs a command.
    fn builtin(&mut self, argv: &[&str]) -> Result<(), Stop> {
        let Some((name, rest)) = argv.split_first() else {
            self.status = 0;
            return Ok(());
        };
        let first = rest.first().copied().unwrap_or_default();
        let before = std::mem::take(&mut self.status);
        match name.rsplit('/').next().unwrap_or_default() {
            ":" | "true" => {}
            "false" => self.status = 1,
            "echo" => self.print(&rest.join(" ")),
            "date" => self.date(rest),
            "sleep" if first == "infinity" => return self.go_on_for_ever(),
            "sleep" => match seconds(first) {
                Some(time) => self.pass(time)?,
                None => self.fail(&format!("sleep: invalid number '{first}'"), 1),
            },
            "tail" if rest.contains(&"-f") => return self.go_on_for_ever(),
            "test" => self.status = i32::from(!holds(rest)),
            "[" => self.status = i32::from(!holds(&rest[..rest.len().saturating_sub(1)])),
            "trap" => self.played.heeds |= rest.iter().any(|signal| signal.ends_with("TERM")),
            "exec" if !rest.is_empty() => {
                self.builtin(rest)?;
                return Err(Stop::Exit);
            }
            "exec" => {}
            "exit" => {
                self.status = first.parse::<i32>().map_or(before, |code| code & 0xff);
                return Err(Stop::Exit);
            }
            "break" => return Err(Stop::Break),
            "continue" => return Err(Stop::Continue),
            name => self.fail(&format!("sh: {name}: not found"), 127),
        }
        Ok(())
    }

    fn date(&mut self, words: &[&str]) {
        let format = words.iter().find_map(|word| word.strip_prefix('+'));
        let now = (self.started + self.now).to_zoned(jiff::tz::TimeZone::UTC);
        match jiff::fmt::strtime::format(format.unwrap_or("%a %b %e %H:%M:%S UTC %Y"), &now) {
            Ok(text) => self.print(&text),
            Err(_) => self.fail("date: invalid date format", 1),
        }
    }

    /// A message of an error, and the status that goes with it.
    fn fail(&mut self, message: &str, status: i32) {
        self.status = status;
        self.away = false;
        self.print(message);
    }

    fn print(&mut self, text: &str) {
        if !self.away {
            let lines = text.split('\n').map(|line| (self.now, line.to_owned()));
            self.played.lines.extend(lines);
        }
    }

    fn expand(&self, word: &str) -> Vec<String> {
        syntax::expand(word, &|asked| self.value(asked))
    }

    /// What stands for `$NAME`, `${NAME}`, `${NAME:-default}`, `$?` or `$((…))`.
    fn value(&self, asked: &str) -> String {
        let asked = asked.trim_start_matches('$');
        if let Some(sum) = asked.strip_prefix("((").and_then(|sum| sum.strip_suffix("))")) {
            let number = |name: &str| self.variables.get(name).and_then(|value| value.parse().ok());
            return arithmetic(sum, &|name| number(name).unwrap_or(0)).to_string();
        }
        let name = asked.trim_start_matches('{').trim_end_matches('}');
        let (name, default) = name.split_once(":-").unwrap_or((name, ""));
        match self.variables.get(name) {
            _ if name == "?" => self.status.to_string(),
            Some(value) if !value.is_empty() => value.clone(),
            _ => default.to_owned(),
        }
    }
}

fn is_name(text: &str) -> bool {
    let is_of_names = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.chars().all(is_of_names) && text.starts_with(|c: char| !c.is_ascii_digit())
}

/// How long `sleep` sleeps.
fn seconds(text: &str) -> Option<Duration> {
    let units = [("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0), ("", 1.0)];
    let (number, unit) = units
        .iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, unit)))?;
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * unit).ok()
}

/// Whether what `test` is asked holds. There are no files.
fn holds(words: &[&str]) -> bool {
    let number = |text: &str| text.parse::<i64>().unwrap_or(0);
    match *words {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn play(script: &str, seconds: u64, ahead: bool) -> Played {
        let env = [("HOSTNAME", "web-0"), ("MODE", "a b")];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let argv = ["sh", "-c", script].map(str::to_owned);
        let script = Script::of(&argv, &env.into(), Timestamp::UNIX_EPOCH).expect("a script");
        script.play(Duration::from_secs(seconds), ahead)
    }

    /// What a script writes in an hour.
    fn says(script: &str) -> String {
        let lines = play(script, 3600, false).lines.into_iter();
        lines.map(|(_, line)| line).collect::<Vec<_>>().join("|")
    }

    fn end(script: &str) -> Option<(u64, i32)> {
        play(script, 1_000_000, true)
            .end
            .map(|(at, code)| (at.as_secs(), code))
    }

    #[test]
    fn time_passes_in_it() {
        let played = play(
            "while true; do echo $((n * 2)); n=$((n + 1)); sleep 10; done",
            25,
            false,
        );
        let lines = played
            .lines
            .iter()
            .map(|(at, line)| format!("{} {line}", at.as_secs()));
        assert_eq!(lines.collect::<Vec<_>>(), ["0 0", "10 2", "20 4"]);
        assert_eq!(
            end("for n in 1 2; do echo $n; sleep 1.5; done; exit 7; echo"),
            Some((3, 7))
        );
        assert_eq!(end("exec sleep 10; exit 3"), Some((10, 0)));
        assert_eq!(
            end("x=aaaa; while true; do x=$x$x; done"),
            Some((0, 137)),
            "of memory"
        );
        assert_eq!(says("date; date -u +%H:%M"), "Thu Jan  1 00:00:00 UTC 1970|00:00");
        assert!(play("while true; do echo tick; sleep 5; done", 3600, true).is_endless);
        assert!(play("trap exit TERM; sleep infinity", 3600, true).heeds);
    }

    #[test]
    fn words_are_expanded_as_in_a_shell() {
        let words = r#"echo "$MODE" $MODE '$MODE' \$MODE "it's" a"b"c # no more"#;
        assert_eq!(says(words), "a b a b $MODE $MODE it's abc");
        assert_eq!(
            says("x=1; echo ${x} ${y:-none} $HOSTNAME.svc"),
            "1 none web-0.svc"
        );
        assert_eq!(says("echo $((1 + 2 * 3 - 4)) $((7 / 2)) $((-3 + 1))"), "3 3 -2");
        assert_eq!(says("for w in $MODE c; do echo -$w; done"), "-a|-b|-c");
    }

    #[test]
    fn commands_are_chosen_by_status() {
        assert_eq!(says("true && echo a || echo b; false && echo a || echo b"), "a|b");
        let branches =
            "if [ \"$MODE\" = x ]; then echo a; elif test -n \"$MODE\"; then echo b; else echo c; fi";
        assert_eq!(says(branches), "b");
        assert_eq!(
            says("nosuch 1; echo $?; echo a >&2; echo b > /dev/null"),
            "sh: nosuch: not found|127|a"
        );
        assert_eq!(
            says("while"),
            "sh: syntax error: unexpected \"\" (expecting \"do\")"
        );
    }

    #[test]
    fn no_script_is_too_strange() {
        for script in [
            "trap",
            "$(",
            "${",
            "echo $((",
            "'",
            "\"",
            "`",
            "a | | b",
            "(",
            "x=",
            "$",
            "\\",
            "2>",
            "for",
            "[ ]",
            "[",
            "test",
            "echo ${",
            "exec",
            "é=1 'é' \"é\" \\é $é $((é))",
        ] {
            says(script);
        }
        for (start, end) in [("(", ")"), ("if ", ""), ("while true; do ", ""), ("true && ", "")] {
            says(&format!("{}true{}", start.repeat(5000), end.repeat(5000)));
        }
        says(&format!("echo $(({}1))", "1+".repeat(3000)));
    }
}
