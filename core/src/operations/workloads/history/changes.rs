//! What one revision changed against the one before it, in a few words for each field.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::output::Redactor;

/// The longest value that is worth quoting.
const VALUE: usize = 40;
/// The annotation that `kubectl rollout restart` sets.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";

/// What a revision keeps of its workload's `spec`: the pod template.
#[derive(Clone, Debug, Default)]
pub(super) struct Template {
    /// As it is: only this tells whether a secret value changed.
    raw: Value,
    /// As it may be shown.
    shown: Value,
}

impl Template {
    pub(super) fn new(raw: Value, redactor: &Redactor) -> Self {
        let mut shown = raw.clone();
        redactor.object(&mut shown);
        Self { raw, shown }
    }

    /// The pod template, without secret values.
    pub(super) fn shown(&self) -> &Value {
        &self.shown["template"]
    }

    /// What this one changed against the one before it: `image 2.13.4 -> 2.14.0`, `env.LOG_FORMAT added`.
    pub(super) fn changes_since(&self, before: &Self) -> Vec<String> {
        let mut told = Told {
            is_only: self.containers() <= 1 && before.containers() <= 1,
            changes: Vec::new(),
        };
        told.compare(&mut Vec::new(), before.side(), self.side());
        if told.changes.is_empty() && self.raw != before.raw {
            told.changes.push("order of lists".to_owned());
        }
        told.changes
    }

    fn containers(&self) -> usize {
        self.raw["template"]["spec"]["containers"]
            .as_array()
            .map_or(0, Vec::len)
    }

    fn side(&self) -> Side<'_> {
        Side {
            raw: &self.raw,
            shown: &self.shown,
        }
    }
}

/// A field of a template, as it is and as it may be shown.
#[derive(Clone, Copy)]
struct Side<'a> {
    raw: &'a Value,
    shown: &'a Value,
}

const ABSENT: Side<'static> = Side {
    raw: &Value::Null,
    shown: &Value::Null,
};

impl<'a> Side<'a> {
    fn field(self, name: &str) -> Side<'a> {
        match (self.raw.get(name), self.shown.get(name)) {
            (Some(raw), Some(shown)) => Side { raw, shown },
            _ => ABSENT,
        }
    }

    fn is_absent(self) -> bool {
        self.raw.is_null()
    }

    /// The fields, if it is a map; none if it is not there.
    fn fields(self) -> Option<Option<&'a Map<String, Value>>> {
        match self.raw {
            Value::Object(fields) => Some(Some(fields)),
            Value::Null => Some(None),
            _ => None,
        }
    }

    /// The items by what names them in this list, if each has such a name.
    fn items(self, list: &str) -> Option<Vec<(String, Side<'a>)>> {
        let (raw, shown) = match (self.raw, self.shown) {
            (Value::Array(raw), Value::Array(shown)) => (raw, shown),
            (Value::Null, _) => return Some(Vec::new()),
            _ => return None,
        };
        let mut seen = HashSet::new();
        raw.iter()
            .zip(shown)
            .map(|(raw, shown)| {
                let id = id_of(list, raw)?;
                seen.insert(id.clone()).then_some((id, Side { raw, shown }))
            })
            .collect()
    }

    /// The value as it may be quoted; none if it is too long, or hidden.
    fn quoted(self) -> Option<String> {
        let text = match self.shown {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let fits = text.chars().count() <= VALUE && !text.contains(['\n', '\t']);
        (fits && !text.is_empty() && !text.contains("<hidden, ")).then_some(text)
    }
}

/// What names an item of a list of a pod's.
fn id_of(list: &str, item: &Value) -> Option<String> {
    let field = match list {
        "containers" | "initContainers" | "env" | "volumes" | "imagePullSecrets" => "name",
        "volumeMounts" => "mountPath",
        "volumeDevices" => "devicePath",
        "ports" => {
            let protocol = item["protocol"].as_str().filter(|protocol| *protocol != "TCP");
            let port = item["containerPort"].as_u64()?;
            return Some(match protocol {
                Some(protocol) => format!("{port}/{protocol}"),
                None => port.to_string(),
            });
        }
        _ => return None,
    };
    item[field].as_str().map(str::to_owned)
}

/// Maps whose entries are told one by one even where the whole map came or went.
const OPENED: [&str; 9] = [
    "template",
    "spec",
    "metadata",
    "labels",
    "annotations",
    "resources",
    "requests",
    "limits",
    "nodeSelector",
];

struct Told {
    /// Whether there is one container, which need not be named then.
    is_only: bool,
    changes: Vec<String>,
}

impl Told {
    fn compare(&mut self, path: &mut Vec<String>, old: Side<'_>, new: Side<'_>) {
        if old.raw == new.raw {
            return;
        }
        let own = path.last().map_or("", String::as_str).to_owned();
        let is_env = path.len() > 1 && path[path.len() - 2] == "env";
        if is_env {
            return self.variable(path, old, new);
        }
        let is_whole = old.is_absent() || new.is_absent();
        if let (Some(before), Some(after)) = (old.items(&own), new.items(&own))
            && before.len() + after.len() > 0
        {
            return self.each(path, &before, &after);
        }
        let opens = !is_whole || path.is_empty() || OPENED.contains(&own.as_str());
        match (old.fields(), new.fields()) {
            (Some(before), Some(after)) if opens && (before.is_some() || after.is_some()) => {
                let names = |fields: Option<&Map<String, Value>>| -> Vec<String> {
                    fields.into_iter().flat_map(Map::keys).cloned().collect()
                };
                let before = names(before);
                let after: Vec<String> = names(after)
                    .into_iter()
                    .filter(|name| !before.contains(name))
                    .collect();
                for name in before.into_iter().chain(after) {
                    let (old, new) = (old.field(&name), new.field(&name));
                    path.push(name);
                    self.compare(path, old, new);
                    path.pop();
                }
            }
            _ => self.tell(path, old, new),
        }
    }

    /// The items of two lists, by what names them.
    fn each(&mut self, path: &mut Vec<String>, before: &[(String, Side<'_>)], after: &[(String, Side<'_>)]) {
        let is_new = |id: &String| !before.iter().any(|(there, _)| there == id);
        let added = after.iter().filter(|(id, _)| is_new(id));
        for (id, _) in before.iter().chain(added) {
            path.push(id.clone());
            self.compare(path, named(before, id), named(after, id));
            path.pop();
        }
    }

    /// An entry of an environment: its value where it has one.
    fn variable(&mut self, path: &[String], old: Side<'_>, new: Side<'_>) {
        let label = self.label(path);
        self.changes.push(if old.is_absent() {
            format!("{label} added")
        } else if new.is_absent() {
            format!("{label} removed")
        } else {
            change(&label, old.field("value"), new.field("value"))
        });
    }

    fn tell(&mut self, path: &[String], old: Side<'_>, new: Side<'_>) {
        let label = self.label(path);
        let own = path.last().map_or("", String::as_str);
        let is_scalar = |side: Side<'_>| !side.raw.is_object() && !side.raw.is_array();
        self.changes.push(if own == RESTARTED && !new.is_absent() {
            "restarted".to_owned()
        } else if old.is_absent() {
            match new.quoted().filter(|_| is_scalar(new)) {
                Some(value) => format!("{label} {value} added"),
                None => format!("{label} added"),
            }
        } else if new.is_absent() {
            format!("{label} removed")
        } else if own == "image" {
            image(&label, old, new)
        } else {
            change(&label, old, new)
        });
    }

    /// A field as a reader names it: `requests.memory`, `sidecar: image`, `label tier`, `nodeSelector.disk`.
    fn label(&self, path: &[String]) -> String {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["template", "metadata", "labels", key] => format!("label {key}"),
            ["template", "metadata", "annotations", RESTARTED] => "restartedAt".to_owned(),
            ["template", "metadata", "annotations", key] => format!("annotation {key}"),
            [
                "template",
                "spec",
                list @ ("containers" | "initContainers"),
                name,
                rest @ ..,
            ] => {
                let init = if *list == "containers" { "" } else { "init " };
                let rest = match rest {
                    ["resources", rest @ ..] => rest,
                    rest => rest,
                };
                match rest {
                    [] => format!("{init}container {name}"),
                    rest if self.is_only && init.is_empty() => rest.join("."),
                    rest => format!("{init}{name}: {}", rest.join(".")),
                }
            }
            ["template", "spec", "volumes", name, rest @ ..] => [&["volume", name].join(" ")]
                .into_iter()
                .map(String::as_str)
                .chain(rest.iter().copied())
                .collect::<Vec<_>>()
                .join("."),
            ["template", "spec", rest @ ..] | ["template", rest @ ..] | rest => rest.join("."),
        }
    }
}

/// The item of this name.
fn named<'a>(items: &[(String, Side<'a>)], id: &str) -> Side<'a> {
    let item = items.iter().find(|(there, _)| there == id);
    item.map_or(ABSENT, |(_, side)| *side)
}

/// `limits.memory 96Mi -> 128Mi`; only that it changed, where a value cannot be quoted.
fn change(label: &str, old: Side<'_>, new: Side<'_>) -> String {
    match (old.quoted(), new.quoted()) {
        (Some(old), Some(new)) if old != new => format!("{label} {old} -> {new}"),
        _ => format!("{label} changed"),
    }
}

/// `image 2.13.4 -> 2.14.0`; whole names where the repository changed too.
fn image(label: &str, old: Side<'_>, new: Side<'_>) -> String {
    let (Some(before), Some(after)) = (old.shown.as_str(), new.shown.as_str()) else {
        return change(label, old, new);
    };
    let (old_name, old_tag) = name_and_tag(before);
    let (new_name, new_tag) = name_and_tag(after);
    let (old_tag, new_tag) = (short(old_tag), short(new_tag));
    if old_name == new_name && old_tag != new_tag {
        format!("{label} {old_tag} -> {new_tag}")
    } else {
        format!("{label} {before} -> {after}")
    }
}

/// The repository, and its tag or digest; a port of the registry is neither.
fn name_and_tag(image: &str) -> (&str, &str) {
    let last = image.rfind('/').map_or(0, |at| at + 1);
    let end = image.get(last..).and_then(|rest| rest.find([':', '@']));
    match end.and_then(|end| image.split_at_checked(last + end)) {
        Some((name, tag)) => (name, tag.trim_start_matches([':', '@'])),
        None => (image, "latest"),
    }
}

/// A tag as it is, a digest by its first digits.
fn short(tag: &str) -> String {
    match tag.find("sha256:") {
        Some(at) => tag.chars().take(at + "sha256:".len() + 12).collect(),
        None => tag.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(spec: Value) -> Template {
        Template::new(json!({"template": spec}), &Redactor::new(false))
    }

    /// A template of one container.
    fn of(container: Value) -> Template {
        template(json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}))
    }

    #[track_caller]
    fn changes(before: &Template, after: &Template, expected: &[&str]) {
        assert_eq!(after.changes_since(before), expected);
    }

    #[test]
    fn fields_of_the_only_container_stand_by_themselves() {
        let before = of(
            json!({"name": "main", "image": "r.example:5000/shop/checkout:2.13.4", "env": [{"name": "A", "value": "1"}],
            "resources": {"requests": {"memory": "96Mi"}}}),
        );
        let after = of(
            json!({"name": "main", "image": "r.example:5000/shop/checkout:2.14.0",
            "env": [{"name": "A", "value": "2"}, {"name": "LOG_FORMAT", "value": "json"}],
            "resources": {"requests": {"memory": "128Mi"}, "limits": {"cpu": "1"}}, "args": ["serve"]}),
        );
        changes(
            &before,
            &after,
            &[
                "image 2.13.4 -> 2.14.0",
                "env.A 1 -> 2",
                "env.LOG_FORMAT added",
                "requests.memory 96Mi -> 128Mi",
                "limits.cpu 1 added",
                "args added",
            ],
        );
        changes(&after, &after, &[]);
        let moved = of(json!({"name": "main", "image": "other.example/checkout:2.14.0"}));
        assert_eq!(
            moved.changes_since(&after)[0],
            "image r.example:5000/shop/checkout:2.14.0 -> other.example/checkout:2.14.0"
        );
    }

    #[test]
    fn several_containers_are_named() {
        let before = template(json!({"spec": {
            "containers": [{"name": "web", "image": "web:1"}, {"name": "proxy", "image": "proxy@sha256:0123456789abcdef"}],
            "initContainers": [{"name": "wait", "image": "busybox"}],
        }}));
        let after = template(json!({"spec": {
            "containers": [{"name": "web", "image": "web:2"}, {"name": "proxy", "image": "proxy@sha256:fedcba9876543210"},
                           {"name": "metrics", "image": "m:1"}],
            "terminationGracePeriodSeconds": 60,
        }}));
        changes(
            &before,
            &after,
            &[
                "web: image 1 -> 2",
                "proxy: image sha256:0123456789ab -> sha256:fedcba987654",
                "container metrics added",
                "init container wait removed",
                "terminationGracePeriodSeconds 60 added",
            ],
        );
    }

    #[test]
    fn metadata_and_volumes_are_named_as_such() {
        let before = template(
            json!({"metadata": {"labels": {"app": "web", "tier": "a"}}, "spec": {
            "containers": [{"name": "main"}], "volumes": [{"name": "data", "configMap": {"name": "old"}}]}}),
        );
        let after = template(json!({"metadata": {"labels": {"app": "web", "tier": "b"},
            "annotations": {RESTARTED: "2026-11-23T05:18:59Z", "example.com/x": "y"}}, "spec": {
            "containers": [{"name": "main"}], "volumes": [{"name": "data", "configMap": {"name": "new"}}],
            "nodeSelector": {"disk": "ssd"}}}));
        changes(
            &before,
            &after,
            &[
                "label tier a -> b",
                "restarted",
                "annotation example.com/x y added",
                "volume data.configMap.name old -> new",
                "nodeSelector.disk ssd added",
            ],
        );
        let turned = template(json!({"spec": {"containers": [{"name": "b"}, {"name": "a"}]}}));
        let back = template(json!({"spec": {"containers": [{"name": "a"}, {"name": "b"}]}}));
        changes(&turned, &back, &["order of lists"]);
    }

    #[test]
    fn secret_values_change_without_being_told() {
        let with = |password: &str, url: &str| {
            of(
                json!({"name": "main", "args": [format!("--url=postgres://shop:{url}@db/x")],
                "env": [{"name": "DB_PASSWORD", "value": password}]}),
            )
        };
        let (before, after) = (with("hunter2", "oldpass1"), with("hunter3", "newpass1"));
        changes(&before, &after, &["args changed", "env.DB_PASSWORD changed"]);
        assert!(!after.shown().to_string().contains("hunter3"));
    }
}
