//! What is near its limit.

use super::percent;
use crate::{
    monitoring::metrics::Measure,
    operations::{names::listed, next::look_into},
    output::{Next, ObjectId, size::counted},
};

/// From this much on, in percent.
const NEAR: u64 = 90;

/// Something near a limit of its own.
#[derive(Clone, Debug)]
pub(super) struct Near {
    /// `indexer-0`
    place: String,
    /// `memory 97%`
    what: Vec<String>,
    percent: u64,
    /// Whose limits would have to be raised.
    owner: ObjectId,
}

impl Near {
    /// Something by how much of each measure it uses, if that is near what it has.
    pub(super) fn of(
        place: impl FnOnce() -> String,
        used: impl Fn(Measure) -> (u64, Option<u64>),
        owner: impl FnOnce() -> ObjectId,
    ) -> Option<Self> {
        let near = |measure: Measure| {
            let (used, limit) = used(measure);
            percent(used, limit?).filter(|percent| *percent >= NEAR)
        };
        let (memory, cpu) = (near(Measure::Memory), near(Measure::Cpu));
        let what = [("memory", memory), ("cpu", cpu)];
        Some(Self {
            // A limit of memory kills, one of CPU slows down.
            percent: memory.map(|percent| percent + 100).max(cpu)?,
            what: what
                .iter()
                .filter_map(|(name, percent)| Some(format!("{name} {}%", (*percent)?)))
                .collect(),
            place: place(),
            owner: owner(),
        })
    }

    /// Something that was killed for its use of memory and is not back.
    pub(super) fn killed(place: String, owner: ObjectId) -> Self {
        Self {
            place,
            what: Vec::new(),
            percent: u64::MAX,
            owner,
        }
    }

    /// Adds that it was killed for its use of memory.
    pub(super) fn was_killed(mut self, restarts: u64) -> Self {
        self.what.push(match restarts {
            0 => "OOMKilled".to_owned(),
            count => format!("OOMKilled, {}", counted(count, "restart")),
        });
        self
    }
}

/// The worst first.
pub(super) fn ranked(mut near: Vec<Near>) -> Vec<Near> {
    near.sort_by(|one, other| {
        let by_use = other.percent.cmp(&one.percent);
        by_use.then_with(|| one.place.cmp(&other.place))
    });
    near
}

/// `Near the limit: indexer-0 (memory 97%, OOMKilled, 23 restarts)`
pub(super) fn note(near: &[Near]) -> Option<String> {
    let texts: Vec<String> = near
        .iter()
        .map(|near| format!("{} ({})", near.place, near.what.join(", ")))
        .collect();
    (!texts.is_empty()).then(|| format!("Near the limit: {}", listed(&texts)))
}

/// A look into the worst.
pub(super) fn next(near: &[Near]) -> Option<Next> {
    Some(look_into(&near.first()?.owner))
}
