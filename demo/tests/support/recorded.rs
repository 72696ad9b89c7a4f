//! What a real API server answered, recorded by `recorded/record`.

use kube_mcp_demo::Cluster;
use regex::Regex;
use serde_json::{Value, json};

use super::ask;

const MANIFESTS: &str = include_str!("../recorded/manifests.yaml");
const ANSWERS: &str = include_str!("../recorded/answers.json");
/// The same as in `recorded/record`.
const MASKS: [(&str, &str); 5] = [
    (r"kube-api-access-\w{5}", "kube-api-access-xxxxx"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UID"),
    (r#""10\.96\.\d+\.\d+""#, r#""IP""#),
    (r#""nodePort":3\d{4}"#, r#""nodePort":30000"#),
    (r#""20\d\d-\d\d-\d\dT[\d:.]+Z""#, r#""TIME""#),
];

/// Creates each manifest of a part as a dry run; gives those that are answered in another way than by a real API server,
/// with both answers as the function shows them.
pub(crate) async fn differing(cluster: &Cluster, part: &str, show: impl Fn(Value) -> Value) -> Vec<String> {
    let manifests: Value = serde_yaml::from_str(MANIFESTS).expect("YAML");
    let answers: Value = serde_json::from_str(ANSWERS).expect("JSON");
    let both = manifests[part].as_array().expect("manifests").iter();
    let both = both.zip(answers[part].as_array().expect("answers"));
    let mut differing = Vec::new();
    for (manifest, real) in both {
        let (_, answer) = ask(cluster, "POST", &path(manifest), manifest.clone()).await;
        let (real, own) = (show(real.clone()), show(masked(answer)));
        if real != own {
            differing.push(format!("{manifest}\n  real {real}\n  own  {own}\n"));
        }
    }
    differing
}

/// Where an object is made.
fn path(manifest: &Value) -> String {
    const CLUSTER_WIDE: [&str; 9] = [
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "IngressClass",
        "Namespace",
        "Node",
        "PersistentVolume",
        "PriorityClass",
        "StorageClass",
    ];
    let (version, kind) = (text(manifest, "apiVersion"), text(manifest, "kind"));
    let root = if version.contains('/') { "apis" } else { "api" };
    let place = if CLUSTER_WIDE.contains(&kind) {
        ""
    } else {
        "namespaces/default/"
    };
    let plural = match kind.to_lowercase() {
        kind if kind == "endpoints" => kind,
        kind if kind.ends_with('s') => format!("{kind}es"),
        kind if kind.ends_with("cy") => format!("{}ies", kind.trim_end_matches('y')),
        kind => format!("{kind}s"),
    };
    format!("/{root}/{version}/{place}{plural}?dryRun=All&fieldManager=record&fieldValidation=Ignore")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn masked(mut answer: Value) -> Value {
    for set_there in ["uid", "creationTimestamp", "resourceVersion", "managedFields"] {
        answer["metadata"]
            .as_object_mut()
            .map(|metadata| metadata.remove(set_there));
    }
    let mut text = answer.to_string();
    for (pattern, mask) in MASKS {
        text = Regex::new(pattern)
            .expect("a pattern")
            .replace_all(&text, mask)
            .into_owned();
    }
    serde_json::from_str(&text).unwrap_or_else(|_| json!(text))
}
