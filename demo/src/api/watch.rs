//! Watching: what is there, if it is asked for, and then each change as it comes.
//!
//! A watch is a place in the store's log; nobody keeps anything for those who watch.

use std::{convert::Infallible, sync::Arc, vec};

use bytes::Bytes;
use futures::stream;
use http::Response;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::watch::Receiver;

use super::{
    front::{Asked, Body, json_response},
    list::{number, revision},
    object::Object,
    present::Form,
    query::Selection,
    route::Target,
    server::Api,
    status::{Failure, Result},
    store::{Change, Page},
};

/// How many objects or changes are told at once.
const AT_ONCE: usize = 500;
/// How often a watch that is told nothing is told the revision.
const BOOKMARKS: SignedDuration = SignedDuration::from_mins(1);
/// How long a watch lasts whose client does not say.
const LASTS: SignedDuration = SignedDuration::from_mins(30);

/// `GET` of what becomes of many.
pub(crate) fn watch(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let parameters = &asked.parameters;
    let form = Form::of(asked, target)?;
    let selection = Selection::of(&target.served, parameters)?;
    let begins = revision(parameters)?;
    let initial = parameters
        .get("sendInitialEvents")
        .map(|_| parameters.flag("sendInitialEvents"));
    let bookmarks = parameters.flag("allowWatchBookmarks");
    let lasts = number(parameters, "timeoutSeconds")?
        .filter(|seconds| *seconds > 0)
        .map_or(LASTS, SignedDuration::from_secs);
    let current = api.store.revision();
    let resource = target.kind.resource();
    let namespace = target.namespace.clone();
    let everything = Page {
        resource: &resource,
        namespace: namespace.as_deref(),
        after: None,
        at: None,
        limit: usize::MAX,
    };
    let found = api
        .store
        .page(&everything, Some(&|object| selection.selects(object)))
        .filter(|_| initial.unwrap_or(begins.is_none()));
    let now = api.clock.now();
    let watch = Watch {
        after: found
            .as_ref()
            .map_or(begins.unwrap_or(current), |found| found.revision),
        first: found.map_or_else(Vec::new, |found| found.objects).into_iter(),
        end_of_first: initial == Some(true) && bookmarks,
        columns: true,
        revisions: api.store.revisions(),
        bookmark: bookmarks.then(|| now.saturating_add(BOOKMARKS).unwrap_or(Timestamp::MAX)),
        ends: now.saturating_add(lasts).unwrap_or(Timestamp::MAX),
        over: false,
        api: api.clone(),
        form,
        selection,
        resource,
        namespace,
    };
    let events = stream::unfold(watch, |mut watch| async {
        let told = watch.next().await?;
        Some((Ok::<_, Infallible>(Frame::data(Bytes::from(told))), watch))
    });
    let mut response = json_response(200, Bytes::new());
    *response.body_mut() = StreamBody::new(events).boxed_unsync();
    Ok(response)
}

/// A client that watches.
struct Watch {
    api: Arc<Api>,
    form: Form,
    selection: Selection,
    resource: String,
    namespace: Option<String>,
    /// What was there at the beginning and is yet to be told.
    first: vec::IntoIter<Arc<Object>>,
    /// Whether it is to be told where that ends.
    end_of_first: bool,
    /// The revision up to which it has been told everything.
    after: u64,
    /// Whether the columns of a Table are yet to be told.
    columns: bool,
    revisions: Receiver<u64>,
    /// When it is told the revision next, if it wants to be.
    bookmark: Option<Timestamp>,
    ends: Timestamp,
    over: bool,
}

impl Watch {
    /// What there is to tell, as soon as there is something; `None` at the end.
    async fn next(&mut self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        while !self.over {
            let more = self.tell(&mut out);
            if !out.is_empty() {
                return Some(out);
            }
            if more {
                continue;
            }
            let until = self
                .bookmark
                .map_or(self.ends, |bookmark| bookmark.min(self.ends));
            let api = &self.api;
            tokio::select! {
                () = api.stop.cancelled() => self.over = true,
                () = api.clock.reach(until) => {}
                changed = self.revisions.changed() => self.over = changed.is_err(),
            }
        }
        None
    }

    /// Tells some of what there is to tell. Gives whether there may be more.
    fn tell(&mut self, out: &mut Vec<u8>) -> bool {
        let mut first = self.first.by_ref().take(AT_ONCE).collect::<Vec<_>>().into_iter();
        if let Some(object) = first.next() {
            self.event(out, "ADDED", &object);
            first.for_each(|object| self.event(out, "ADDED", &object));
            return true;
        }
        let now = self.api.clock.now();
        if std::mem::take(&mut self.end_of_first) {
            self.mark(out, json!({"k8s.io/initial-events-end": "true"}));
        }
        self.revisions.borrow_and_update();
        let Some(changes) = self.api.store.changes(self.after, AT_ONCE) else {
            let (after, oldest) = (self.after, self.api.store.oldest());
            let expired = Failure::expired(format!("too old resource version: {after} ({oldest})"));
            wrap(out, "ERROR", expired.to_status().to_string().as_bytes());
            self.over = true;
            return false;
        };
        let more = changes.len() == AT_ONCE;
        for change in changes {
            self.after = change.revision;
            self.change(out, &change);
        }
        self.over = now >= self.ends;
        if self.bookmark.is_some_and(|at| at <= now || self.over) {
            self.mark(out, Value::Null);
            self.bookmark = now.saturating_add(BOOKMARKS).ok();
        }
        more
    }

    /// Tells of a change what it means to who sees the selection only: an object that leaves it is gone, one that enters
    /// it is new.
    fn change(&mut self, out: &mut Vec<u8>, change: &Change) {
        let key = &change.key;
        if *key.resource != *self.resource || self.namespace.as_ref().is_some_and(|own| *own != key.namespace)
        {
            return;
        }
        let sees = |object: &Option<Arc<Object>>| {
            object
                .as_ref()
                .is_some_and(|object| self.selection.selects(object))
        };
        match (sees(&change.before), sees(&change.now), &change.before) {
            (true, false, Some(before)) if change.now.is_some() => {
                let mut last = before.value().clone();
                last["metadata"]["resourceVersion"] = json!(change.revision.to_string());
                let last = Object::managed_by(last, change.revision, before.managed().clone());
                self.event(out, "DELETED", &last);
            }
            (true, false, _) => self.event(out, "DELETED", &change.told),
            (false, true, _) => self.event(out, "ADDED", &change.told),
            (true, true, _) => self.event(out, "MODIFIED", &change.told),
            (false, false, _) => {}
        }
    }

    /// Tells up to which revision everything has been told.
    fn mark(&mut self, out: &mut Vec<u8>, annotations: Value) {
        let mut mark = json!({"metadata": {"resourceVersion": self.after.to_string()}});
        if !annotations.is_null() {
            mark["metadata"]["annotations"] = annotations;
        }
        self.event(out, "BOOKMARK", &Object::new(mark, self.after));
    }

    fn event(&mut self, out: &mut Vec<u8>, sort: &str, object: &Object) {
        let columns = std::mem::take(&mut self.columns);
        wrap(
            out,
            sort,
            &self.form.object(object, self.api.clock.now(), columns),
        );
    }
}

/// One line of the stream.
fn wrap(out: &mut Vec<u8>, sort: &str, object: &[u8]) {
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(sort.as_bytes());
    out.extend_from_slice(b"\",\"object\":");
    out.extend_from_slice(object);
    out.extend_from_slice(b"}\n");
}

#[cfg(test)]
mod tests {
    use http::Request;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        api::{
            access::ADMIN_TOKEN,
            front,
            store::{Key, Outcome},
        },
        clock::Clock,
        kubelet::images::Images,
    };

    async fn get(api: &Arc<Api>, query: &str) -> Value {
        let request = Request::get(format!("/api/v1/configmaps?{query}"))
            .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
            .body(Bytes::new())
            .expect("a request");
        let body = front::respond(api, request).await.into_body();
        serde_json::from_slice(&body.collect().await.expect("a body").to_bytes()).expect("one object")
    }

    #[tokio::test]
    async fn who_fell_behind_the_log_has_to_list_again() {
        let api = Arc::new(Api::new(Clock::held(Timestamp::UNIX_EPOCH), Images::default(), 1));
        let put = |name: &str, number: usize| {
            let object =
                json!({"metadata": {"namespace": "a", "name": name, "labels": {"n": number.to_string()}}});
            drop(
                api.store
                    .write(&Key::new("configmaps", "a", name), |_| Ok(Outcome::Put(object))),
            );
        };
        put("a", 0);
        put("b", 0);
        let page = get(&api, "limit=1").await;
        (0..40_000).for_each(|number| put("a", number));
        let event = get(&api, "watch=1&resourceVersion=1").await;
        assert_eq!(
            (&event["type"], &event["object"]["code"]),
            (&json!("ERROR"), &json!(410)),
            "{event}"
        );
        let why = event["object"]["message"].as_str().unwrap_or_default();
        assert!(why.starts_with("too old resource version: 1 ("), "{why}");
        let token = page["metadata"]["continue"].as_str().unwrap_or_default();
        let refusal = get(&api, &format!("limit=1&continue={token}")).await;
        assert_eq!(refusal["reason"], "Expired", "{refusal}");
    }
}
