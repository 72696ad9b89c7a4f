//! The entry that reads the cells of a Table.

use std::borrow::Cow;

use super::{
    generic, infrastructure,
    pod::{self, PodFacts},
    verdict::Verdict,
    workload::{self, ReplicaFacts},
};
use crate::{
    cluster::{Cell, TableColumn},
    output::size::parse_age,
};

/// The rule of a kind, made for the columns of one Table: [`judge`](Self::judge) then looks nothing up.
#[derive(Clone, Debug)]
pub struct CellRule {
    kind: Kind,
    age: Option<usize>,
}

#[derive(Clone, Debug)]
enum Kind {
    Pod {
        status: usize,
        ready: Option<usize>,
    },
    /// READY as `2/3`.
    Fraction {
        ready: usize,
        updated: Option<usize>,
    },
    /// DESIRED and READY as numbers.
    Counted {
        desired: usize,
        ready: usize,
        updated: Option<usize>,
    },
    Job {
        status: Option<usize>,
        completions: Option<usize>,
    },
    CronJob {
        suspend: usize,
    },
    Node {
        status: usize,
    },
    Phase {
        status: usize,
    },
    /// A column that says True or False, under its subject (`Ready`).
    Truth {
        at: usize,
        subject: &'static str,
    },
    /// A column of state words.
    Word {
        at: usize,
    },
    None,
}

impl CellRule {
    /// The rule for a kind whose Table has these columns.
    pub fn new(group: &str, kind: &str, columns: &[TableColumn<'_>]) -> Self {
        let find = |name: &str| {
            columns
                .iter()
                .position(|column| column.name.eq_ignore_ascii_case(name))
        };
        let made = match (group, kind) {
            ("", "Pod") => find("Status").map(|status| Kind::Pod {
                status,
                ready: find("Ready"),
            }),
            ("apps", "Deployment" | "StatefulSet") => find("Ready").map(|ready| Kind::Fraction {
                ready,
                updated: find("Up-to-date"),
            }),
            ("apps", "DaemonSet" | "ReplicaSet") | ("", "ReplicationController") => find("Desired")
                .zip(find("Ready"))
                .map(|(desired, ready)| Kind::Counted {
                    desired,
                    ready,
                    updated: find("Up-to-date"),
                }),
            ("batch", "Job") => Some(Kind::Job {
                status: find("Status"),
                completions: find("Completions"),
            }),
            ("batch", "CronJob") => find("Suspend").map(|suspend| Kind::CronJob { suspend }),
            ("", "Node") => find("Status").map(|status| Kind::Node { status }),
            ("", "PersistentVolumeClaim" | "PersistentVolume" | "Namespace") => {
                find("Status").map(|status| Kind::Phase { status })
            }
            ("", "Service" | "Event" | "Endpoints") | ("autoscaling" | "policy" | "networking.k8s.io", _) => {
                None
            }
            _ => generic_kind(&find),
        };
        Self {
            kind: made.unwrap_or(Kind::None),
            age: find("Age"),
        }
    }

    /// The column that holds the status word, if one does.
    pub fn status_column(&self) -> Option<usize> {
        match self.kind {
            Kind::Pod { status, .. } | Kind::Node { status } | Kind::Phase { status } => Some(status),
            Kind::Job { status, .. } => status,
            Kind::Word { at } => Some(at),
            _ => None,
        }
    }

    /// The column that holds `ready/desired`, if one does.
    pub fn ready_column(&self) -> Option<usize> {
        match self.kind {
            Kind::Pod { ready, .. } => ready,
            Kind::Fraction { ready, .. } => Some(ready),
            Kind::Job { completions, .. } => completions,
            _ => None,
        }
    }

    /// The column that holds the age.
    pub fn age_column(&self) -> Option<usize> {
        self.age
    }

    /// The age in seconds that a row tells.
    pub fn age(&self, cells: &[Cell<'_>]) -> Option<u64> {
        parse_age(text(cells.get(self.age?)?)?)
    }

    /// What the rule says of a row.
    pub fn judge<'a>(&self, cells: &'a [Cell<'_>]) -> Verdict<'a> {
        let at = |column: usize| cells.get(column).and_then(text).unwrap_or_default();
        let count = |column: usize| cells.get(column).and_then(number).unwrap_or(0);
        match self.kind {
            Kind::Pod { status, ready } => pod::judge(PodFacts {
                word: Cow::Borrowed(at(status)),
                ready: ready.and_then(|ready| fraction(at(ready))),
                age: self.age(cells),
            }),
            Kind::Fraction { ready, updated } => match fraction(at(ready)) {
                Some((ready, desired)) => workload::judge_replicas(&ReplicaFacts {
                    desired,
                    ready,
                    updated: updated.map(count),
                    age: self.age(cells),
                    ..ReplicaFacts::default()
                }),
                None => Verdict::default(),
            },
            Kind::Counted {
                desired,
                ready,
                updated,
            } => workload::judge_replicas(&ReplicaFacts {
                desired: count(desired),
                ready: count(ready),
                updated: updated.map(count),
                age: self.age(cells),
                ..ReplicaFacts::default()
            }),
            Kind::Job { status, completions } => {
                let done = completions.and_then(|column| fraction(at(column)));
                let word = match (status, done) {
                    (Some(status), _) => at(status),
                    // API servers before 1.31 tell completions only.
                    (None, Some((done, wanted))) if done >= wanted => "Complete",
                    (None, _) => "Running",
                };
                workload::judge_job(word, done)
            }
            Kind::CronJob { suspend } => {
                let suspended = match cells.get(suspend) {
                    Some(Cell::Other(value)) => value == true,
                    Some(cell) => text(cell).is_some_and(|text| text.eq_ignore_ascii_case("true")),
                    None => false,
                };
                workload::judge_cron_job(suspended)
            }
            Kind::Node { status } => infrastructure::judge_node(at(status)),
            Kind::Phase { status } => infrastructure::judge_phase(at(status), self.age(cells)),
            Kind::Truth { at: column, subject } => match fraction(at(column)) {
                Some((ready, desired)) => generic::judge_count(ready, desired, self.age(cells)),
                None => generic::judge_truth(subject, at(column), self.age(cells)),
            },
            Kind::Word { at: column } => generic::judge_word(at(column)),
            Kind::None => Verdict::default(),
        }
    }
}

fn generic_kind(find: &impl Fn(&str) -> Option<usize>) -> Option<Kind> {
    for subject in ["Ready", "Available", "Healthy", "Established", "Accepted"] {
        if let Some(at) = find(subject) {
            return Some(Kind::Truth { at, subject });
        }
    }
    ["Status", "Phase", "State", "Health Status", "Health"]
        .into_iter()
        .find_map(find)
        .map(|at| Kind::Word { at })
}

fn text<'a>(cell: &'a Cell<'_>) -> Option<&'a str> {
    match cell {
        Cell::Text(text) => Some(text),
        Cell::Other(value) => value.as_bool().map(|flag| if flag { "True" } else { "False" }),
        _ => None,
    }
}

fn number(cell: &Cell<'_>) -> Option<u32> {
    match cell {
        Cell::Integer(number) => u32::try_from(*number).ok(),
        Cell::Text(text) => text.parse().ok(),
        _ => None,
    }
}

/// `2/3`
fn fraction(text: &str) -> Option<(u32, u32)> {
    let (ready, desired) = text.split_once('/')?;
    // A job without a fixed number of completions shows `0/1 of 3`.
    let desired = desired.split(' ').next()?;
    ready.parse().ok().zip(desired.parse().ok())
}
