//! The revisions that a workload keeps: the replica sets of a Deployment, the ControllerRevisions of the others.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::changes::Template;
use crate::{
    Error,
    call::Cx,
    cluster::ListQuery,
    operations::{
        builtin, locate::Found, names::listed, scan, selection::of_workload, workloads::pods::Worst,
    },
    output::{Next, ObjectId, size::age},
};

/// What `kubectl annotate` and old `--record` leave for the reader of a history.
const CAUSE: &str = "kubernetes.io/change-cause";
/// How long after a change its controller may have made the revision of it, for the two to be one.
const LAG: SignedDuration = SignedDuration::from_secs(5);

/// A revision.
#[derive(Debug)]
pub(super) struct Revision {
    pub(super) number: i64,
    /// Its numbers before it was rolled back to.
    former: Vec<i64>,
    /// The object that keeps it.
    pub(super) id: ObjectId,
    /// Since when it counts; none if it was used before, and since when it is again is not known.
    pub(super) since: Option<Timestamp>,
    /// Who made it, and why, as far as known.
    pub(super) by: String,
    pub(super) template: Template,
    pub(super) pods: Pods,
    uid: String,
    /// What its pods carry in a label, where they do not belong to its object.
    hash: String,
}

impl Revision {
    /// In seconds.
    pub(super) fn age(&self, now: Timestamp) -> Option<u64> {
        self.since.map(|since| age(since, now))
    }
}

/// The pods of a revision, those aside that are going or over.
#[derive(Debug, Default)]
pub(super) struct Pods {
    pub(super) total: u32,
    pub(super) ready: u32,
    /// What the worst of those that are not ready suffers from.
    pub(super) worst: Option<Worst>,
}

/// What a workload keeps, newest first, with the pods of each. The first is the one that it is at or on its way to.
pub(super) async fn read(cx: &Cx, workload: &Found) -> Result<Vec<Revision>, Error> {
    let query = ListQuery {
        selector: of_workload(&workload.object),
        ..ListQuery::default()
    };
    let is_deployment = workload.resource.kind == "Deployment";
    let kept_in = if is_deployment {
        builtin::replica_sets()
    } else {
        builtin::controller_revisions()
    };
    let uid = &workload.object["metadata"]["uid"];
    let (mut revisions, mut pods) = (Vec::new(), Vec::new());
    let (now, kind_of_pods) = (Timestamp::now(), builtin::pods());
    futures::try_join!(
        scan::objects(cx, &kept_in, workload.namespace(), &query, |mut object| {
            if owner_of(&object) == uid {
                revisions.extend(if is_deployment {
                    of_replica_set(cx, &mut object)
                } else {
                    of_controller_revision(cx, &mut object)
                });
            }
        }),
        scan::objects(cx, &kind_of_pods, workload.namespace(), &query, |pod| {
            pods.extend(Member::of(&pod, now));
        })
    )?;
    // The newest first; two of one number cannot be, and would keep their order.
    revisions.sort_by_key(|revision| std::cmp::Reverse(revision.number));
    assign(&mut revisions, pods, uid.as_str().unwrap_or_default());
    date(&mut revisions, &workload.object);
    Ok(revisions)
}

/// The one of this number, and the one before it; the newest if none was asked for.
pub(super) fn chosen<'r>(
    revisions: &'r [Revision],
    number: Option<i64>,
    workload: &Found,
) -> Result<(&'r Revision, Option<&'r Revision>), Error> {
    let at = match number {
        None => (!revisions.is_empty()).then_some(0),
        Some(number) => revisions.iter().position(|revision| revision.number == number),
    };
    if let Some(chosen) = at.and_then(|at| Some((revisions.get(at)?, revisions.get(at + 1)))) {
        return Ok(chosen);
    }
    let ObjectId {
        kind,
        name,
        namespace,
        ..
    } = &workload.id;
    let place = namespace
        .as_ref()
        .map_or_else(String::new, |namespace| format!("{namespace}/"));
    let numbers: Vec<String> = revisions
        .iter()
        .map(|revision| revision.number.to_string())
        .collect();
    let (Some(number), Some(newest)) = (number, numbers.first()) else {
        return Err(Error::not_found(format!(
            "{kind} {place}{name} has no revision yet"
        )));
    };
    let now = revisions
        .iter()
        .find(|revision| revision.former.contains(&number));
    let (why, instead) = match now.map(|revision| revision.number.to_string()) {
        Some(now) => (format!("since it was rolled back to, it is revision {now}"), now),
        None => (format!("it keeps: {}", listed(&numbers)), newest.clone()),
    };
    let next = Next::op("workloads.revision")
        .arg("kind", kind)
        .arg("name", name)
        .arg_if("namespace", namespace.as_deref())
        .arg("revision", instead);
    Err(Error::not_found(format!("{kind} {place}{name} has no revision {number}; {why}")).next(next))
}

fn of_replica_set(cx: &Cx, object: &mut Value) -> Option<Revision> {
    let annotations = &object["metadata"]["annotations"];
    let number = annotations["deployment.kubernetes.io/revision"]
        .as_str()?
        .parse()
        .ok()?;
    let former = annotations["deployment.kubernetes.io/revision-history"].as_str();
    let former: Vec<i64> = former
        .into_iter()
        .flat_map(|numbers| numbers.split(','))
        .filter_map(|number| number.parse().ok())
        .collect();
    let mut template = object["spec"]["template"].take();
    if let Some(labels) = template
        .pointer_mut("/metadata/labels")
        .and_then(Value::as_object_mut)
    {
        labels.shift_remove("pod-template-hash");
    }
    let mut revision = revision(
        "ReplicaSet",
        object,
        number,
        Template::new(json!({"template": template}), cx.redactor()),
    );
    revision.since = revision.since.filter(|_| former.is_empty());
    revision.former = former;
    Some(revision)
}

fn of_controller_revision(cx: &Cx, object: &mut Value) -> Option<Revision> {
    let number = object["revision"].as_i64()?;
    // A strategic merge patch of the workload that replaces the whole template.
    let mut spec = object["data"]["spec"].take();
    if let Some(template) = spec["template"].as_object_mut() {
        template.shift_remove("$patch");
    }
    let mut revision = revision(
        "ControllerRevision",
        object,
        number,
        Template::new(spec, cx.redactor()),
    );
    // Pods of a stateful set carry the revision's name, those of a daemon set the label that the revision carries too.
    revision.hash = match object["metadata"]["labels"]["controller-revision-hash"].as_str() {
        Some(hash) => hash.to_owned(),
        None => revision.id.name.clone(),
    };
    Some(revision)
}

fn revision(kind: &str, object: &Value, number: i64, template: Template) -> Revision {
    let metadata = &object["metadata"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Revision {
        number,
        former: Vec::new(),
        id: ObjectId::of(kind, object),
        since: time(&metadata["creationTimestamp"]),
        by: text(&metadata["annotations"][CAUSE]),
        template,
        pods: Pods::default(),
        uid: text(&metadata["uid"]),
        hash: String::new(),
    }
}

fn owner_of(object: &Value) -> &Value {
    let owners = object["metadata"]["ownerReferences"].as_array();
    owners
        .into_iter()
        .flatten()
        .find(|owner| owner["controller"] == true)
        .map_or(&Value::Null, |owner| &owner["uid"])
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// A pod, as far as it matters to its revision.
struct Member {
    owner: String,
    hash: String,
    is_ready: bool,
    worst: Option<Worst>,
}

impl Member {
    fn of(pod: &Value, now: Timestamp) -> Option<Self> {
        let is_over = matches!(pod["status"]["phase"].as_str(), Some("Failed" | "Succeeded"));
        if is_over || !pod["metadata"]["deletionTimestamp"].is_null() {
            return None;
        }
        let conditions = pod["status"]["conditions"].as_array();
        let is_ready = conditions
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Some(Self {
            owner: text(owner_of(pod)),
            hash: text(&pod["metadata"]["labels"]["controller-revision-hash"]),
            is_ready,
            worst: Worst::of(pod, now).filter(|_| !is_ready),
        })
    }
}

/// Gives each revision its pods: they are its replica set's, or the workload's with its hash.
fn assign(revisions: &mut [Revision], pods: Vec<Member>, workload: &str) {
    let mut by_owner: HashMap<(String, String), Pods> = HashMap::new();
    for pod in pods {
        let hash = if pod.owner == workload {
            pod.hash
        } else {
            String::new()
        };
        let pods = by_owner.entry((pod.owner, hash)).or_default();
        pods.total += 1;
        pods.ready += u32::from(pod.is_ready);
        if let Some(worst) = pod.worst
            && pods.worst.as_ref().is_none_or(|known| worst.rank < known.rank)
        {
            pods.worst = Some(worst);
        }
    }
    for revision in revisions {
        let owner = if revision.hash.is_empty() {
            &revision.uid
        } else {
            workload
        };
        let key = (owner.to_owned(), revision.hash.clone());
        revision.pods = by_owner.remove(&key).unwrap_or_default();
    }
}

/// Finds out who made each revision, and since when it counts.
///
/// A revision's object tells when it was made first, which is not when it came to count again after a roll-back.
/// Who made it stands in the workload's `managedFields`, one time for each manager: that of a manager's last change.
fn date(revisions: &mut [Revision], workload: &Value) {
    let managers = managers(workload);
    let made: Vec<Option<Timestamp>> = revisions.iter().map(|revision| revision.since).collect();
    for (at, revision) in revisions.iter_mut().enumerate() {
        let before = made.get(at + 1).copied().flatten();
        // Older than the one before it: rolled back to.
        if before > revision.since {
            revision.since = None;
        }
        let manager = match revision.since {
            Some(made) => managers.iter().find(|(time, _)| {
                // An earlier revision may have been made of it.
                let is_own = before.is_none_or(|before| before < *time);
                let lag = made.duration_since(*time);
                is_own && lag <= LAG && lag >= -SignedDuration::from_secs(1)
            }),
            // The last change of the template is the newest revision's.
            None if at == 0 => managers
                .last()
                .filter(|(time, _)| before.is_none_or(|before| *time >= before)),
            None => None,
        };
        let Some((time, manager)) = manager else { continue };
        revision.since.get_or_insert(*time);
        revision.by = match revision.by.as_str() {
            "" => (*manager).to_owned(),
            cause => format!("{manager}: {cause}"),
        };
    }
}

/// Who changed the pod template, and when last; the newest last.
fn managers(workload: &Value) -> Vec<(Timestamp, &str)> {
    let entries = workload["metadata"]["managedFields"].as_array();
    let mut managers: Vec<_> = entries
        .into_iter()
        .flatten()
        .filter(|entry| entry["subresource"].is_null())
        .filter(|entry| !entry["fieldsV1"]["f:spec"]["f:template"].is_null())
        .filter_map(|entry| Some((time(&entry["time"])?, entry["manager"].as_str()?)))
        .collect();
    managers.sort_unstable();
    managers
}
