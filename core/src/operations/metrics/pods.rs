//! Pods, their containers, and namespaces: what their pods use together.

use std::collections::HashMap;

use serde_json::Value;

use super::{
    Consumer, Line, Usage,
    near::{Near, ranked},
    percent, source,
};
use crate::{
    Error,
    call::{Choice as _, Cx},
    monitoring::metrics::{Amounts, Claims, Measure, Sample, claims_of_pod, containers},
    operations::{
        allowed::refused, builtin, names::listed, resources::owners::controller, scan, selection::Selection,
    },
    output::{
        Next, ObjectId,
        size::{counted, grouped},
    },
};

pub(super) async fn read(
    cx: &Cx,
    consumer: Consumer,
    namespace: Option<&str>,
    selection: &Selection,
) -> Result<Usage, Error> {
    // Of fields the metrics API knows next to nothing; pods that are not selected are left out below.
    let by_labels = Selection {
        fields: None,
        ..selection.clone()
    };
    let kind = builtin::pods();
    let mut pods = Vec::new();
    let (query, metrics_query) = (selection.query(), by_labels.query());
    let again = || Next::op("metrics.top").arg("kind", consumer.name());
    let claims = async {
        let read = scan::objects(cx, &kind, namespace, &query, |pod| pods.extend(Pod::of(&pod)));
        match read.await {
            Err(error) => Err(refused(cx, &kind, namespace, again(), error).await),
            complete => complete,
        }
    };
    let samples = source::samples(cx, builtin::pods(), namespace, &metrics_query, again());
    let (complete, (samples, freshness)) = futures::try_join!(claims, samples)?;
    let mut samples: HashMap<(Option<String>, String), Sample> = samples
        .into_iter()
        .map(|mut sample| ((sample.namespace.take(), sample.name.clone()), sample))
        .collect();
    let mut groups = Groups::new(consumer);
    let mut usage = Usage {
        freshness,
        ..Usage::default()
    };
    let (mut without, mut measured) = (Vec::new(), 0);
    for pod in pods {
        let place = match namespace {
            Some(_) => pod.id.name.clone(),
            None => format!(
                "{}/{}",
                pod.id.namespace.as_deref().unwrap_or_default(),
                pod.id.name
            ),
        };
        let sample = samples.remove(&(pod.id.namespace.clone(), pod.id.name.clone()));
        usage.near.extend(pod.near(&place, sample.as_ref()));
        let Some(sample) = sample else {
            without.push(place);
            continue;
        };
        measured += 1;
        usage.used = usage.used.plus(sample.used);
        groups.add(&pod, sample);
    }
    usage.near = ranked(usage.near);
    usage.of = groups.all.map(of).unwrap_or_default();
    usage.lines = groups.lines();
    let (count, pods) = (grouped(usage.lines.len()), counted(measured, "pod"));
    usage.count = match consumer {
        Consumer::Container => format!("{count} in {pods}"),
        Consumer::Namespace => format!("{count} with {pods}"),
        Consumer::Pod | Consumer::Node => count,
    };
    if !without.is_empty() {
        let verb = if without.len() == 1 { "has" } else { "have" };
        let (count, names) = (counted(without.len(), "pod"), listed(&without));
        usage.notes.push(format!("{count} {verb} no metrics: {names}"));
    }
    if !complete {
        let note = "there are more pods than were read: narrow with namespace or selector";
        usage.notes.push(note.to_owned());
    }
    Ok(usage)
}

/// What all of it is measured against: limits if everything has one. What is requested is told beside what is used,
/// of which some may be without.
fn of(claims: Claims) -> [String; 2] {
    [Measure::Cpu, Measure::Memory].map(|measure| {
        let claim = claims.of(measure);
        match (claim.limit, claim.request) {
            (Some(limit), _) => format!(" of {} limits", measure.exact(limit)),
            (None, Some(request)) => format!(", {} requested", measure.exact(request)),
            (None, None) => String::new(),
        }
    })
}

/// A pod that should be using something, as far as it matters here.
struct Pod {
    id: ObjectId,
    claims: Claims,
    containers: Vec<Container>,
    owner: ObjectId,
}

struct Container {
    name: String,
    claims: Claims,
    /// How often it was restarted, if the last time because it used too much memory.
    killed: Option<u64>,
    is_running: bool,
}

impl Pod {
    fn of(pod: &Value) -> Option<Self> {
        if pod["status"]["phase"] != "Running" {
            return None;
        }
        let id = ObjectId::of("Pod", pod);
        Some(Self {
            claims: claims_of_pod(pod),
            containers: containers(pod).map(|spec| Container::of(pod, spec)).collect(),
            owner: owner(pod).unwrap_or_else(|| id.clone()),
            id,
        })
    }

    fn claims_of(&self, container: &str) -> Claims {
        let known = self.containers.iter().find(|known| known.name == container);
        known.map(|known| known.claims).unwrap_or_default()
    }

    /// Its containers that are near a limit, or were killed at one and are not back.
    fn near<'p>(&'p self, place: &'p str, sample: Option<&'p Sample>) -> impl Iterator<Item = Near> + 'p {
        self.containers.iter().filter_map(move |container| {
            let place = || match self.containers.len() {
                1 => place.to_owned(),
                _ => format!("{place} {}", container.name),
            };
            let used = sample.and_then(|sample| {
                let mut all = sample.containers.iter();
                all.find(|(name, _)| *name == container.name)
            });
            let near = used.and_then(|(_, used)| {
                let used = |measure| (used.of(measure), container.claims.of(measure).limit);
                Near::of(place, used, || self.owner.clone())
            });
            match container.killed {
                None => near,
                Some(restarts) if container.is_running => Some(near?.was_killed(restarts)),
                Some(restarts) => Some(
                    near.unwrap_or_else(|| Near::killed(place(), self.owner.clone()))
                        .was_killed(restarts),
                ),
            }
        })
    }
}

impl Container {
    fn of(pod: &Value, spec: &Value) -> Self {
        let name = spec["name"].as_str().unwrap_or_default();
        let status = ["containerStatuses", "initContainerStatuses"]
            .into_iter()
            .flat_map(|list| pod["status"][list].as_array().into_iter().flatten())
            .find(|status| status["name"] == name)
            .unwrap_or(&Value::Null);
        let killed = ["state", "lastState"]
            .iter()
            .any(|state| status[state]["terminated"]["reason"] == "OOMKilled");
        Self {
            name: name.to_owned(),
            claims: Claims::read(&spec["resources"]),
            killed: killed.then(|| status["restartCount"].as_u64().unwrap_or(0)),
            is_running: !status["state"]["running"].is_null(),
        }
    }
}

/// Whose limits a pod has: its controller; the Deployment where that is a replica set of one.
fn owner(pod: &Value) -> Option<ObjectId> {
    let owner = controller(pod)?;
    let (kind, name) = (owner["kind"].as_str()?, owner["name"].as_str()?);
    let hash = pod["metadata"]["labels"]["pod-template-hash"].as_str();
    let deployment = hash.and_then(|hash| name.strip_suffix(hash)?.strip_suffix('-'));
    let (kind, name) = match (kind, deployment) {
        ("ReplicaSet", Some(deployment)) => ("Deployment", deployment),
        // A static pod is its node's, and its own manifest.
        ("Node", _) => return None,
        own => (own.0, name),
    };
    Some(ObjectId {
        kind: kind.to_owned(),
        name: name.to_owned(),
        ..ObjectId::of(kind, pod)
    })
}

/// Rows while they are summed.
struct Groups {
    consumer: Consumer,
    /// By namespace, pod and container, as far as they tell rows apart.
    groups: HashMap<[String; 3], Group>,
    all: Option<Claims>,
}

struct Group {
    pods: usize,
    used: Amounts,
    claims: Claims,
}

impl Groups {
    fn new(consumer: Consumer) -> Self {
        Self {
            consumer,
            groups: HashMap::new(),
            all: None,
        }
    }

    fn add(&mut self, pod: &Pod, sample: Sample) {
        self.all = Some(self.all.map_or(pod.claims, |all| all.plus(pod.claims)));
        let namespace = pod.id.namespace.clone().unwrap_or_default();
        match self.consumer {
            Consumer::Container => {
                for (container, used) in sample.containers {
                    let claims = pod.claims_of(&container);
                    self.sum([namespace.clone(), pod.id.name.clone(), container], used, claims);
                }
            }
            Consumer::Namespace => {
                self.sum([namespace, String::new(), String::new()], sample.used, pod.claims)
            }
            Consumer::Pod | Consumer::Node => {
                self.sum(
                    [namespace, pod.id.name.clone(), String::new()],
                    sample.used,
                    pod.claims,
                );
            }
        }
    }

    fn sum(&mut self, key: [String; 3], used: Amounts, claims: Claims) {
        let group = self.groups.entry(key);
        group
            .and_modify(|group| {
                group.pods += 1;
                group.used = group.used.plus(used);
                group.claims = group.claims.plus(claims);
            })
            .or_insert(Group {
                pods: 1,
                used,
                claims,
            });
    }

    fn lines(self) -> Vec<Line> {
        let consumer = self.consumer;
        let groups = self.groups.into_iter();
        groups
            .map(|([namespace, pod, container], group)| {
                let (kind, own_namespace, name, names) = match consumer {
                    Consumer::Namespace => {
                        let names = vec![namespace.clone(), group.pods.to_string()];
                        ("Namespace", None, namespace, names)
                    }
                    Consumer::Container => ("Pod", Some(namespace), pod.clone(), vec![pod, container]),
                    Consumer::Pod | Consumer::Node => ("Pod", Some(namespace), pod.clone(), vec![pod]),
                };
                Line {
                    id: ObjectId {
                        cluster: None,
                        kind: kind.to_owned(),
                        namespace: own_namespace,
                        name,
                    },
                    names,
                    used: group.used,
                    against: [Measure::Cpu, Measure::Memory].map(|measure| against(measure, &group)),
                }
            })
            .collect()
    }
}

/// Request, limit, and how much of the limit is used.
fn against(measure: Measure, group: &Group) -> Vec<String> {
    let claim = group.claims.of(measure);
    let exact =
        |amount: Option<u64>| amount.map_or_else(|| "none".to_owned(), |amount| measure.exact(amount));
    let percent = claim
        .limit
        .and_then(|limit| percent(group.used.of(measure), limit));
    vec![
        exact(claim.request),
        exact(claim.limit),
        percent.map_or_else(String::new, |percent| percent.to_string()),
    ]
}
