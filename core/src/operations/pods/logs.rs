//! `pods.logs`.

mod fold;
mod read;
mod sources;
mod targets;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use regex::Regex;

use self::{
    read::{Read, Reading},
    sources::Container,
    targets::Target,
};
use crate::{
    Error, ErrorKind,
    call::{Cx, KindRef, Moment, Result},
    operation,
    output::{
        Lines, Next,
        size::{age, window},
    },
};

/// Lines per container where nothing else was said.
const TAIL: u64 = 100;
/// A call answers this long before its deadline, with what it has.
const MARGIN: Duration = Duration::from_millis(1_500);

/// Logs of a pod, or of all pods of a workload or selector, merged by time, the newest line last; repeated lines are
/// folded. All containers are read unless one is named.
#[operation("pods.logs", read, long, needs("get pods", "list pods", "get pods/log"))]
pub async fn logs(
    cx: &Cx,
    /// The kind of `name`: a pod or what has pods, e.g. `Deployment`, `Job`, `Service`.
    kind: Option<KindRef>,
    /// A pod or workload.
    name: Option<String>,
    /// The context's if a name is given, else all.
    namespace: Option<String>,
    /// Labels of pods, in place of a name.
    selector: Option<String>,
    /// Only this container.
    container: Option<String>,
    /// Of the run before the last restart.
    previous: Option<bool>,
    /// Only lines not older than this.
    since: Option<Moment>,
    /// The last lines of each container; with `include` or `exclude`, the last that match.
    tail: Option<u64>,
    /// Only lines that match this regular expression.
    include: Option<String>,
    /// No lines that match this regular expression.
    exclude: Option<String>,
    /// Go on reading for so many seconds.
    follow: Option<u64>,
) -> Result<Lines> {
    let include = pattern("include", include.as_deref())?;
    let exclude = pattern("exclude", exclude.as_deref())?;
    let previous = previous.unwrap_or(false);
    if previous && follow.is_some() {
        return Err(Error::invalid(
            "previous and follow exclude each other: a run that is over has no more lines",
        )
        .into());
    }
    let wanted = match (&name, &selector) {
        (Some(_), Some(_)) => {
            return Err(Error::invalid("expected name or selector, not both").into());
        }
        (None, None) => {
            return Err(Error::invalid("expected name (of a pod or workload) or selector")
                .next(Next::op("pods.list").arg_if("namespace", namespace.as_deref()))
                .into());
        }
        (Some(name), None) => targets::by_name(cx, kind.as_ref(), name, namespace.as_deref()).await?,
        (None, Some(_)) if kind.as_ref().is_some_and(|kind| !is_pods(kind)) => {
            return Err(
                Error::invalid("selector selects pods: leave kind out, or give name in its place").into(),
            );
        }
        (None, Some(selector)) => targets::by_selector(cx, selector, namespace.as_deref()).await?,
    };
    let Target {
        subject,
        pods,
        mut notes,
    } = wanted;
    let read_pods = pods.len();
    let (containers, silent) = sources::choose(&pods, container.as_deref(), previous)?;
    let reading = Reading {
        previous,
        since: since.map(|Moment(since)| since),
        tail: usize::try_from(tail.unwrap_or(TAIL)).unwrap_or(usize::MAX),
        include,
        exclude,
        until: until(cx, follow)?,
    };
    let mut reads = read::all(cx, &containers, &reading).await;
    fail_if_all_failed(&mut reads)?;
    let is_cut = reads.iter().flatten().any(|read| reading.cuts(read));
    let mut lines = assemble(&containers, reads);
    let parts: Vec<String> = [
        previous.then(|| "the run before the last restart".to_owned()),
        reading
            .since
            .map(|since| format!("last {}", window(age(since, Timestamp::now())))),
        follow.map(|seconds| format!("followed for {seconds} s")),
        is_cut.then(|| format!("tail {}", reading.tail)),
        (read_pods != 1).then(|| format!("{read_pods} pods")),
    ]
    .into_iter()
    .flatten()
    .collect();
    lines.subject = std::iter::once(format!("Logs of {subject}"))
        .chain(parts)
        .collect::<Vec<_>>()
        .join(", ");
    notes.extend(silent);
    notes.append(&mut lines.notes);
    lines.notes = notes;
    if !previous && let Some(restarted) = containers.iter().find(|container| container.restarted) {
        lines.next.push(
            Next::op("pods.logs")
                .arg("name", &restarted.pod)
                .arg("namespace", &restarted.namespace)
                .arg("previous", "true"),
        );
    }
    Ok(lines)
}

fn is_pods(kind: &KindRef) -> bool {
    ["pod", "pods", "po"]
        .iter()
        .any(|name| kind.0.eq_ignore_ascii_case(name))
}

/// A regular expression, or why it is none.
fn pattern(parameter: &str, text: Option<&str>) -> Result<Option<Regex>, Error> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    regex::RegexBuilder::new(text)
        .size_limit(1 << 20)
        .build()
        .map(Some)
        .map_err(|error| {
            let told = error.to_string();
            let reason = told.lines().last().unwrap_or_default().trim_start_matches("error: ").trim();
            Error::invalid(format!(
                "{parameter}: cannot read the regular expression {text:?}: {reason}; a backslash makes a character \
                 literal"
            ))
        })
}

/// Until when lines that come are waited for.
fn until(cx: &Cx, follow: Option<u64>) -> Result<Option<Instant>, Error> {
    let Some(seconds) = follow.filter(|seconds| *seconds > 0) else {
        return Ok(None);
    };
    let last = cx
        .call()
        .deadline
        .checked_sub(MARGIN)
        .unwrap_or_else(Instant::now);
    let wanted = Instant::now() + Duration::from_secs(seconds.min(600));
    Ok(Some(wanted.min(last)))
}

/// Where nothing at all could be read the answer is why.
fn fail_if_all_failed(reads: &mut Vec<std::result::Result<Read, Error>>) -> Result<(), Error> {
    if !reads.is_empty() && reads.iter().all(std::result::Result::is_err) {
        let mut errors = reads.drain(..).filter_map(std::result::Result::err);
        if let Some(first) = errors.next() {
            return Err(errors
                .find(|error| error.kind == ErrorKind::Cancelled)
                .unwrap_or(first));
        }
    }
    Ok(())
}

/// Merges what was read: sources that have lines, in the order in which they speak, and remarks on the others.
fn assemble(containers: &[Container], reads: Vec<std::result::Result<Read, Error>>) -> Lines {
    let mut lines = Lines {
        word: "log",
        ..Lines::default()
    };
    let mut quiet = Vec::new();
    let mut kept = Vec::new();
    for (container, read) in containers.iter().zip(reads) {
        match read {
            Ok(read) => {
                lines.read += read.seen;
                lines.matched += read.matched;
                let is_explained = read.note.is_some();
                if let Some(note) = read.note {
                    lines.notes.push(format!("{}: {note}", container.label));
                }
                if read.lines.is_empty() {
                    if !is_explained {
                        quiet.push(container.source());
                    }
                    continue;
                }
                let index = lines.sources.len();
                lines.sources.push(container.source());
                kept.extend(read.lines.into_iter().map(|line| (index, line)));
            }
            Err(error) => lines.notes.push(format!(
                "{} could not be read: {}",
                container.label, error.message
            )),
        }
    }
    // After those that speak, so that these keep their numbers.
    lines.sources.extend(quiet);
    lines.lines = fold::merge(kept);
    lines
}
