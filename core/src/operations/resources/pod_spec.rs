//! What pods name: in their volumes, their environment and their account.

use serde_json::Value;

use crate::{cluster::Resource, operations::builtin};

/// Every pod has a volume of this name, with the certificate that every namespace has.
const TOKEN_VOLUME: &str = "kube-api-access-";

/// What a pod can name, and does not start without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needed {
    ConfigMap,
    Secret,
    Claim,
    Account,
}

impl Needed {
    /// The kind, if pods can name it.
    pub(super) fn of(resource: &Resource) -> Option<Self> {
        Some(match (resource.group.as_str(), resource.kind.as_str()) {
            ("", "ConfigMap") => Self::ConfigMap,
            ("", "Secret") => Self::Secret,
            ("", "PersistentVolumeClaim") => Self::Claim,
            ("", "ServiceAccount") => Self::Account,
            _ => return None,
        })
    }

    pub(super) fn resource(self) -> Resource {
        match self {
            Self::ConfigMap => builtin::config_maps(),
            Self::Secret => builtin::secrets(),
            Self::Claim => builtin::claims(),
            Self::Account => builtin::service_accounts(),
        }
    }
}

/// An object that a pod names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) kind: Needed,
    pub(super) name: String,
    /// Where it is named: `volume`, `env`, `image pull`; empty for the account.
    pub(super) ways: Vec<&'static str>,
    /// Whether the pod starts without it.
    pub(super) optional: bool,
}

/// A pod, or the template that pods are made from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pod<'a> {
    pub(super) labels: &'a Value,
    pub(super) spec: &'a Value,
}

impl<'a> Pod<'a> {
    /// The pod that an object is or has a template of: a pod, a workload, a cron job, or a custom resource that is
    /// made like one.
    pub(super) fn of(object: &'a Value) -> Option<Self> {
        let template = |pod: &'a Value| {
            pod["spec"]["containers"].is_array().then(|| Self {
                labels: &pod["metadata"]["labels"],
                spec: &pod["spec"],
            })
        };
        template(object)
            .or_else(|| template(&object["spec"]["template"]))
            .or_else(|| template(&object["spec"]["jobTemplate"]["spec"]["template"]))
    }

    /// What it names, each once.
    pub(super) fn references(self) -> Vec<Reference> {
        let mut all = References::default();
        for volume in items(&self.spec["volumes"]) {
            let is_token = volume["name"]
                .as_str()
                .is_some_and(|name| name.starts_with(TOKEN_VOLUME));
            if !is_token {
                all.volume(volume);
            }
        }
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for container in items(&self.spec[list]) {
                all.environment(container);
            }
        }
        for secret in items(&self.spec["imagePullSecrets"]) {
            all.add(Needed::Secret, secret, "name", "image pull");
        }
        all.add(Needed::Account, self.spec, "serviceAccountName", "");
        all.0
    }
}

#[derive(Default)]
struct References(Vec<Reference>);

impl References {
    fn volume(&mut self, volume: &Value) {
        self.add(Needed::ConfigMap, &volume["configMap"], "name", "volume");
        self.add(Needed::Secret, &volume["secret"], "secretName", "volume");
        self.add(
            Needed::Claim,
            &volume["persistentVolumeClaim"],
            "claimName",
            "volume",
        );
        self.add(
            Needed::Secret,
            &volume["csi"]["nodePublishSecretRef"],
            "name",
            "volume",
        );
        for source in items(&volume["projected"]["sources"]) {
            self.add(Needed::ConfigMap, &source["configMap"], "name", "volume");
            self.add(Needed::Secret, &source["secret"], "name", "volume");
        }
    }

    fn environment(&mut self, container: &Value) {
        for variable in items(&container["env"]) {
            let from = &variable["valueFrom"];
            self.add(Needed::ConfigMap, &from["configMapKeyRef"], "name", "env");
            self.add(Needed::Secret, &from["secretKeyRef"], "name", "env");
        }
        for from in items(&container["envFrom"]) {
            self.add(Needed::ConfigMap, &from["configMapRef"], "name", "env");
            self.add(Needed::Secret, &from["secretRef"], "name", "env");
        }
    }

    /// Adds what `field` of `at` names, if it names something.
    fn add(&mut self, kind: Needed, at: &Value, field: &str, way: &'static str) {
        let Some(name) = at[field].as_str().filter(|name| !name.is_empty()) else {
            return;
        };
        let optional = at["optional"] == true;
        let ways = Some(way).filter(|way| !way.is_empty());
        let known = self
            .0
            .iter_mut()
            .find(|known| known.kind == kind && known.name == name);
        match known {
            Some(known) => {
                known.optional &= optional;
                known.ways.extend(ways);
                known.ways.sort_unstable();
                known.ways.dedup();
            }
            None => self.0.push(Reference {
                kind,
                name: name.to_owned(),
                ways: ways.into_iter().collect(),
                optional,
            }),
        }
    }
}

/// The items of a list, none if there is no list.
pub(super) fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_that_a_pod_names_is_found_once() {
        let cron_job = json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": {
            "serviceAccountName": "runner",
            "imagePullSecrets": [{"name": "registry"}],
            "volumes": [
                {"name": "kube-api-access-x", "projected": {"sources": [{"configMap": {"name": "kube-root-ca.crt"}}]}},
                {"name": "a", "configMap": {"name": "settings", "optional": true}},
                {"name": "b", "persistentVolumeClaim": {"claimName": "data"}},
                {"name": "c", "projected": {"sources": [{"secret": {"name": "login"}}, {"serviceAccountToken": {}}]}},
                {"name": "d", "emptyDir": {}},
            ],
            "initContainers": [{"envFrom": [{"secretRef": {"name": "extra", "optional": true}}]}],
            "containers": [{"env": [
                {"name": "X", "value": "1"},
                {"name": "Y", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "y"}}},
            ]}],
        }}}}}});
        let found: Vec<String> = Pod::of(&cron_job)
            .unwrap()
            .references()
            .iter()
            .map(|found| {
                format!(
                    "{:?} {} {} {}",
                    found.kind,
                    found.name,
                    found.ways.join("+"),
                    found.optional
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                "ConfigMap settings env+volume false",
                "Claim data volume false",
                "Secret login volume false",
                "Secret extra env true",
                "Secret registry image pull false",
                "Account runner  false",
            ]
        );
        assert!(Pod::of(&json!({"spec": {"template": {"metadata": {}}}})).is_none());
    }
}
