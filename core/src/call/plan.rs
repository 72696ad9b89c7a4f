//! What a change is going to do, before it is done.

use crate::{
    call::{Access, Digest},
    output::{ChangeItem, Next},
};

/// What a mutating operation is about to do. Its diffs come from a server-side dry run wherever the API has one
/// (see [`Cx::rehearsal`](super::Cx::rehearsal)), so that the plan is what will happen, and a mistake shows
/// before the first write.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// What would be done, in the infinitive and lower case: `label 2 pods in shop (app=web)`.
    pub summary: String,
    /// One for each object, in the order in which they will be done.
    pub items: Vec<ChangeItem>,
    /// An access above the operation's, where this plan is graver than the operation usually is (scale to zero,
    /// a forced apply). Never laxer: the higher of the two counts.
    pub access: Option<Access>,
    /// What a person should know before agreeing, and warnings.
    pub notes: Vec<String>,
}

impl Plan {
    /// A digest of everything that would be done: verb, identity (with uid) and difference of each object. Two
    /// plans of equal digests do the same. Resource versions are left out, since a status update changes them;
    /// writes carry them as preconditions.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.items)
    }
}

/// A plan that was not carried out, and why.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The cluster that it is for.
    pub cluster: String,
    /// The plan.
    pub plan: Plan,
    /// Why it was not carried out.
    pub why: Why,
    /// Calls worth making next.
    pub next: Vec<Next>,
}

/// Why a plan was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The caller asked for a dry run.
    DryRun,
    /// A person has to agree first.
    Consent {
        /// The code that carries this plan out.
        code: String,
        /// Why a code that was given does not count, e.g. that the plan has changed.
        rejected: Option<String>,
        /// What is asked for: the access of the plan.
        access: Access,
    },
}
