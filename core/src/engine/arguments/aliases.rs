//! Parameters by another name: kubectl's, the API's, or a peer's.
//!
//! The table is closed and one for all tools; an alias counts only where the tool takes its target. There is none
//! whose meaning could differ (`data`, `spec`, or `labels` on a change).

/// A name without case, `_`, `-` and spaces: `labelSelector`, `label_selector` and `Label-Selector` are one.
pub(crate) fn normal(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Aliases in their normal form, each with the parameters that it may mean, the likeliest first.
const ALIASES: &[(&str, &[&str])] = &[
    ("labelselector", &["selector"]),
    ("matchlabels", &["selector"]),
    ("l", &["selector"]),
    ("ns", &["namespace"]),
    ("context", &["cluster"]),
    ("kubecontext", &["cluster"]),
    ("clustername", &["cluster"]),
    ("podname", &["name"]),
    ("pod", &["name"]),
    ("resourcename", &["name"]),
    ("objectname", &["name"]),
    ("nodename", &["node", "name"]),
    ("resourcetype", &["kind"]),
    ("resourcekind", &["kind"]),
    ("resources", &["kind"]),
    ("resource", &["manifest", "kind"]),
    ("type", &["kind"]),
    ("containername", &["container"]),
    ("c", &["container"]),
    ("taillines", &["tail"]),
    ("lines", &["tail"]),
    ("sinceseconds", &["since"]),
    ("sincetime", &["since"]),
    ("grep", &["include"]),
    ("pattern", &["include"]),
    ("filter", &["where", "include"]),
    ("sortby", &["sort"]),
    ("orderby", &["sort"]),
    ("columns", &["fields"]),
    ("jsonpath", &["fields"]),
    ("format", &["output"]),
    ("outputformat", &["output"]),
    ("o", &["output"]),
    ("maxresults", &["limit"]),
    ("pagesize", &["limit"]),
    ("continue", &["cursor"]),
    ("continuetoken", &["cursor"]),
    ("pagetoken", &["cursor"]),
    ("phase", &["status"]),
    ("for", &["until"]),
    ("condition", &["until"]),
    ("timeoutseconds", &["timeout"]),
    ("graceperiod", &["grace"]),
    ("graceperiodseconds", &["grace"]),
    ("propagationpolicy", &["propagation"]),
    ("cmd", &["command"]),
    ("scale", &["replicas"]),
    ("yaml", &["manifest"]),
    ("manifests", &["manifest"]),
    ("code", &["confirm"]),
];

/// The parameters that `name` may mean as an alias, the likeliest first.
pub(super) fn targets(name: &str) -> &'static [&'static str] {
    let name = normal(name);
    ALIASES
        .iter()
        .find(|(alias, _)| *alias == name)
        .map_or(&[], |(_, targets)| targets)
}

/// Kinds whose name serves as an argument's (`service: checkout`) or stands left of a slash (`deployment/web`):
/// the ones of everyday work. Any other kind left of a slash is looked up in discovery.
const KIND_WORDS: &[&[&str]] = &[
    &["pod", "pods", "po"],
    &["deployment", "deployments", "deploy"],
    &["statefulset", "statefulsets", "sts"],
    &["daemonset", "daemonsets", "ds"],
    &["replicaset", "replicasets", "rs"],
    &["job", "jobs"],
    &["cronjob", "cronjobs", "cj"],
    &["service", "services", "svc"],
    &["ingress", "ingresses", "ing"],
    &["configmap", "configmaps", "cm"],
    &["secret", "secrets"],
    &["node", "nodes", "no"],
    &["persistentvolumeclaim", "persistentvolumeclaims", "pvc"],
    &["persistentvolume", "persistentvolumes", "pv"],
    &["serviceaccount", "serviceaccounts", "sa"],
    &["horizontalpodautoscaler", "horizontalpodautoscalers", "hpa"],
];

/// Whether `word` names an everyday kind.
pub(super) fn is_kind_word(word: &str) -> bool {
    let word = word.to_lowercase();
    KIND_WORDS.iter().any(|forms| forms.contains(&word.as_str()))
}
