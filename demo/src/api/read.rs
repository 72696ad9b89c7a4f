//! Reading: one object, or all.

use std::sync::Arc;

use http::Response;

use super::{
    front::{Asked, Body},
    kinds::Kind,
    object::Object,
    present,
    route::Target,
    server::Api,
    status::{Failure, Result},
    store::Key,
};

/// `GET` of one.
pub(crate) fn get(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let object = api.get(&target.kind, target.place(), target.name())?;
    present::one(api, asked, target, 200, &object)
}

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
        self.store.all(resource, namespace)
    }
}
