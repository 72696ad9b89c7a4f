//! Kinds that every cluster serves, known without discovery.

use crate::cluster::Resource;

/// `("apps", "Deployment")` and the like: everything whose path an operation needs before anyone named a kind.
/// Their versions have been stable for longer than any API server in support.
macro_rules! builtin {
    ($($(#[$doc:meta])* $name:ident: $group:literal $kind:literal $plural:literal $namespaced:literal;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name() -> Resource {
            Resource {
                group: $group.to_owned(),
                version: "v1".to_owned(),
                kind: $kind.to_owned(),
                plural: $plural.to_owned(),
                singular: $kind.to_ascii_lowercase(),
                short_names: Vec::new(),
                namespaced: $namespaced,
                verbs: ["get", "list", "watch", "patch", "delete"].map(str::to_owned).to_vec(),
                subresources: Vec::new(),
                categories: Vec::new(),
            }
        }
    )*};
}

builtin! {
    pods: "" "Pod" "pods" true;
    namespaces: "" "Namespace" "namespaces" false;
    nodes: "" "Node" "nodes" false;
    events: "" "Event" "events" true;
    services: "" "Service" "services" true;
    config_maps: "" "ConfigMap" "configmaps" true;
    secrets: "" "Secret" "secrets" true;
    claims: "" "PersistentVolumeClaim" "persistentvolumeclaims" true;
    deployments: "apps" "Deployment" "deployments" true;
    stateful_sets: "apps" "StatefulSet" "statefulsets" true;
    daemon_sets: "apps" "DaemonSet" "daemonsets" true;
    replica_sets: "apps" "ReplicaSet" "replicasets" true;
    controller_revisions: "apps" "ControllerRevision" "controllerrevisions" true;
    jobs: "batch" "Job" "jobs" true;
    cron_jobs: "batch" "CronJob" "cronjobs" true;
    ingresses: "networking.k8s.io" "Ingress" "ingresses" true;
}
