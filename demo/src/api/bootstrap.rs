//! What every cluster has from its first moment.

use serde_json::Value;

use super::{Api, kinds::Kind, object::Meta as _, write::Write};

/// The roles and bindings that a real API server makes; `data/refresh` writes it.
const RIGHTS: &str = include_str!("../../data/rbac.json");
/// The rest.
const OTHERS: &str = include_str!("../../data/bootstrap.yaml");

/// Makes it all.
pub(crate) fn load(api: &Api) {
    let others: Vec<Value> = serde_yaml::from_str(OTHERS).expect("bootstrap.yaml is a list of objects");
    let rights: Vec<Value> = serde_json::from_str(RIGHTS).expect("rbac.json is as `data/refresh` writes it");
    let how = Write::by("kube-apiserver");
    for object in others.into_iter().chain(rights) {
        let kind = api
            .kinds()
            .of(object.text("/apiVersion"), object.text("/kind"))
            .cloned();
        let kind: &Kind = &kind.expect("the bootstrap objects are of built-in kinds");
        let namespace = object.namespace().to_owned();
        if let Err(failure) = api.create(kind, &namespace, object, &how) {
            tracing::error!(?failure, "an object that every cluster has could not be made");
        }
    }
}
