//! How far the newest revision of a workload has been rolled out, by the rules of `kubectl rollout status`.

use serde_json::Value;

use super::workload::{UNOBSERVED, condition, is_observed, labelled};

/// How far a rollout is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rollout {
    /// All pods that are to be of the newest revision are, and serve; with revision, counts and image.
    Done(String),
    /// It is under way, or held by a pause; with what is still missing.
    UnderWay(String),
    /// The controller gave up waiting for it.
    Stuck(String),
    /// It does not happen by itself: the workload replaces pods only once someone deletes them.
    ByHand,
}

impl Rollout {
    /// The rollout of a deployment, stateful or daemon set; other kinds have none.
    pub fn of(group: &str, kind: &str, object: &Value) -> Option<Self> {
        if group != "apps" {
            return None;
        }
        let facts = Facts::of(kind, object)?;
        let strategy = object["spec"]["updateStrategy"]["type"].as_str();
        if strategy.is_some_and(|strategy| strategy != "RollingUpdate") {
            return Some(Self::ByHand);
        }
        if !is_observed(object) {
            return Some(Self::UnderWay(UNOBSERVED.to_owned()));
        }
        let deadline = condition(object, "Progressing")
            .filter(|condition| condition["reason"] == "ProgressDeadlineExceeded");
        Some(match (facts.missing(), deadline) {
            // As kubectl, which looks at the deadline first: a late success clears it.
            (_, Some(condition)) => Self::Stuck(labelled(condition)),
            (None, None) => Self::Done(facts.words(kind, object)),
            (Some(missing), None) if object["spec"]["paused"] == true => {
                Self::UnderWay(format!("paused: {missing}"))
            }
            (Some(missing), None) => Self::UnderWay(missing),
        })
    }
}

/// How many pods a workload of this kind is to have.
pub fn desired(kind: &str, object: &Value) -> u64 {
    match kind {
        "DaemonSet" => object["status"]["desiredNumberScheduled"].as_u64().unwrap_or(0),
        // Absent replicas mean one, as the API server defaults them.
        _ => object["spec"]["replicas"].as_u64().unwrap_or(1),
    }
}

/// How many pods a stateful set keeps at older revisions because it was told so.
pub fn partition(object: &Value) -> u64 {
    object["spec"]["updateStrategy"]["rollingUpdate"]["partition"]
        .as_u64()
        .unwrap_or(0)
}

/// Numbers of pods.
struct Facts {
    desired: u64,
    /// That are to be of the newest revision: not all, where a stateful set has a partition.
    to_update: u64,
    updated: u64,
    /// Of any revision.
    all: u64,
    available: u64,
    ready: u64,
}

impl Facts {
    fn of(kind: &str, object: &Value) -> Option<Self> {
        let status = &object["status"];
        let number = |field: &str| status[field].as_u64().unwrap_or(0);
        let desired = desired(kind, object);
        Some(match kind {
            "Deployment" => Self {
                desired,
                to_update: desired,
                updated: number("updatedReplicas"),
                all: number("replicas"),
                available: number("availableReplicas"),
                ready: number("readyReplicas"),
            },
            "DaemonSet" => Self {
                desired,
                to_update: desired,
                updated: number("updatedNumberScheduled"),
                all: desired,
                available: number("numberAvailable"),
                ready: number("numberReady"),
            },
            "StatefulSet" => {
                // Once all are updated there is one revision, and the status counts none as updated.
                let is_one = !status["updateRevision"].is_null()
                    && status["updateRevision"] == status["currentRevision"];
                Self {
                    desired,
                    to_update: desired.saturating_sub(partition(object)),
                    updated: if is_one {
                        desired
                    } else {
                        number("updatedReplicas")
                    },
                    all: desired,
                    available: number("readyReplicas"),
                    ready: number("readyReplicas"),
                }
            }
            _ => return None,
        })
    }

    /// What is missing, in the order in which a rollout gets there.
    fn missing(&self) -> Option<String> {
        if self.updated < self.to_update {
            Some(format!("{} of {} updated", self.updated, self.to_update))
        } else if self.all > self.updated && self.to_update == self.desired {
            Some(format!("{} of the old still there", self.all - self.updated))
        } else if self.available < self.desired {
            Some(format!("{} of {} available", self.available, self.desired))
        } else {
            None
        }
    }

    /// `revision 9, 3 of 3 ready, image 2.13.4`
    fn words(&self, kind: &str, object: &Value) -> String {
        let revision = match kind {
            "Deployment" => object
                .pointer("/metadata/annotations/deployment.kubernetes.io~1revision")
                .and_then(Value::as_str),
            _ => None,
        };
        let partition = (self.to_update < self.desired).then(|| {
            format!(
                "{} of {} to be updated by its partition",
                self.to_update, self.desired
            )
        });
        let parts = [
            revision.map(|revision| format!("revision {revision}")),
            partition,
            Some(format!("{} of {} ready", self.ready, self.desired)),
            images(object),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// `image 2.13.4`: what differs from one revision to the next.
fn images(object: &Value) -> Option<String> {
    let containers = object["spec"]["template"]["spec"]["containers"].as_array()?;
    let versions: Vec<&str> = containers
        .iter()
        .filter_map(|container| container["image"].as_str().map(version))
        .collect();
    let word = if versions.len() == 1 { "image" } else { "images" };
    (!versions.is_empty()).then(|| format!("{word} {}", versions.join(", ")))
}

/// An image's tag, or the start of its digest, or its name.
fn version(image: &str) -> &str {
    let (path, digest) = image.split_once("@sha256:").unwrap_or((image, ""));
    let name = path.rsplit('/').next().unwrap_or(path);
    match (name.split_once(':'), digest.get(..12)) {
        (Some((_, tag)), _) => tag,
        (None, Some(digest)) => digest,
        (None, None) => name,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(spec: Value, status: Value) -> Value {
        let mut object = json!({
            "metadata": {"generation": 2},
            "spec": {"replicas": 3, "updateStrategy": {"type": "RollingUpdate"},
                     "template": {"spec": {"containers": [{"image": "shop/db:16"}, {"image": "side@sha256:0123456789abcdef"}]}}},
            "status": {"observedGeneration": 2},
        });
        for (part, fields) in [("spec", spec), ("status", status)] {
            for (name, value) in fields.as_object().unwrap() {
                object[part][name] = value.clone();
            }
        }
        object
    }

    fn of(kind: &str, spec: Value, status: Value) -> Rollout {
        Rollout::of("apps", kind, &set(spec, status)).unwrap()
    }

    #[test]
    fn a_deployment_is_rolled_out_once_the_old_pods_are_gone_and_the_new_serve() {
        let status = |updated: u64, all: u64, available: u64| json!({"updatedReplicas": updated, "replicas": all, "availableReplicas": available, "readyReplicas": available});
        let of = |spec, status| of("Deployment", spec, status);
        let under_way = |text: &str| Rollout::UnderWay(text.to_owned());
        assert_eq!(of(json!({}), status(1, 4, 3)), under_way("1 of 3 updated"));
        assert_eq!(
            of(json!({}), status(3, 4, 4)),
            under_way("1 of the old still there")
        );
        assert_eq!(of(json!({}), status(3, 3, 2)), under_way("2 of 3 available"));
        assert_eq!(
            of(json!({"paused": true}), status(1, 4, 3)),
            under_way("paused: 1 of 3 updated")
        );
        assert_eq!(
            of(json!({}), status(3, 3, 3)),
            Rollout::Done("3 of 3 ready, images 16, 0123456789ab".to_owned())
        );
        let mut stale = status(3, 3, 3);
        stale["observedGeneration"] = json!(1);
        assert_eq!(of(json!({}), stale), under_way(UNOBSERVED));
    }

    #[test]
    fn sets_have_partitions_and_may_be_updated_by_hand() {
        let partition =
            json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}});
        let two = |updated: u64| json!({"updatedReplicas": updated, "readyReplicas": 3, "updateRevision": "b", "currentRevision": "a"});
        assert_eq!(
            of("StatefulSet", partition.clone(), two(0)),
            Rollout::UnderWay("0 of 1 updated".to_owned())
        );
        let Rollout::Done(words) = of("StatefulSet", partition, two(1)) else {
            panic!("not done");
        };
        assert!(
            words.starts_with("1 of 3 to be updated by its partition, 3 of 3 ready"),
            "{words}"
        );
        assert_eq!(
            of("StatefulSet", json!({}), two(2)),
            Rollout::UnderWay("2 of 3 updated".to_owned())
        );
        let one = json!({"readyReplicas": 3, "updateRevision": "b", "currentRevision": "b"});
        assert!(matches!(of("StatefulSet", json!({}), one), Rollout::Done(_)));
        let agents = |available: u64| json!({"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": available});
        assert_eq!(
            of("DaemonSet", json!({}), agents(1)),
            Rollout::UnderWay("1 of 2 available".to_owned())
        );
        assert!(matches!(of("DaemonSet", json!({}), agents(2)), Rollout::Done(_)));
        let by_hand = json!({"updateStrategy": {"type": "OnDelete"}});
        assert_eq!(of("DaemonSet", by_hand, agents(2)), Rollout::ByHand);
        assert_eq!(Rollout::of("batch", "Job", &json!({})), None);
    }
}
