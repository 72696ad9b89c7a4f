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
    images::{Behaviour, Entry, Finding, Images},
    shell::{Course, LINES},
};
use crate::api::object::Meta as _;

/// How many commands of a script are looked ahead for its end.
const AHEAD: usize = 2_000;

/// How many commands of a script are run at most to read its log.
const READ: usize = 2_000_000;

/// Images that hold a shell and little else, and so end at once if they are not told what to run.
const BARE: [&str; 4] = ["busybox", "alpine", "debian", "ubuntu"];

/// What runs on the nodes.
#[derive(Debug, Default)]
pub(crate) struct Runtime {
    /// What the images do.
    pub(crate) images: Images,
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
}

#[derive(Debug)]
enum Program {
    /// As its image tells.
    Told(Box<Behaviour>),
    /// A script: once to find its end, once to read its log.
    Script(Box<[Course; 2]>),
    /// Nothing, for ever.
    Quiet,
}

/// When a container ends by itself.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// Never.
    Never,
    /// Not before; then it is to be asked again.
    After(Timestamp),
    /// Then, with this code, for this reason.
    At(Timestamp, i32, String),
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
    ///
    /// # Errors
    /// If there is no such command in its image.
    pub(crate) fn start(
        &self,
        (pod, container): (&str, &str),
        image: &str,
        argv: &[String],
        (env, memory): (Environment, Option<i64>),
        (id, started): (String, Timestamp),
    ) -> Result<(), String> {
        let most = memory.map_or(64 << 20, |bytes| usize::try_from(bytes).unwrap_or(0));
        let course = |keeps| Course::of(argv, &env, started, most, keeps);
        let base = image.rsplit('/').next().unwrap_or_default();
        let is_bare = BARE.contains(&base.split([':', '@']).next().unwrap_or_default());
        let program = match (
            course(false),
            course(true),
            self.images.of(image, &argv.join(" "), &env),
        ) {
            (Some(ahead), Some(log), _) => Program::Script(Box::new([ahead, log])),
            (_, _, Some(behaviour)) => Program::Told(Box::new(behaviour.clone())),
            _ if is_bare => match argv.first() {
                Some(command) => return Err(command.clone()),
                None => {
                    return self.start(
                        (pod, container),
                        image,
                        &["true".into()],
                        (env, memory),
                        (id, started),
                    );
                }
            },
            _ => Program::Quiet,
        };
        let run = Run {
            id,
            started,
            ended: None,
            program,
            env,
            memory,
        };
        let mut runs = self.runs();
        let slot = runs.entry((pod.to_owned(), container.to_owned())).or_default();
        slot.swap(0, 1);
        slot[0] = Some(run);
        Ok(())
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
    pub(crate) fn finding(&self, probe: &Value, told: fn(&Behaviour) -> &Finding) -> Finding {
        let words = probe.list("/exec/command").iter();
        let argv: Vec<String> = words.filter_map(|word| Some(word.as_str()?.to_owned())).collect();
        match &self.program {
            Program::Told(behaviour) => return told(behaviour).clone(),
            Program::Quiet => return Finding::default(),
            Program::Script(_) => {}
        }
        // A shell listens to no port, but runs commands.
        let Some(mut course) = Course::of(&argv, &self.env, self.started, 0, true) else {
            return Finding::never(None);
        };
        course.run_to(Duration::from_secs(1), AHEAD);
        let said: String = course.lines().into_iter().map(|(_, line)| line + "\n").collect();
        match course.end() {
            Some(end) if end.code == 0 => Finding::default(),
            _ => Finding::never(Some(said)),
        }
    }

    /// When it ends by itself, as far as it is known at this time.
    pub(crate) fn end(&mut self, now: Timestamp) -> End {
        match &mut self.program {
            Program::Quiet => End::Never,
            Program::Told(behaviour) => {
                let exit = behaviour.exit.as_ref().map(|exit| {
                    let reason = if exit.code == 0 { "Completed" } else { "Error" };
                    let reason = exit.reason.clone().unwrap_or_else(|| reason.to_owned());
                    let code = if reason == "OOMKilled" { 137 } else { exit.code };
                    (exit.after.0, code, reason)
                });
                let killed = self.memory.and_then(|limit| behaviour.usage.reaches(limit));
                let killed = killed.map(|after| (after, 137, "OOMKilled".to_owned()));
                match [exit, killed].into_iter().flatten().min() {
                    Some((after, code, reason)) => End::At(self.started + after, code, reason),
                    None => End::Never,
                }
            }
            Program::Script(courses) => {
                let course = &mut courses[0];
                let past = course.known().map_or(Duration::ZERO, |known| known);
                // What was known and is past: it is looked further ahead, twice as far the longer it goes on.
                if course.end().is_none() && self.started + past <= now {
                    course.run_to(
                        Duration::MAX,
                        AHEAD + usize::try_from(past.as_secs()).unwrap_or(AHEAD),
                    );
                }
                match (course.end(), course.known()) {
                    (Some(end), _) => {
                        let reason = match (end.of_memory, end.code) {
                            (true, _) => "OOMKilled",
                            (_, 0) => "Completed",
                            _ => "Error",
                        };
                        End::At(self.started + end.at, end.code, reason.to_owned())
                    }
                    (None, Some(known)) => {
                        End::After(self.started + known.max(past + Duration::from_secs(1)))
                    }
                    (None, None) => End::Never,
                }
            }
        }
    }

    /// How long it takes to end when it is asked to, and with which code; `None` if it does not heed that.
    pub(crate) fn stops(&mut self, now: Timestamp) -> Option<(Duration, i32)> {
        match &mut self.program {
            Program::Quiet => Some((Duration::ZERO, 0)),
            Program::Told(behaviour) => Some((behaviour.stop.takes.0, behaviour.stop.code)),
            Program::Script(courses) => {
                courses[1].run_to(since(self.started, now), READ);
                courses[1].stops().map(|code| (Duration::ZERO, code))
            }
        }
    }

    /// What it wrote up to a time, oldest first.
    pub(crate) fn lines(&mut self, now: Timestamp) -> Vec<Line> {
        let now = self.ended.map_or(now, |ended| ended.min(now));
        let age = since(self.started, now);
        let lines = match &mut self.program {
            Program::Quiet => vec![],
            Program::Script(courses) => {
                courses[1].run_to(age, READ);
                courses[1].lines()
            }
            Program::Told(behaviour) => {
                let mut lines: Vec<_> = behaviour
                    .log
                    .iter()
                    .flat_map(|entry| written(entry, age))
                    .collect();
                lines.sort_by_key(|(after, _, _)| *after);
                let lines = lines.split_off(lines.len().saturating_sub(LINES)).into_iter();
                let fill = |after, number, text: &str| fill(text, &self.env, self.started + after, number);
                lines
                    .map(|(after, number, text)| (after, fill(after, number, text)))
                    .collect()
            }
        };
        let line = |(after, text)| Line {
            at: self.started + after,
            text,
        };
        lines
            .into_iter()
            .filter(|(after, _)| *after <= age)
            .map(line)
            .collect()
    }

    /// The bytes that it takes at a time, on the average, and by how many they grow in a minute, if it grows.
    pub(crate) fn memory(&self, now: Timestamp) -> (i64, Option<i64>) {
        let (Program::Told(told), None) = (&self.program, self.ended) else {
            return (0, None);
        };
        let usage = &told.usage;
        let age = since(self.started, now);
        let (bytes, later) = (usage.at(age), usage.at(age + Duration::from_secs(60)));
        (bytes, usage.grows.map(|_| later - bytes))
    }

    /// What it takes at a time: billionths of a CPU, and bytes.
    pub(crate) fn usage(&self, now: Timestamp) -> (i64, i64) {
        let age = since(self.started, now);
        // A little up and down, that goes over minutes.
        let phase = (now.as_second() / 15
            + i64::try_from(self.id.len()).unwrap_or(0)
            + i64::from(self.id.as_bytes()[20]))
            % 17;
        let wave = |amount: i64, part: i64| amount + amount / part * (phase - 8) / 8;
        match &self.program {
            Program::Told(behaviour) => {
                let usage = &behaviour.usage;
                let cpu = usage.cpu.map_or(1_000_000, |cpu| cpu.0 * 1_000_000);
                (
                    wave(cpu, 8),
                    wave(usage.at(age), 64).min(self.memory.unwrap_or(i64::MAX)),
                )
            }
            _ => (wave(1_000_000, 3), wave(4 << 20, 32)),
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
    let end = entry.until.map_or(age, |until| until.0.min(age));
    let Some(span) = end.checked_sub(entry.from.0) else {
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
