//! What the parts of the cluster tell about what they do.

use serde_json::{Value, json};

use crate::{
    api::{Api, object::Meta as _, write::Write},
    clock::seconds,
};

/// Who tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Teller<'a> {
    /// The component, as `kubelet`.
    pub(crate) component: &'a str,
    /// The node that it is on, where it is on one.
    pub(crate) host: &'a str,
}

impl Teller<'_> {
    /// Tells that all is well.
    pub(crate) fn normal(&self, api: &Api, about: &Value, reason: &str, message: &str) {
        self.tell(api, about, "", "Normal", reason, message);
    }

    /// Tells that something is wrong.
    pub(crate) fn warning(&self, api: &Api, about: &Value, reason: &str, message: &str) {
        self.tell(api, about, "", "Warning", reason, message);
    }

    /// Tells of an object, or of the part of it that `path` names (`spec.containers{web}`). What was told before,
    /// word for word, is counted.
    pub(crate) fn tell(&self, api: &Api, about: &Value, path: &str, sort: &str, reason: &str, message: &str) {
        let Ok(kind) = api.kind("events") else {
            return;
        };
        let namespace = match about.namespace() {
            "" => "default",
            namespace => namespace,
        };
        let now = seconds(api.clock.now());
        let how = Write::by(self.component);
        let same = api.all("events", Some(namespace)).into_iter().find(|event| {
            event["involvedObject"]["uid"] == about["metadata"]["uid"]
                && event["involvedObject"]["fieldPath"].as_str().unwrap_or_default() == path
                && event["reason"] == reason
                && event["message"] == message
                && event["source"]["component"] == self.component
        });
        // An event that cannot be written (its namespace is going) is lost, as on a real cluster.
        if let Some(event) = same {
            drop(api.change(&kind, namespace, event.name(), &how, |event| {
                let mut event = event.clone();
                event["count"] = json!(event["count"].as_i64().unwrap_or(1) + 1);
                event["lastTimestamp"] = json!(now);
                Ok(event)
            }));
            return;
        }
        let mut object = json!({
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "name": about.name(),
            "uid": about.uid(),
            "resourceVersion": about["metadata"]["resourceVersion"],
        });
        if !about.namespace().is_empty() {
            object["namespace"] = json!(namespace);
        }
        if !path.is_empty() {
            object["fieldPath"] = json!(path);
        }
        let mut source = json!({"component": self.component});
        if !self.host.is_empty() {
            source["host"] = json!(self.host);
        }
        let event = json!({
            "metadata": {"name": format!("{}.{}", about.name(), api.suffix(16))},
            "involvedObject": object,
            "reason": reason,
            "message": message,
            "source": source,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "type": sort,
            "eventTime": null,
            "reportingComponent": self.component,
            "reportingInstance": self.host,
        });
        drop(api.create(&kind, namespace, event, &how));
    }
}
