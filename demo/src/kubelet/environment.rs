//! What a container finds when it starts: its environment, and whether its volumes can be there.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde_json::Value;

use crate::api::{Api, object::Meta as _};

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
            Some(from) => value_from(api, pod, from)?,
        };
        if let Some(value) = value {
            env.insert(variable.text("/name").to_owned(), value);
        }
    }
    Ok(env)
}

/// The volumes of a pod that cannot be mounted, with the reason.
pub(crate) fn missing_volumes(api: &Api, pod: &Value) -> Vec<(String, String)> {
    let volumes = pod.list("/spec/volumes").iter();
    let missing = volumes.filter_map(|volume| {
        let (secret, map) = (&volume["secret"], &volume["configMap"]);
        let (kind, from, name) = match secret["secretName"].as_str() {
            Some(name) => ("secret", secret, name),
            None => ("configmap", map, map["name"].as_str()?),
        };
        let is_there = from["optional"] == true || data(api, pod.namespace(), kind, name).is_some();
        (!is_there).then(|| {
            let why = format!("{kind} {name:?} not found");
            (volume.text("/name").to_owned(), why)
        })
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

fn value_from(api: &Api, pod: &Value, from: &Value) -> Result<Option<String>, String> {
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
    let field = from.text("/fieldRef/fieldPath").replace('.', "/");
    Ok(Some(pod.text(&format!("/{field}")).to_owned()))
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
