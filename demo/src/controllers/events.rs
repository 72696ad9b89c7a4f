//! What the parts of the cluster tell about what they do.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Controller;
use crate::{
    api::{
        Api,
        object::Meta as _,
        store::{Change, Key},
        write::Write,
    },
    clock::{micros, seconds},
};

/// How long an event is kept after it was last told.
const KEPT: Duration = Duration::from_hours(1);

/// Who tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Teller<'a> {
    /// The component, as `kubelet`.
    pub(crate) component: &'a str,
    /// The node that it is on, where it is on one.
    pub(crate) host: &'a str,
}

/// What is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct News<'a> {
    /// Whether something is wrong.
    pub(crate) warns: bool,
    /// The part of the object that it is about, as `spec.containers{web}`; empty for all of it.
    pub(crate) path: &'a str,
    /// As `BackOff`.
    pub(crate) reason: &'a str,
    /// In words.
    pub(crate) message: &'a str,
    /// How often it happened since it was told last.
    pub(crate) times: u64,
    /// What was being done, as `Binding`, where the event is of the newer form (`events.k8s.io`).
    pub(crate) action: &'a str,
}

/// The events that are there, by what they tell: object, path, reason, message, component.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<HashMap<String, String>>);

impl Teller<'_> {
    /// Tells that all is well.
    pub(crate) fn normal(&self, api: &Api, about: &Value, reason: &str, message: &str) {
        self.tell(api, about, News::new(false, reason, message));
    }

    /// Tells that something is wrong.
    pub(crate) fn warning(&self, api: &Api, about: &Value, reason: &str, message: &str) {
        self.tell(api, about, News::new(true, reason, message));
    }

    /// Tells of an object. What was told before, word for word, is counted.
    pub(crate) fn tell(&self, api: &Api, about: &Value, news: News<'_>) {
        let Ok(kind) = api.kind("events") else {
            return;
        };
        let namespace = match about.namespace() {
            "" => "default",
            namespace => namespace,
        };
        let now = api.clock.now();
        let how = Write::by(self.component);
        let content = content(about.uid(), news.path, news.reason, news.message, self.component);
        // An event that cannot be written (its namespace is going) is lost, as on a real cluster.
        let told = api.told.names().get(&content).cloned();
        if let Some(name) = told
            && api
                .change(&kind, namespace, &name, &how, |event| {
                    Ok(again(event, now, news.times))
                })
                .is_ok()
        {
            return;
        }
        let mut object = json!({
            "kind": about["kind"], "name": about.name(), "uid": about.uid(), "apiVersion": about["apiVersion"],
            "resourceVersion": about["metadata"]["resourceVersion"],
        });
        for (field, text) in [("namespace", about.namespace()), ("fieldPath", news.path)] {
            if !text.is_empty() {
                object[field] = json!(text);
            }
        }
        // Names are times, as on a real cluster, and differ although time stands still.
        let salt = api.store.revision() % 1_000_000;
        let name = format!("{}.{:x}", about.name(), now.as_nanosecond() + i128::from(salt));
        let mut event = json!({
            "metadata": {"name": name},
            "involvedObject": object,
            "reason": news.reason,
            "message": news.message,
            "type": if news.warns { "Warning" } else { "Normal" },
            "reportingComponent": self.component,
        });
        if news.action.is_empty() {
            event["source"] = json!({"component": self.component});
            if !self.host.is_empty() {
                event["source"]["host"] = json!(self.host);
            }
            event["firstTimestamp"] = json!(seconds(now));
            event["lastTimestamp"] = json!(seconds(now));
            event["count"] = json!(news.times);
            event["eventTime"] = Value::Null;
            event["reportingInstance"] = json!(self.host);
        } else {
            event["source"] = json!({});
            event["firstTimestamp"] = Value::Null;
            event["lastTimestamp"] = Value::Null;
            event["eventTime"] = json!(micros(now));
            event["action"] = json!(news.action);
            event["reportingInstance"] = json!(format!("{}-demo", self.component));
        }
        if api.create(&kind, namespace, event, &how).is_ok() {
            api.told.names().insert(content, name);
        }
    }
}

impl<'a> News<'a> {
    /// Something that happened once to all of an object.
    pub(crate) fn new(warns: bool, reason: &'a str, message: &'a str) -> Self {
        Self {
            warns,
            path: "",
            reason,
            message,
            times: 1,
            action: "",
        }
    }
}

/// What makes two events the same.
fn content(uid: &str, path: &str, reason: &str, message: &str, component: &str) -> String {
    [uid, path, reason, message, component].join("\n")
}

/// An event that is told again.
fn again(event: &Value, now: Timestamp, times: u64) -> Value {
    let mut event = event.clone();
    if event["eventTime"].is_null() {
        event["count"] = json!(event["count"].as_u64().unwrap_or(1) + times);
        event["lastTimestamp"] = json!(seconds(now));
    } else {
        let count = event["series"]["count"].as_u64().unwrap_or(1) + times;
        event["series"] = json!({"count": count, "lastObservedTime": micros(now)});
    }
    event
}

impl Told {
    fn names(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops events an hour after they were last told.
pub(crate) struct Expiry;

impl Controller for Expiry {
    fn affected(&self, _api: &Api, change: &Change) -> Vec<Key> {
        match (&*change.key.resource, &change.now) {
            ("events", Some(_)) => vec![change.key.clone()],
            _ => vec![],
        }
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let kind = api.kind("events").ok()?;
        let event = api.get(&kind, &key.namespace, &key.name).ok()?;
        let last = [
            "/series/lastObservedTime",
            "/lastTimestamp",
            "/eventTime",
            "/metadata/creationTimestamp",
        ]
        .into_iter()
        .find_map(|pointer| event.text(pointer).parse::<Timestamp>().ok())?;
        let end = last + KEPT;
        if end > api.clock.now() {
            return Some(end);
        }
        api.told.names().remove(&content(
            event.text("/involvedObject/uid"),
            event.text("/involvedObject/fieldPath"),
            event.text("/reason"),
            event.text("/message"),
            event.text("/reportingComponent"),
        ));
        drop(api.delete(
            &kind,
            &key.namespace,
            &key.name,
            &Value::Null,
            &Write::by("apiserver"),
        ));
        None
    }
}
