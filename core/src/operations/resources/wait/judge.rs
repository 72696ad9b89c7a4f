//! Whether an object is as it is waited for, and if not, why, and whether it will be.

use jiff::Timestamp;
use serde_json::Value;

use super::until::Until;
use crate::{
    Error,
    cluster::Resource,
    monitoring::status::{self, Rollout, Verdict, condition, labelled},
    output::{Health, Next, ObjectId, filter::text_of},
};

/// How an object is, seen from what is waited for.
#[derive(Clone, Debug)]
pub(super) struct Sight {
    /// Whether it is so.
    pub(super) is_so: bool,
    /// How the object is, with the reason why it is not so.
    pub(super) verdict: Verdict<'static>,
    /// What is worth saying of an object that is so.
    pub(super) words: String,
    /// Whether it will be so.
    pub(super) outlook: Outlook,
}

/// Whether waiting helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outlook {
    /// It may.
    Open,
    /// It fails again and again. Someone may mend it meanwhile.
    Bleak,
    /// It is over: nothing will change it.
    Over,
}

/// Looks at an object.
///
/// # Errors
/// If it can never be as it is waited for, by what it is and not by how it is.
pub(super) fn judge(
    until: &Until,
    resource: &Resource,
    object: &Value,
    now: Timestamp,
) -> Result<Sight, Error> {
    let verdict = status::of_object(&resource.group, &resource.kind, object, now);
    let over = Over::of(resource, object);
    let sight = Sight {
        is_so: false,
        words: String::new(),
        outlook: match Rollout::of(&resource.group, &resource.kind, object) {
            Some(Rollout::Stuck(_)) => Outlook::Bleak,
            _ if verdict.health == Health::Failed => Outlook::Bleak,
            _ => Outlook::Open,
        },
        verdict,
    };
    Ok(match until {
        Until::Ready => sight.ready(resource, over),
        Until::RolledOut => sight.rolled_out(resource, object)?,
        Until::Condition { name, status } => sight.condition(object, name, status, over),
        Until::Path { path, value } => {
            let found: Vec<String> = path.select(object).into_iter().map(text_of).collect();
            let is_so = !found.is_empty()
                && value
                    .as_ref()
                    .is_none_or(|value| found.iter().all(|found| found == value));
            let reason = match found.is_empty() {
                true => format!("there is no {}", path.text()),
                false => format!("{} is {}", path.text(), found.join(", ")),
            };
            sight.so_if(is_so, reason).with_outlook(Outlook::Open)
        }
        Until::Gone => {
            let reason = why_still_there(object);
            sight.so_if(false, reason).with_outlook(Outlook::Open)
        }
        Until::There => sight.so_if(true, String::new()),
    })
}

impl Sight {
    /// It is so, or else not for this reason.
    fn so_if(mut self, is_so: bool, reason: String) -> Self {
        self.is_so = is_so;
        if !is_so {
            self.verdict.reason = reason.into();
        }
        self
    }

    fn with_outlook(mut self, outlook: Outlook) -> Self {
        self.outlook = outlook;
        self
    }

    fn ready(mut self, resource: &Resource, over: Option<Over>) -> Self {
        self.is_so = match (over, &*resource.kind) {
            (Some(over), _) => over == Over::Succeeded,
            (None, "Job") if resource.group == "batch" => false,
            // A cordoned node serves what it has.
            (None, "Node") => !self.verdict.is_trouble(),
            (None, _) => self.verdict.health == Health::Healthy,
        };
        if over == Some(Over::Failed) {
            self.outlook = Outlook::Over;
        }
        let Verdict { word, ready, .. } = &self.verdict;
        let ready = ready.map(|(ready, desired)| format!("{ready} of {desired} ready"));
        // `healthy` and `Ready` say no more than that it is ready.
        let word = Some(word.to_string())
            .filter(|word| !word.is_empty() && !word.eq_ignore_ascii_case("ready") && word != "healthy");
        let ready = ready.filter(|_| over.is_none());
        if self.verdict.word.is_empty() && ready.is_none() {
            "it exists, and tells nothing of its readiness".clone_into(&mut self.words);
            return self;
        }
        self.words = [word, ready].into_iter().flatten().collect::<Vec<_>>().join(", ");
        self
    }

    fn rolled_out(mut self, resource: &Resource, object: &Value) -> Result<Self, Error> {
        match Rollout::of(&resource.group, &resource.kind, object) {
            Some(Rollout::Done(words)) => {
                self.is_so = true;
                self.words = words;
            }
            Some(Rollout::UnderWay(reason)) => self = self.so_if(false, reason),
            Some(Rollout::Stuck(reason)) => self = self.so_if(false, reason).with_outlook(Outlook::Over),
            Some(Rollout::ByHand) => return Err(by_hand(resource, object)),
            None => return Err(no_rollouts(resource)),
        }
        Ok(self)
    }

    fn condition(self, object: &Value, name: &str, wanted: &str, over: Option<Over>) -> Self {
        let found = condition(object, name);
        let current = found.and_then(|found| found["status"].as_str());
        let observed = found
            .and_then(|found| found["observedGeneration"].as_u64())
            .or_else(|| object["status"]["observedGeneration"].as_u64());
        let is_stale = observed
            .zip(object["metadata"]["generation"].as_u64())
            .is_some_and(|(observed, newest)| observed < newest);
        let is_so = !is_stale && current.is_some_and(|current| current.eq_ignore_ascii_case(wanted));
        let labelled = found.map(labelled).unwrap_or_default();
        // What is over gets no condition that it does not have.
        let outlook = match over {
            Some(_) => Outlook::Over,
            None if wanted.eq_ignore_ascii_case("true") => self.outlook,
            None => Outlook::Open,
        };
        let reason = match current {
            // What is missing is said by the condition; why it is, by the rule of the kind.
            None if outlook == Outlook::Over => self.verdict.reason.to_string(),
            None => format!("there is no condition {name}{}", those_there(object)),
            Some(_) if is_stale => status::UNOBSERVED.to_owned(),
            Some(_) if outlook == Outlook::Bleak && !self.verdict.reason.is_empty() => {
                self.verdict.reason.to_string()
            }
            Some(current) if labelled.is_empty() => format!("{name} is {current}"),
            Some(current) => format!("{name} is {current}: {labelled}"),
        };
        let mut sight = self.so_if(is_so, reason).with_outlook(outlook);
        sight.words = labelled;
        sight
    }
}

/// How that ended which runs to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Over {
    Succeeded,
    Failed,
}

impl Over {
    fn of(resource: &Resource, object: &Value) -> Option<Self> {
        let holds =
            |kind: &str| condition(object, kind).is_some_and(|condition| condition["status"] == "True");
        match (&*resource.group, &*resource.kind) {
            ("batch", "Job") if holds("Complete") => Some(Self::Succeeded),
            ("batch", "Job") if holds("Failed") => Some(Self::Failed),
            ("", "Pod") => match object["status"]["phase"].as_str()? {
                "Succeeded" => Some(Self::Succeeded),
                "Failed" => Some(Self::Failed),
                _ => None,
            },
            _ => None,
        }
    }
}

/// `; it has A, B`
fn those_there(object: &Value) -> String {
    let names: Vec<&str> = object["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|condition| condition["type"].as_str())
        .collect();
    match names.is_empty() {
        true => String::new(),
        false => format!("; it has {}", names.join(", ")),
    }
}

/// Why an object that is to go has not gone.
fn why_still_there(object: &Value) -> String {
    let metadata = &object["metadata"];
    if metadata["deletionTimestamp"].is_null() {
        return "nobody has deleted it".to_owned();
    }
    let grace = metadata["deletionGracePeriodSeconds"].as_u64();
    let ends = || {
        grace
            .filter(|grace| *grace > 0)
            .map(|grace| format!("it has {grace} s to end"))
    };
    status::held(object).or_else(ends).unwrap_or_default()
}

fn no_rollouts(resource: &Resource) -> Error {
    Error::invalid(format!(
        "until: rollout is for a Deployment, StatefulSet or DaemonSet, not for a {}; ready waits until it is healthy",
        resource.kind
    ))
    .instead("until", "ready")
}

fn by_hand(resource: &Resource, object: &Value) -> Error {
    let id = ObjectId::of(&resource.kind, object);
    Error::invalid(format!(
        "until: {} {} has the update strategy OnDelete: a pod is updated only once someone deletes it, so there is no \
         rollout to wait for; ready waits until its pods serve",
        id.kind, id.name
    ))
    .next(
        Next::op("resources.wait")
            .arg("kind", &id.kind)
            .arg("name", &id.name)
            .arg_if("namespace", id.namespace)
            .arg("until", "ready"),
    )
}
