//! Requests and limits.

use serde_json::Value;

use super::Measure;

/// What is asked for of one measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// What is reserved.
    pub request: Option<u64>,
    /// What may not be exceeded.
    pub limit: Option<u64>,
}

impl Claim {
    /// Both together: there is a limit only where each has one, and a request where any has one.
    #[must_use]
    fn plus(self, other: Self) -> Self {
        Self {
            request: match (self.request, other.request) {
                (Some(one), Some(two)) => Some(one.saturating_add(two)),
                (one, two) => one.or(two),
            },
            limit: self
                .limit
                .zip(other.limit)
                .map(|(one, two)| one.saturating_add(two)),
        }
    }
}

/// The requests and limits of a container, a pod or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    cpu: Claim,
    memory: Claim,
}

impl Claims {
    /// Reads a container's (or, from Kubernetes 1.34 on, a pod's) `resources`.
    pub fn read(resources: &Value) -> Self {
        let claim = |measure: Measure| Claim {
            request: measure.read(&resources["requests"]),
            limit: measure.read(&resources["limits"]),
        };
        Self {
            cpu: claim(Measure::Cpu),
            memory: claim(Measure::Memory),
        }
    }

    /// One of the two.
    pub fn of(&self, measure: Measure) -> Claim {
        match measure {
            Measure::Cpu => self.cpu,
            Measure::Memory => self.memory,
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            cpu: self.cpu.plus(other.cpu),
            memory: self.memory.plus(other.memory),
        }
    }

    /// These, where they say something, in place of `other`'s.
    fn or(self, other: Self) -> Self {
        let or = |one: Claim, two: Claim| Claim {
            request: one.request.or(two.request),
            limit: one.limit.or(two.limit),
        };
        Self {
            cpu: or(self.cpu, other.cpu),
            memory: or(self.memory, other.memory),
        }
    }
}

/// A pod's containers that run as long as it does: its own, and its sidecars (KEP-753).
pub fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    let list = |name: &str| pod["spec"][name].as_array().into_iter().flatten();
    list("containers").chain(list("initContainers").filter(|init| init["restartPolicy"] == "Always"))
}

/// What a pod as a whole asks for: its containers' sum, or what it says itself (KEP-2837).
pub fn claims_of_pod(pod: &Value) -> Claims {
    let sum = containers(pod)
        .map(|container| Claims::read(&container["resources"]))
        .reduce(Claims::plus)
        .unwrap_or_default();
    Claims::read(&pod["spec"]["resources"]).or(sum)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_limit_holds_only_if_every_container_has_one() {
        let with = |request: &str, limit: Option<&str>| json!({"resources": {"requests": {"cpu": request}, "limits": {"cpu": limit}}});
        let mut pod = json!({"spec": {
            "containers": [with("100m", Some("1")), with("250m", Some("500m"))],
            "initContainers": [with("4", None)],
        }});
        let claim = Claim {
            request: Some(350_000_000),
            limit: Some(1_500_000_000),
        };
        assert_eq!(claims_of_pod(&pod).of(Measure::Cpu), claim);
        assert_eq!(claims_of_pod(&pod).of(Measure::Memory), Claim::default());
        pod["spec"]["initContainers"][0]["restartPolicy"] = json!("Always");
        let with_sidecar = claims_of_pod(&pod).of(Measure::Cpu);
        assert_eq!(
            (with_sidecar.request, with_sidecar.limit),
            (Some(4_350_000_000), None)
        );
        pod["spec"]["resources"] = json!({"limits": {"cpu": "2"}});
        let own = claims_of_pod(&pod).of(Measure::Cpu);
        assert_eq!(
            (own.request, own.limit),
            (Some(4_350_000_000), Some(2_000_000_000))
        );
    }
}
