//! The containers that run, or ran: what a container runtime would know of them. All of it follows from the program,
//! the time of the start and the time that is asked for; nothing is kept of what a container did.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    environment::Environment,
    images::{Behaviour, Entry, Finding, Images, NEVER},
    shell::Script,
};
use crate::api::object::Meta as _;

/// How many lines are kept of what an image tells.
const LINES: usize = 10_000;

/// How far a script is looked ahead for its end, at least.
const AHEAD: Duration = Duration::from_hours(1);

/// Images that hold a shell and little else, and so end at once if they are not told what to run.
const BARE: [&str; 4] = ["busybox", "alpine", "debian", "ubuntu"];

/// What runs on the nodes.
#[derive(Debug, Default)]
pub(crate) struct Runtime {
    /// What the images do.
    pub(super) images: Images,
    runs: Mutex<Runs>,
}

/// By pod and container: the last start, and the one before it.
type Runs = HashMap<(String, String), [Option<Run>; 2]>;

/// One start of a container.
#[derive(Debug)]
pub(crate) struct Run {
    /// As `containerd://…`.
    pub(crate) id: String,
    pub(crate) started: Timestamp,
    /// When it ended, if it did.
    pub(crate) ended: Option<Timestamp>,
    program: Program,
    env: Environment,
    /// How many bytes it may take.
    memory: Option<i64>,
    /// What is known of its end.
    end: Option<End>,
}

#[derive(Debug)]
enum Program {
    /// As its image tells.
    Told(Box<Behaviour>),
    Script(Box<Script>),
    /// Nothing, for ever.
    Quiet,
}

/// When a container ends by itself.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// Never.
    Never,
    /// Not before; then it is to be asked again.
    After(Timestamp),
    /// Then, with this code, for this reason.
    At(Timestamp, i32, &'static str),
}

/// A line of a log.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) at: Timestamp,
    pub(crate) text: String,
}

impl Runtime {
    /// A runtime for images that do this.
    pub(crate) fn new(images: Images) -> Self {
        Self {
            images,
            runs: Mutex::default(),
        }
    }

    /// Starts a container.
    pub(super) fn start(
        &self,
        (pod, container): (&str, &str),
        image: &str,
        argv: &[String],
        (env, memory): (Environment, Option<i64>),
        (id, started): (String, Timestamp),
    ) {
        let base = image.rsplit('/').next().unwrap_or_default();
        let is_bare = BARE.contains(&base.split([':', '@']).next().unwrap_or_default());
        let argv = match argv {
            [] if is_bare => &["sh".to_owned()],
            argv => argv,
        };
        let program = match (Script::of(argv, &env, started), self.images.of(image, &env)) {
            (Some(script), _) => Program::Script(Box::new(script)),
            (None, Some(behaviour)) => Program::Told(Box::new(behaviour.clone())),
            (None, None) => Program::Quiet,
        };
        let run = Run {
            id,
            started,
            ended: None,
            program,
            env,
            memory,
            end: None,
        };
        let mut runs = self.runs();
        let slot = runs.entry((pod.to_owned(), container.to_owned())).or_default();
        slot.swap(0, 1);
        slot[0] = Some(run);
    }

    /// The last start of a container, or the one before it.
    pub(crate) fn with<T>(
        &self,
        pod: &str,
        container: &str,
        previous: bool,
        ask: impl FnOnce(&mut Run) -> T,
    ) -> Option<T> {
        let mut runs = self.runs();
        let slot = runs.get_mut(&(pod.to_owned(), container.to_owned()))?;
        slot[usize::from(previous)].as_mut().map(ask)
    }

    /// The last start of a container.
    pub(crate) fn id(&self, pod: &str, container: &str) -> Option<String> {
        self.with(pod, container, false, |run| run.id.clone())
    }

    /// Forgets a pod.
    pub(crate) fn forget(&self, pod: &str) {
        self.runs().retain(|(of, _), _| of != pod);
    }

    fn runs(&self) -> std::sync::MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    /// What a probe finds that its image tells so of.
    pub(super) fn finding(&self, probe: &Value, told: fn(&Behaviour) -> &Finding) -> Finding {
        match &self.program {
            Program::Told(behaviour) => return told(behaviour).clone(),
            Program::Quiet => return Finding::default(),
            Program::Script(_) => {}
        }
        // A shell listens to no port, but runs commands.
        let words = probe.list("/exec/command").iter();
        let argv: Vec<String> = words.map(|word| word.text("").to_owned()).collect();
        let script = Script::of(&argv, &self.env, self.started);
        let played = script.map(|script| script.play(Duration::from_secs(1), false));
        match played {
            Some(played) if played.end.is_some_and(|(_, code)| code == 0) => Finding::default(),
            played => Finding {
                after: NEVER,
                message: played.map(|played| played.lines.into_iter().map(|(_, line)| line + "\n").collect()),
            },
        }
    }

    /// When it ends by itself, as far as it is known at this time.
    pub(super) fn end(&mut self, now: Timestamp) -> End {
        match self.end {
            Some(end @ (End::Never | End::At(..))) => end,
            Some(End::After(at)) if at > now => End::After(at),
            _ => *self.end.insert(self.program.end(self.started, now, self.memory)),
        }
    }

    /// How long it takes to end when it is asked to; `None` if it does not heed that.
    pub(super) fn stops(&self, now: Timestamp) -> Option<Duration> {
        match &self.program {
            Program::Quiet => Some(Duration::ZERO),
            Program::Told(behaviour) => Some(behaviour.stop.takes.0),
            Program::Script(script) => {
                let played = script.play(since(self.started, now), false);
                played.heeds.then_some(Duration::ZERO)
            }
        }
    }

    /// What it wrote up to a time, oldest first.
    pub(crate) fn lines(&self, now: Timestamp) -> Vec<Line> {
        let now = self.ended.map_or(now, |ended| ended.min(now));
        let age = since(self.started, now);
        let line = |(after, text)| Line {
            at: self.started + after,
            text,
        };
        match &self.program {
            Program::Quiet => vec![],
            Program::Script(script) => script.play(age, false).lines.into_iter().map(line).collect(),
            Program::Told(behaviour) => {
                let mut lines: Vec<_> = behaviour
                    .log
                    .iter()
                    .flat_map(|entry| written(entry, age))
                    .collect();
                lines.retain(|(after, ..)| *after <= age);
                lines.sort_by_key(|(after, ..)| *after);
                let lines = lines.split_off(lines.len().saturating_sub(LINES)).into_iter();
                let fill = |after, number, text: &str| fill(text, &self.env, self.started + after, number);
                lines
                    .map(|(after, number, text)| line((after, fill(after, number, text))))
                    .collect()
            }
        }
    }

    /// The bytes that it takes at a time, on the average, and by how many they grow in a minute, if it grows.
    pub(super) fn memory(&self, now: Timestamp) -> (i64, Option<i64>) {
        match (&self.program, self.ended) {
            (Program::Told(told), None) => {
                let bytes = told.usage.at(since(self.started, now));
                (bytes, told.usage.grows.map(|grows| grows.0 / 1000))
            }
            _ => (0, None),
        }
    }

    /// What it takes at a time: billionths of a CPU, and bytes.
    pub(crate) fn usage(&self, now: Timestamp) -> (i64, i64) {
        // A little up and down, that goes over minutes.
        let phase = (now.as_second() / 15 + i64::from(self.id.as_bytes()[20])) % 17;
        let wave = |amount: i64, part: i64| amount + amount / part * (phase - 8) / 8;
        match &self.program {
            Program::Told(told) => {
                let usage = &told.usage;
                let cpu = usage.cpu.map_or(1_000_000, |cpu| cpu.0 * 1_000_000);
                let memory = wave(usage.at(since(self.started, now)), 64);
                (wave(cpu, 8), memory.min(self.memory.unwrap_or(i64::MAX)))
            }
            _ => (wave(1_000_000, 3), wave(4 << 20, 32)),
        }
    }
}

impl Program {
    fn end(&self, started: Timestamp, now: Timestamp, memory: Option<i64>) -> End {
        let reason = |code| if code == 0 { "Completed" } else { "Error" };
        match self {
            Self::Quiet => End::Never,
            Self::Told(behaviour) => {
                let exit = behaviour.exit.as_ref();
                let exit = exit.map(|exit| (exit.after.0, exit.code, reason(exit.code)));
                let killed = memory.and_then(|limit| behaviour.usage.reaches(limit));
                let killed = killed.map(|after| (after, 137, "OOMKilled"));
                match [exit, killed].into_iter().flatten().min() {
                    Some((after, code, reason)) => End::At(started + after, code, reason),
                    None => End::Never,
                }
            }
            Self::Script(script) => {
                // Twice as far the longer it goes on.
                let until = AHEAD.max(since(started, now) * 2);
                let played = script.play(until, true);
                match played.end {
                    Some((at, code)) => End::At(started + at, code, reason(code)),
                    None if played.is_endless => End::Never,
                    None => End::After(started + until),
                }
            }
        }
    }
}

/// How long a time is after another.
fn since(start: Timestamp, now: Timestamp) -> Duration {
    now.duration_since(start).try_into().unwrap_or_default()
}

/// The lines of an entry up to a time: when, the how manieth, and as they are told.
fn written(entry: &Entry, age: Duration) -> Vec<(Duration, u64, &str)> {
    let Some(every) = entry.every.map(|every| every.0).filter(|every| !every.is_zero()) else {
        let lines = entry.line.lines().enumerate();
        let at = |number: usize| entry.at.0 + Duration::from_micros(40) * u32::try_from(number).unwrap_or(0);
        return lines.map(|(number, line)| (at(number), 1, line)).collect();
    };
    let Some(span) = age.checked_sub(entry.from.0) else {
        return vec![];
    };
    let last = u64::try_from(span.as_nanos() / every.as_nanos()).unwrap_or(0);
    let turns: Vec<&str> = match entry.lines.is_empty() {
        true => vec![&entry.line],
        false => entry.lines.iter().map(String::as_str).collect(),
    };
    let first = last.saturating_sub(u64::try_from(LINES).unwrap_or(0));
    (first..=last)
        .map(|number| {
            // Nothing comes quite regularly.
            let late = every * (hash(&number.to_le_bytes()) % 251).try_into().unwrap_or(0) / 1000;
            let line = turns[usize::try_from(number).unwrap_or(0) % turns.len()];
            let after = entry.from.0 + every * u32::try_from(number).unwrap_or(u32::MAX) + late;
            (after, number + 1, line)
        })
        .collect()
}

/// A line with values in the place of variables.
fn fill(text: &str, env: &Environment, at: Timestamp, number: u64) -> String {
    let mut parts = text.split('$');
    let mut line = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = match part.strip_prefix('{').and_then(|part| part.split_once('}')) {
            Some(braced) => braced,
            None => {
                let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                part.split_at(end.unwrap_or(part.len()))
            }
        };
        match name {
            "" => line.push('$'),
            "N" => line.push_str(&number.to_string()),
            "TIME" => line.push_str(&format!("{at:.3}")),
            name => line.push_str(env.get(name).map_or("", String::as_str)),
        }
        line.push_str(rest);
    }
    line
}

/// A number that looks like chance and follows from what is given (FNV-1a, stirred).
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let seed = bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    fastrand::Rng::with_seed(seed).u64(..)
}
