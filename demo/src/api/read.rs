//! Reading: one object, or a list.

use std::sync::Arc;

use super::{
    kinds::Kind,
    object::Object,
    server::Api,
    status::{Failure, Result},
    store::Key,
};

impl Api {
    /// An object.
    ///
    /// # Errors
    /// 404.
    pub(crate) fn get(&self, kind: &Kind, namespace: &str, name: &str) -> Result<Arc<Object>> {
        let key = Key::new(&kind.resource(), namespace, name);
        self.store.get(&key).ok_or_else(|| Failure::not_found(kind, name))
    }

    /// All objects of a resource such as `pods`, of one namespace or of all.
    pub(crate) fn all(&self, resource: &str, namespace: Option<&str>) -> Vec<Arc<Object>> {
        self.store.list(resource, namespace, None).0
    }
}
