//! Deleting.

use std::sync::Arc;

use http::Response;
use serde_json::Value;

use super::{
    front::{Asked, Body},
    kinds::Kind,
    object::Object,
    present,
    route::Target,
    server::Api,
    status::{Failure, Result},
    store::{Key, Outcome},
    write::{Write, preconditions},
};

/// `DELETE` of one.
pub(crate) fn delete(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let options = match asked.body.is_empty() {
        true => Value::Null,
        false => asked.object()?,
    };
    let how = asked.write(target);
    let object = api.delete(&target.kind, target.place(), target.name(), &options, &how)?;
    present::one(api, asked, target, 200, &object)
}

impl Api {
    /// Deletes an object as `DeleteOptions` say.
    ///
    /// # Errors
    /// 404; 409 if it is not the one that the preconditions name.
    pub(crate) fn delete(
        &self,
        kind: &Kind,
        namespace: &str,
        name: &str,
        options: &Value,
        how: &Write,
    ) -> Result<Arc<Object>> {
        let key = Key::new(&kind.resource(), namespace, name);
        let named = &options["preconditions"];
        if how.dry_run {
            return self.get(kind, namespace, name);
        }
        self.store.write(&key, |before| {
            let before = before.ok_or_else(|| Failure::not_found(kind, name))?;
            preconditions(
                kind,
                before,
                Some((named.get("uid"), named.get("resourceVersion"))),
            )?;
            Ok(Outcome::Remove)
        })
    }
}
