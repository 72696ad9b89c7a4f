//! Reads containers' logs, keeping little of what passes.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use regex::Regex;

use super::sources::Container;
use crate::{Error, call::Cx, cluster::LogQuery, output::Redactor};

/// Containers read at once; each is a connection.
const AT_ONCE: usize = 8;
/// Containers followed at once: each stays open for the whole time.
const FOLLOWED: usize = 24;
/// Lines of a container that are searched where a filter is given: the tail counts what matches.
const SEARCHED: u64 = 20_000;
/// Bytes of a container that are read.
const BYTES: usize = 16 << 20;
/// How the kubelet says, in a line of the log, that there is none.
const GONE: [&str; 2] = [
    "unable to retrieve container logs for ",
    "failed to try resolving symlinks in path ",
];
/// Characters of a line that are kept.
const LINE: usize = 2_000;
/// Time left to answer with what there is.
const MARGIN: Duration = Duration::from_millis(1_500);

/// Which lines are wanted.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) previous: bool,
    pub(super) since: Option<Timestamp>,
    /// Lines that are kept of each container.
    pub(super) tail: usize,
    pub(super) include: Option<Regex>,
    pub(super) exclude: Option<Regex>,
    /// Go on reading until then.
    pub(super) until: Option<Instant>,
}

impl Reading {
    fn is_filtered(&self) -> bool {
        self.include.is_some() || self.exclude.is_some()
    }

    /// Whether there may be older lines, of which nothing is known.
    pub(super) fn cuts(&self, read: &Read) -> bool {
        !self.is_filtered() && read.seen >= self.tail
    }
}

/// What was read of a container.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// The lines kept, the oldest first.
    pub(super) lines: Vec<Entry>,
    /// How many lines were read.
    pub(super) seen: usize,
    /// How many of them matched.
    pub(super) matched: usize,
    /// What was cut.
    pub(super) note: Option<String>,
    /// The node has removed the log.
    gone: bool,
}

/// A line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// When, RFC 3339 in UTC; empty where the line carries no time.
    pub(super) time: String,
    pub(super) text: String,
}

/// Reads all containers, in their order.
pub(super) async fn all(cx: &Cx, containers: &[Container], reading: &Reading) -> Vec<Result<Read, Error>> {
    let at_once = if reading.until.is_some() {
        FOLLOWED
    } else {
        AT_ONCE
    };
    // Collected first: a closure over references in the stream would keep the whole call on one thread.
    let reads: Vec<_> = containers
        .iter()
        .map(|container| one(cx, container, reading))
        .collect();
    stream::iter(reads).buffered(at_once).collect().await
}

async fn one(cx: &Cx, container: &Container, reading: &Reading) -> Result<Read, Error> {
    let read = run(cx, container, reading, reading.previous).await?;
    if !read.gone {
        return Ok(read);
    }
    let (mut read, what) = match (reading.previous, container.ended) {
        // The kubelet may keep the last run alone: that is the one before the next start.
        (true, true) => (
            run(cx, container, reading, false).await?,
            "of the run before any more; this is the last run, which has ended",
        ),
        (true, false) => (read, "of the run before any more; its lines are lost"),
        (false, _) => (read, "of it any more"),
    };
    read.note = Some(format!("the node keeps no log {what}"));
    Ok(read)
}

async fn run(cx: &Cx, container: &Container, reading: &Reading, previous: bool) -> Result<Read, Error> {
    let filtered = reading.is_filtered();
    let tail = u64::try_from(reading.tail).unwrap_or(u64::MAX);
    let query = LogQuery {
        container: container.name.clone(),
        previous,
        since: reading.since,
        tail: Some(if filtered { SEARCHED.max(tail) } else { tail }),
        limit_bytes: None,
        follow: reading.until.is_some(),
    };
    let last = cx
        .call()
        .deadline
        .checked_sub(MARGIN)
        .unwrap_or_else(Instant::now);
    let stop = reading.until.unwrap_or(last).min(last);
    let mut lines = cx
        .client()
        .logs(&container.namespace, &container.pod, &query)
        .await?;
    let mut read = Read::default();
    let mut kept: VecDeque<Entry> = VecDeque::new();
    let mut bytes = 0;
    loop {
        let line = match tokio::time::timeout_at(stop.into(), lines.next()).await {
            Ok(Some(Ok(line))) => line,
            Ok(None) => break,
            // What was read counts; it is told that there is no more.
            Ok(Some(Err(error))) if read.seen > 0 => {
                read.note = Some(format!("reading broke off: {}", error.message));
                break;
            }
            Ok(Some(Err(error))) => return Err(error),
            Err(_) => {
                if reading.until.is_none() {
                    read.note = Some("stopped at the call's deadline".to_owned());
                }
                break;
            }
        };
        if GONE.iter().any(|said| line.starts_with(said)) {
            read.gone = true;
            continue;
        }
        bytes += line.len();
        read.seen += 1;
        let entry = entry(&line, cx.redactor());
        let included = reading
            .include
            .as_ref()
            .is_none_or(|regex| regex.is_match(&entry.text));
        let excluded = reading
            .exclude
            .as_ref()
            .is_some_and(|regex| regex.is_match(&entry.text));
        if included && !excluded {
            read.matched += 1;
            if kept.len() >= reading.tail {
                kept.pop_front();
            }
            if reading.tail > 0 {
                kept.push_back(entry);
            }
        }
        if bytes > BYTES {
            read.note = Some(format!(
                "stopped after {} MiB; narrow with since or tail",
                BYTES >> 20
            ));
            break;
        }
    }
    if filtered && u64::try_from(read.seen).is_ok_and(|seen| seen >= SEARCHED) && read.note.is_none() {
        read.note = Some(format!(
            "only the last {SEARCHED} lines were searched; narrow with since"
        ));
    }
    read.lines = kept.into();
    Ok(read)
}

/// Splits the API server's timestamp off, takes colours out, hides secrets and cuts what is too long. Secrets first:
/// half of one has no form by which it would be known, and a filter must not tell what stands in one.
fn entry(line: &str, redactor: &Redactor) -> Entry {
    let (time, text) = match line.split_once(' ') {
        Some((time, text)) if is_time(time) => (time, text),
        None if is_time(line) => (line, ""),
        _ => ("", line),
    };
    let plain = without_colours(text.trim_end_matches(['\r', '\n']));
    let plain = redactor.text(&plain);
    let text = match plain.char_indices().nth(LINE) {
        Some((cut, _)) => format!("{}… ({} bytes)", &plain[..cut], plain.len()),
        None => plain.into_owned(),
    };
    Entry {
        time: time.to_owned(),
        text,
    }
}

fn is_time(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() >= 20
        && bytes.get(4) == Some(&b'-')
        && bytes.get(10) == Some(&b'T')
        && word.parse::<Timestamp>().is_ok()
}

/// Terminal colours, which cost a reader's tokens and say nothing.
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("\u{1b}[") {
        plain.push_str(&rest[..start]);
        let after = &rest[start + 2..];
        match after.find(|c: char| !c.is_ascii_digit() && c != ';') {
            Some(end) if after[end..].starts_with('m') => rest = &after[end + 1..],
            _ => {
                plain.push_str("\u{1b}[");
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_and_cleaned() {
        let entry = |line: &str| entry(line, &Redactor::new(false));
        let found = entry("2026-11-23T02:01:53.123456789Z \u{1b}[31mERROR\u{1b}[0m slow\r");
        assert_eq!(
            (found.time.as_str(), found.text.as_str()),
            ("2026-11-23T02:01:53.123456789Z", "ERROR slow")
        );
        assert_eq!(entry("no time here").text, "no time here");
        assert!(entry(&"ü".repeat(LINE + 5)).text.ends_with("… (4010 bytes)"));
        let url = format!("{}postgres://app:hunter2@db", "x".repeat(LINE - 20));
        assert!(!entry(&url).text.contains("hun"), "{}", entry(&url).text);
    }
}
