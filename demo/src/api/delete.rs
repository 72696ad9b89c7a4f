//! Deleting.

use std::sync::Arc;

use serde_json::Value;

use super::{
    kinds::Kind,
    object::Object,
    server::Api,
    status::{Failure, Result},
    store::{Key, Outcome},
    write::{Write, preconditions},
};

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
