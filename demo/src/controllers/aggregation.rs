//! Cluster roles that are made of others (`aggregationRule`).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Controller, work::Work};
use crate::api::{
    Api,
    object::Meta as _,
    selector::selects,
    store::{Change, Key},
};

const ROLES: &str = "clusterroles.rbac.authorization.k8s.io";
const SELECTORS: &str = "/aggregationRule/clusterRoleSelectors";

/// Gives each cluster role that is made of others the rules of those, in the order of their names.
pub(crate) struct Aggregation;

impl Controller for Aggregation {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        if &*change.key.resource != ROLES {
            return vec![];
        }
        let mut made = api.all(ROLES, None);
        made.retain(|role| !role.list(SELECTORS).is_empty());
        made.iter().map(|role| Key::new(ROLES, "", role.name())).collect()
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let role = Work::on(api, "clusterrole-aggregation-controller", key)?;
        let mut rules: Vec<Value> = Vec::new();
        let selectors = role.list(SELECTORS);
        for part in api.all(ROLES, None) {
            if part.name() != role.name() && selectors.iter().any(|selector| selects(selector, &part)) {
                let new: Vec<_> = part
                    .list("/rules")
                    .iter()
                    .filter(|rule| !rules.contains(rule))
                    .cloned()
                    .collect();
                rules.extend(new);
            }
        }
        if role.list("/rules") != rules {
            drop(role.update(&role, |role| role["rules"] = json!(rules)));
        }
        None
    }
}
