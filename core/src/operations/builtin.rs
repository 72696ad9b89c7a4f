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
    api_services: "apiregistration.k8s.io" "APIService" "apiservices" false;
    ingresses: "networking.k8s.io" "Ingress" "ingresses" true;
    ingress_classes: "networking.k8s.io" "IngressClass" "ingressclasses" false;
    endpoint_slices: "discovery.k8s.io" "EndpointSlice" "endpointslices" true;
    budgets: "policy" "PodDisruptionBudget" "poddisruptionbudgets" true;
    service_accounts: "" "ServiceAccount" "serviceaccounts" true;
    volumes: "" "PersistentVolume" "persistentvolumes" false;
    storage_classes: "storage.k8s.io" "StorageClass" "storageclasses" false;
    roles: "rbac.authorization.k8s.io" "Role" "roles" true;
    cluster_roles: "rbac.authorization.k8s.io" "ClusterRole" "clusterroles" false;
    role_bindings: "rbac.authorization.k8s.io" "RoleBinding" "rolebindings" true;
    cluster_role_bindings: "rbac.authorization.k8s.io" "ClusterRoleBinding" "clusterrolebindings" false;
    autoscalers_v1: "autoscaling" "HorizontalPodAutoscaler" "horizontalpodautoscalers" true;
}

/// Autoscalers with their conditions, which `v1` does not have.
pub(super) fn autoscalers() -> Resource {
    Resource {
        version: "v2".to_owned(),
        ..autoscalers_v1()
    }
}
