//! Takes out of an object what a reader pays for and learns nothing from: bookkeeping, and fields that hold
//! exactly what the API server fills in by itself.

use serde_json::{Map, Value, json};

use super::redact::LAST_APPLIED;

/// A default: the field, what stands above it (`*` for anything, so that custom resources which embed a pod
/// template gain too), and its value as JSON. Only an exactly equal value goes.
struct Default {
    /// The name of the map that holds the field; an item of a list goes by the list's name.
    within: &'static [&'static str],
    /// A field that stands beside it: a `spec` alone does not say what it is the spec of. Any if empty.
    beside: &'static str,
    field: &'static str,
    value: &'static str,
}

const fn default(within: &'static [&'static str], field: &'static str, value: &'static str) -> Default {
    Default {
        within,
        beside: "",
        field,
        value,
    }
}

const fn of_spec(beside: &'static str, field: &'static str, value: &'static str) -> Default {
    Default {
        within: &["spec"],
        beside,
        field,
        value,
    }
}

const CONTAINERS: &[&str] = &["containers", "initContainers", "ephemeralContainers"];
const PROBES: &[&str] = &["livenessProbe", "readinessProbe", "startupProbe"];

/// What the API server fills in, by where it does.
const DEFAULTS: &[Default] = &[
    default(CONTAINERS, "terminationMessagePath", "\"/dev/termination-log\""),
    default(CONTAINERS, "terminationMessagePolicy", "\"File\""),
    default(CONTAINERS, "resources", "{}"),
    default(PROBES, "successThreshold", "1"),
    default(PROBES, "failureThreshold", "3"),
    default(PROBES, "timeoutSeconds", "1"),
    default(PROBES, "periodSeconds", "10"),
    default(&["httpGet"], "scheme", "\"HTTP\""),
    default(&["ports"], "protocol", "\"TCP\""),
    default(&["fieldRef"], "apiVersion", "\"v1\""),
    of_spec("containers", "dnsPolicy", "\"ClusterFirst\""),
    of_spec("containers", "restartPolicy", "\"Always\""),
    of_spec("containers", "schedulerName", "\"default-scheduler\""),
    of_spec("containers", "securityContext", "{}"),
    of_spec("containers", "terminationGracePeriodSeconds", "30"),
    of_spec("containers", "enableServiceLinks", "true"),
    of_spec("containers", "preemptionPolicy", "\"PreemptLowerPriority\""),
    of_spec("containers", "priority", "0"),
    of_spec("template", "progressDeadlineSeconds", "600"),
    of_spec("template", "revisionHistoryLimit", "10"),
    of_spec("template", "podManagementPolicy", "\"OrderedReady\""),
    of_spec(
        "template",
        "persistentVolumeClaimRetentionPolicy",
        r#"{"whenDeleted":"Retain","whenScaled":"Retain"}"#,
    ),
    of_spec("clusterIP", "sessionAffinity", "\"None\""),
    of_spec("clusterIP", "ipFamilyPolicy", "\"SingleStack\""),
    of_spec("clusterIP", "internalTrafficPolicy", "\"Cluster\""),
    of_spec("clusterIP", "externalTrafficPolicy", "\"Cluster\""),
    of_spec("accessModes", "volumeMode", "\"Filesystem\""),
    of_spec("template", "completionMode", "\"NonIndexed\""),
    of_spec("template", "podReplacementPolicy", "\"TerminatingOrFailed\""),
    of_spec("template", "manualSelector", "false"),
    default(&["rollingUpdate"], "partition", "0"),
    default(
        &["secret", "configMap", "projected", "downwardAPI"],
        "defaultMode",
        "420",
    ),
    default(&["hostPath"], "type", "\"\""),
];

/// What every pod tolerates by itself, for five minutes.
const TOLERATED: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

/// Bookkeeping in `metadata`.
const BOOKKEEPING: [&str; 2] = ["managedFields", "selfLink"];

/// Annotations that repeat the object.
const REPEATING: [&str; 2] = [LAST_APPLIED, "deprecated.daemonset.template.generation"];

/// The object without noise.
pub fn cleaned(object: &Value) -> Value {
    let mut object = object.clone();
    clean(&mut object);
    object
}

/// The object as a reader is shown it: without noise, and without what is empty in its status. A template is given it
/// with that, so that it can ask of `lastState` what there is in it.
pub fn readable(object: &Value) -> Value {
    let mut object = cleaned(object);
    if let Some(fields) = object.as_object_mut() {
        let status = fields.get_mut("status").and_then(Value::as_object_mut);
        let says_nothing = status.is_some_and(|status| {
            status.values_mut().for_each(drop_empty);
            status.retain(|_, value| holds_something(value));
            status.is_empty()
        });
        if says_nothing {
            fields.shift_remove("status");
        }
    }
    object
}

/// Takes the noise out of an object, in place: managed fields, the last-applied annotation, nulls, maps and lists
/// that were emptied by this, and fields that hold exactly their default.
pub fn clean(object: &mut Value) {
    if let Some(items) = object.get_mut("items").and_then(Value::as_array_mut) {
        items.iter_mut().for_each(clean);
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        BOOKKEEPING
            .iter()
            .for_each(|field| _ = metadata.shift_remove(*field));
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            REPEATING
                .iter()
                .for_each(|name| _ = annotations.shift_remove(*name));
            if annotations.is_empty() {
                metadata.shift_remove("annotations");
            }
        }
    }
    walk(object, "");
}

/// Drops empty maps and lists of a status, where they are not there yet: `lastState: {}`. One that stands alone is the
/// word for what is: `state: {waiting: {}}`.
fn drop_empty(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(drop_empty);
            if fields.values().any(holds_something) {
                fields.retain(|_, value| holds_something(value));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(drop_empty),
        _ => {}
    }
}

fn walk(value: &mut Value, within: &str) {
    match value {
        Value::Object(fields) => {
            let candidates: Vec<&Default> = DEFAULTS
                .iter()
                .filter(|default| default.within.contains(&within))
                .filter(|default| default.beside.is_empty() || fields.contains_key(default.beside))
                .collect();
            fields.retain(|field, value| {
                let mut of_field = candidates.iter().filter(|default| default.field == field);
                !value.is_null() && !of_field.any(|default| default.is(value))
            });
            repeats(fields, "clusterIPs", "clusterIP", |one| json!([one]));
            repeats(fields, "podIPs", "podIP", |one| json!([{"ip": one}]));
            repeats(fields, "hostIPs", "hostIP", |one| json!([{"ip": one}]));
            // The old name of `serviceAccountName`, always equal to it.
            repeats(fields, "serviceAccount", "serviceAccountName", Value::clone);
            fields.retain(|field, value| {
                let had = holds_something(value);
                walk(value, field);
                // What was empty from the start can mean something: `emptyDir: {}`, `podSelector: {}`.
                !had || holds_something(value)
            });
        }
        Value::Array(items) => {
            match within {
                "tolerations" => items.retain(|item| !is_default_toleration(item)),
                "volumes" | "volumeMounts" => items.retain(|item| !is_token_volume(item)),
                _ => {}
            }
            items.iter_mut().for_each(|item| walk(item, within));
        }
        _ => {}
    }
}

/// Takes out a field that only says once more what another one says.
fn repeats(fields: &mut Map<String, Value>, field: &str, other: &str, form: impl Fn(&Value) -> Value) {
    if fields
        .get(other)
        .map(form)
        .is_some_and(|value| fields.get(field) == Some(&value))
    {
        fields.shift_remove(field);
    }
}

fn holds_something(value: &Value) -> bool {
    match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    }
}

impl Default {
    fn is(&self, value: &Value) -> bool {
        match value {
            Value::Object(fields) if fields.is_empty() => self.value == "{}",
            Value::String(text) => {
                let quoted = self
                    .value
                    .strip_prefix('"')
                    .and_then(|json| json.strip_suffix('"'));
                quoted == Some(text)
            }
            Value::Object(_) => {
                serde_json::from_str::<Value>(self.value).is_ok_and(|default| default == *value)
            }
            value => {
                let json = value.to_string();
                json == self.value
            }
        }
    }
}

fn is_default_toleration(item: &Value) -> bool {
    TOLERATED.iter().any(|key| {
        *item == json!({"effect": "NoExecute", "key": key, "operator": "Exists", "tolerationSeconds": 300})
    })
}

/// Every pod gets its service account's token in a volume of this name.
fn is_token_volume(item: &Value) -> bool {
    let name = item.get("name").and_then(Value::as_str);
    name.is_some_and(|name| name.starts_with("kube-api-access-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_goes_and_what_was_chosen_stays() {
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": "web", "creationTimestamp": null, "managedFields": [{"manager": "kubectl"}],
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
                "labels": {"app": "web"},
            },
            "spec": {
                "containers": [{
                    "name": "web", "image": "nginx:1", "resources": {}, "imagePullPolicy": "IfNotPresent",
                    "ports": [{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}],
                    "readinessProbe": {"httpGet": {"path": "/", "port": 80, "scheme": "HTTP"}, "periodSeconds": 10,
                                       "failureThreshold": 5, "successThreshold": 1, "timeoutSeconds": 1},
                    "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
                }],
                "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "c", "configMap": {"name": "c", "defaultMode": 420}},
                            {"name": "kube-api-access-x7z2k", "projected": {"defaultMode": 420, "sources": []}}],
                "dnsPolicy": "ClusterFirst", "restartPolicy": "Never", "schedulerName": "default-scheduler",
                "securityContext": {}, "serviceAccount": "default", "serviceAccountName": "default",
                "terminationGracePeriodSeconds": 5, "enableServiceLinks": true, "priority": 0,
                "tolerations": [
                    {"effect": "NoExecute", "key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 300},
                    {"effect": "NoExecute", "key": "node.kubernetes.io/unreachable", "operator": "Exists", "tolerationSeconds": 300},
                ],
            },
        });
        clean(&mut pod);
        assert_eq!(
            pod,
            json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": "web", "labels": {"app": "web"}},
                "spec": {
                    "containers": [{
                        "name": "web", "image": "nginx:1", "imagePullPolicy": "IfNotPresent",
                        "ports": [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}],
                        "readinessProbe": {"httpGet": {"path": "/", "port": 80}, "failureThreshold": 5},
                    }],
                    "volumes": [{"name": "tmp", "emptyDir": {}}, {"name": "c", "configMap": {"name": "c"}}],
                    "restartPolicy": "Never", "serviceAccountName": "default", "terminationGracePeriodSeconds": 5,
                },
            })
        );
    }

    #[test]
    fn what_is_empty_goes_from_a_status_and_means_something_in_a_spec() {
        let pod = json!({
            "spec": {"volumes": [{"name": "tmp", "emptyDir": {}}], "overhead": {}, "status": {}},
            "status": {
                "phase": "Pending", "resources": {}, "conditions": [], "gates": [{}, {"type": "Ready", "more": []}],
                "containerStatuses": [{"name": "web", "ready": false, "state": {"waiting": {}}, "lastState": {},
                                       "resources": {"limits": {}, "requests": {"cpu": "1"}}}],
            },
        });
        assert_eq!(cleaned(&pod), pod, "a template asks of what may be empty");
        assert_eq!(
            readable(&pod),
            json!({
                "spec": {"volumes": [{"name": "tmp", "emptyDir": {}}], "overhead": {}, "status": {}},
                "status": {
                    "phase": "Pending", "gates": [{}, {"type": "Ready"}],
                    "containerStatuses": [{"name": "web", "ready": false, "state": {"waiting": {}},
                                           "resources": {"requests": {"cpu": "1"}}}],
                },
            })
        );
        let service = json!({"kind": "Service", "status": {"loadBalancer": {}}});
        assert_eq!(readable(&service), json!({"kind": "Service"}));
    }

    #[test]
    fn a_config_maps_data_is_nobodys_default() {
        let map = json!({"kind": "ConfigMap", "data": {"priority": "0", "dnsPolicy": "ClusterFirst"}, "metadata": {"name": "a"}});
        assert_eq!(cleaned(&map), map);
    }
}
