//! What a container finds when it starts: its environment, and whether its volumes can be there.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde_json::Value;

use crate::{
    api::{Api, object::Meta as _},
    controllers::quantity,
};

/// The variables of a container.
pub(crate) type Environment = BTreeMap<String, String>;

/// The environment of a container of a pod that runs on a node.
///
/// # Errors
/// What is missing, as the kubelet words it.
pub(crate) fn of(api: &Api, pod: &Value, container: &Value) -> Result<Environment, String> {
    let mut env = Environment::new();
    env.insert(
        "PATH".into(),
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into(),
    );
    env.insert("HOSTNAME".into(), pod.name().to_owned());
    env.insert("KUBERNETES_SERVICE_HOST".into(), "10.96.0.1".into());
    env.insert("KUBERNETES_SERVICE_PORT".into(), "443".into());
    for from in container.list("/envFrom") {
        for (kind, reference) in [
            ("configmap", &from["configMapRef"]),
            ("secret", &from["secretRef"]),
        ] {
            let Some(found) = source(api, pod, kind, reference)? else {
                continue;
            };
            let prefix = from.text("/prefix");
            env.extend(
                found
                    .into_iter()
                    .map(|(name, value)| (format!("{prefix}{name}"), value)),
            );
        }
    }
    for variable in container.list("/env") {
        let value = match variable.get("valueFrom") {
            None => Some(expand(variable.text("/value"), &env)),
            Some(from) => value_from(api, pod, container, from)?,
        };
        if let Some(value) = value {
            env.insert(variable.name_of().to_owned(), value);
        }
    }
    Ok(env)
}

/// The volumes of a pod that cannot be mounted, with the reason.
pub(crate) fn missing_volumes(api: &Api, pod: &Value) -> Vec<(String, String)> {
    let lacks = |volume: &Value, from: &Value| {
        let sources = [
            ("configmap", &from["configMap"], "name"),
            ("secret", &from["secret"], "secretName"),
            ("secret", &from["secret"], "name"),
        ];
        sources.into_iter().find_map(|(kind, reference, key)| {
            let object = reference[key].as_str()?;
            // Every namespace has the certificates of its cluster.
            let is_there = reference["optional"] == true
                || object == "kube-root-ca.crt"
                || data(api, pod.namespace(), kind, object).is_some();
            (!is_there).then(|| {
                (
                    volume.name_of().to_owned(),
                    format!("{kind} {object:?} not found"),
                )
            })
        })
    };
    let volumes = pod.list("/spec/volumes").iter();
    let missing = volumes.filter_map(|volume| {
        let projected = volume.list("/projected/sources").iter();
        std::iter::once(volume)
            .chain(projected)
            .find_map(|from| lacks(volume, from))
    });
    missing.collect()
}

/// All that a `configMapRef` or `secretRef` names; `None` if it may be missing, and is.
fn source(api: &Api, pod: &Value, kind: &str, reference: &Value) -> Result<Option<Environment>, String> {
    let Some(name) = reference["name"].as_str() else {
        return Ok(None);
    };
    match data(api, pod.namespace(), kind, name) {
        None if reference["optional"] != true => Err(format!("{kind} {name:?} not found")),
        found => Ok(found),
    }
}

fn value_from(api: &Api, pod: &Value, container: &Value, from: &Value) -> Result<Option<String>, String> {
    for (kind, title, reference) in [
        ("configmap", "ConfigMap", &from["configMapKeyRef"]),
        ("secret", "Secret", &from["secretKeyRef"]),
    ] {
        let Some(key) = reference["key"].as_str() else {
            continue;
        };
        let found = source(api, pod, kind, reference)?.and_then(|mut found| found.remove(key));
        if found.is_none() && reference["optional"] != true {
            let name = reference.text("/name");
            return Err(format!(
                "couldn't find key {key} in {title} {}/{name}",
                pod.namespace()
            ));
        }
        return Ok(found);
    }
    if let Some(resource) = from["resourceFieldRef"]["resource"].as_str() {
        let (sort, name) = resource.split_once('.').unwrap_or(("limits", resource));
        let amount = quantity::milli(container.text(&format!("/resources/{sort}/{name}"))).unwrap_or(0);
        return Ok(Some(((amount + 999) / 1000).to_string()));
    }
    Ok(Some(field(pod, from.text("/fieldRef/fieldPath")).to_owned()))
}

/// A field of the pod, as the downward API names it.
fn field<'a>(pod: &'a Value, path: &str) -> &'a str {
    match path.split_once("['") {
        Some((map, key)) => {
            let map = map.replace('.', "/");
            pod.pointer(&format!("/{map}"))
                .and_then(|map| map[key.trim_end_matches("']")].as_str())
                .unwrap_or_default()
        }
        None => pod.text(&format!("/{}", path.replace('.', "/"))),
    }
}

/// What a ConfigMap or Secret holds; `None` if it is not there.
fn data(api: &Api, namespace: &str, kind: &str, name: &str) -> Option<Environment> {
    let resource = api.kind(&format!("{kind}s")).ok()?;
    let object = api.get(&resource, namespace, name).ok()?;
    let text = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        match kind {
            "secret" => base64::engine::general_purpose::STANDARD
                .decode(text)
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                .unwrap_or_default(),
            _ => text.to_owned(),
        }
    };
    let entries = object["data"].as_object().into_iter().flatten();
    Some(entries.map(|(key, value)| (key.clone(), text(value))).collect())
}

/// Puts variables in the place of `$(NAME)`.
pub(crate) fn expand(text: &str, env: &Environment) -> String {
    env.iter()
        .filter(|_| text.contains("$("))
        .fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("$({name})"), value)
        })
}

/// The `name` of a part of an object: a container, a variable, a volume.
pub(crate) trait Named {
    /// It, or nothing.
    fn name_of(&self) -> &str;
}

impl Named for Value {
    fn name_of(&self) -> &str {
        self["name"].as_str().unwrap_or_default()
    }
}
