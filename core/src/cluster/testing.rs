//! An API server that answers from a script, behind the same layers as a real one: operations' unit tests run
//! against it without a cluster.
//!
//! ```ignore
//! let server = Script::new().on("GET", "/api/v1/namespaces/default/pods/web", json!({…}));
//! let cx = server.cx(Access::Read);
//! …
//! assert_eq!(server.requests()[0].path, "/api/v1/namespaces/default/pods/web");
//! ```

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use tower::{BoxError, util::BoxCloneSyncService};

use super::{
    Cluster, Clusters, Grant,
    connect::{RequestBody, ResponseBody, box_body},
};
use crate::{
    Error,
    call::{Access, Binding, Call, Caller, CodeError, Codes, Consent, Cx, Progress, ServerCx},
    config::Config,
};

/// A request as the scripted server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The HTTP method.
    pub(crate) method: String,
    /// The path, decoded.
    pub(crate) path: String,
    /// The query, decoded.
    pub(crate) query: BTreeMap<String, String>,
    /// The headers.
    pub(crate) headers: http::HeaderMap,
    /// The body; null if there is none.
    pub(crate) body: Value,
}

/// What is answered to what.
#[derive(Debug)]
struct Route {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    /// In order; the last one stays.
    answers: VecDeque<Answer>,
}

#[derive(Clone, Debug)]
struct Answer {
    after: Duration,
    status: StatusCode,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
    /// Whether the connection stays open after the body.
    stays_open: bool,
}

#[derive(Debug, Default)]
struct State {
    routes: Vec<Route>,
    seen: Vec<Seen>,
    /// Lives as long in each answer that stays open.
    open: Arc<()>,
}

/// A scripted API server. It knows discovery of the usual kinds and of `widgets.example.com`; everything else has
/// to be scripted, and what is not is an error that says so. Clones share their script.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    state: Arc<Mutex<State>>,
    config: Config,
}

impl Script {
    /// A server that knows discovery only.
    pub(crate) fn new() -> Self {
        let script = Self::bare();
        let (core, groups) = discovery();
        script.on("GET", "/api", core).on("GET", "/apis", groups)
    }

    /// A server that knows nothing.
    pub(crate) fn bare() -> Self {
        Self {
            state: Arc::default(),
            config: Config::default(),
        }
    }

    /// Uses this configuration for its clusters.
    pub(crate) fn with_config(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Answers a request with 200 and this JSON. A target may name query parameters, which have to be there then;
    /// the route with the most wins. The same target again is what is answered the next time.
    pub(crate) fn on(self, method: &str, target: &str, body: Value) -> Self {
        self.answer(
            method,
            target,
            StatusCode::OK,
            Vec::new(),
            body.to_string().into(),
        )
    }

    /// Answers with another status; the body is its Status object, made of reason and message.
    pub(crate) fn fails(self, method: &str, target: &str, code: u16, reason: &str, message: &str) -> Self {
        self.fails_with(method, target, code, reason, message, &json!(null))
    }

    /// The same with the Status's `details`.
    pub(crate) fn fails_with(
        self,
        method: &str,
        target: &str,
        code: u16,
        reason: &str,
        message: &str,
        details: &Value,
    ) -> Self {
        let body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "code": code, "reason": reason, "message": message, "details": details,
        });
        let status = StatusCode::from_u16(code).expect("a status code");
        self.answer(method, target, status, Vec::new(), body.to_string().into())
    }

    /// Answers with a text: a log, or a proxy's page.
    pub(crate) fn text(self, method: &str, target: &str, code: u16, body: &str) -> Self {
        let status = StatusCode::from_u16(code).expect("a status code");
        self.answer(method, target, status, Vec::new(), body.to_owned().into())
    }

    /// Answers a GET with this JSON, but not soon.
    pub(crate) fn slowly(self, path: &str, after: Duration, body: Value) -> Self {
        let script = self.on("GET", path, body);
        let mut state = script.state();
        let route = state.routes.iter_mut().find(|route| route.path == path);
        if let Some(answer) = route.and_then(|route| route.answers.back_mut()) {
            answer.after = after;
        }
        drop(state);
        script
    }

    /// Answers with a Table of these columns and rows, whatever Table is asked for.
    pub(crate) fn table(self, target: &str, columns: &[&str], rows: &[&[&str]]) -> Self {
        let columns: Vec<_> = columns
            .iter()
            .map(|name| json!({"name": name, "type": "string", "priority": 0}))
            .collect();
        let rows: Vec<_> = rows.iter().map(|cells| json!({"cells": cells})).collect();
        self.on(
            "GET",
            target,
            json!({"kind": "Table", "columnDefinitions": columns, "rows": rows}),
        )
    }

    /// Answers a watch with these events. The connection then ends, or stays open without a further word.
    pub(crate) fn watch(self, target: &str, events: &[(&str, Value)], stays_open: bool) -> Self {
        let lines = events
            .iter()
            .map(|(kind, object)| json!({"type": kind, "object": object}));
        let body: String = lines.map(|line| format!("{line}\n")).collect();
        let answer = Answer {
            status: StatusCode::OK,
            headers: Vec::new(),
            body: body.into(),
            stays_open,
            after: Duration::ZERO,
        };
        self.route("GET", target, answer)
    }

    /// How many answers that stay open have not been dropped yet.
    pub(crate) fn open_watches(&self) -> usize {
        Arc::strong_count(&self.state().open) - 1
    }

    /// Answers with everything said.
    pub(crate) fn answer(
        self,
        method: &str,
        target: &str,
        status: StatusCode,
        headers: Vec<(&'static str, String)>,
        body: Bytes,
    ) -> Self {
        let answer = Answer {
            after: Duration::ZERO,
            status,
            headers,
            body,
            stays_open: false,
        };
        self.route(method, target, answer)
    }

    fn route(self, method: &str, target: &str, answer: Answer) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = pairs(query);
        {
            let mut state = self.state();
            let known = state
                .routes
                .iter_mut()
                .find(|route| route.method == method && route.path == path && route.query == query);
            match known {
                Some(route) => route.answers.push_back(answer),
                None => state.routes.push(Route {
                    method: method.to_owned(),
                    path: path.to_owned(),
                    query,
                    answers: VecDeque::from([answer]),
                }),
            }
        }
        self
    }

    /// What was asked so far, discovery left out.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        let seen = self.state().seen.clone();
        seen.into_iter()
            .filter(|seen| seen.path != "/api" && seen.path != "/apis")
            .collect()
    }

    /// What was asked so far.
    pub(crate) fn all_requests(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// A cluster called `test` over it.
    pub(crate) fn cluster(&self) -> Arc<Cluster> {
        Arc::new(self.named("test"))
    }

    /// Clusters of these names over it, the first the default.
    pub(crate) fn clusters(&self, names: &[&str]) -> Arc<Clusters> {
        let clusters = names.iter().map(|name| self.named(name)).collect();
        let default = names.first().map(|name| (*name).to_owned());
        Arc::new(Clusters::of(clusters, default, None))
    }

    /// A call of an operation whose declared access is this, in guarded mode.
    pub(crate) fn cx(&self, access: Access) -> Cx {
        self.cx_with(access, |_| {})
    }

    /// The same with changes to the call.
    pub(crate) fn cx_with(&self, access: Access, change: impl FnOnce(&mut Call)) -> Cx {
        let mut call = call(&self.config);
        change(&mut call);
        Cx::new(self.cluster(), Arc::new(call), access)
    }

    /// A call of an operation that needs no cluster.
    pub(crate) fn server_cx(&self, names: &[&str]) -> ServerCx {
        ServerCx::new(self.clusters(names), Arc::new(call(&self.config)))
    }

    fn named(&self, name: &str) -> Cluster {
        let script = self.clone();
        let service = tower::service_fn(move |request| {
            let script = script.clone();
            async move { script.reply(request).await }
        });
        Cluster::scripted(name, BoxCloneSyncService::new(service), &self.config)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn reply(&self, request: Request<RequestBody>) -> Result<Response<ResponseBody>, BoxError> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let path = percent_encoding::percent_decode_str(head.uri.path())
            .decode_utf8()?
            .into_owned();
        let seen = Seen {
            method: head.method.to_string(),
            path,
            query: pairs(head.uri.query().unwrap_or_default()),
            headers: head.headers,
            body: serde_json::from_slice(&body).unwrap_or_default(),
        };
        let answer = self.find(&seen);
        self.state().seen.push(seen.clone());
        let Some(answer) = answer else {
            return Err(Error::internal(format!(
                "the scripted API server does not expect {} {} {:?}",
                seen.method, seen.path, seen.query
            ))
            .into());
        };
        tokio::time::sleep(answer.after).await;
        let body = match answer.stays_open {
            true => {
                let open = self.state().open.clone();
                let rest = stream::pending().inspect(move |_: &Result<_, BoxError>| _ = &open);
                let first = stream::iter([Ok(Frame::data(answer.body))]);
                box_body(StreamBody::new(first.chain(rest)))
            }
            false => box_body(Full::new(answer.body)),
        };
        let mut response = Response::new(body);
        *response.status_mut() = answer.status;
        for (name, value) in answer.headers {
            response
                .headers_mut()
                .append(name, HeaderValue::from_str(&value)?);
        }
        Ok(response)
    }

    fn find(&self, seen: &Seen) -> Option<Answer> {
        let mut state = self.state();
        let route = state
            .routes
            .iter_mut()
            .filter(|route| route.method == seen.method && route.path == seen.path)
            .filter(|route| {
                route
                    .query
                    .iter()
                    .all(|(key, value)| seen.query.get(key) == Some(value))
            })
            .max_by_key(|route| route.query.len())?;
        match route.answers.len() {
            1 => route.answers.front().cloned(),
            _ => route.answers.pop_front(),
        }
    }
}

/// A grant that lasts a while.
pub(crate) fn grant(access: Access) -> Grant {
    Grant {
        access,
        dry_run: false,
        deadline: Instant::now() + Duration::from_secs(20),
        cancel: CancellationToken::new(),
    }
}

fn call(config: &Config) -> Call {
    Call {
        caller: Caller {
            id: "test".to_owned(),
            client: "test".to_owned(),
        },
        tool: "test".to_owned(),
        arguments: Map::new(),
        mode: config.access.mode,
        always_confirm: false,
        dry_run: false,
        confirm: None,
        consent: Consent::Code,
        deadline: Instant::now() + Duration::from_secs(20),
        cancel: CancellationToken::new(),
        progress: Arc::new(Silent),
        codes: Arc::new(OneCode::default()),
        redactor: Arc::new(crate::output::Redactor::new(false)),
    }
}

struct Silent;

impl Progress for Silent {
    fn report(&self, _: f64, _: Option<f64>, _: &str) {}
}

/// Remembers the last binding under one code.
#[derive(Default)]
struct OneCode(Mutex<Option<Binding>>);

impl Codes for OneCode {
    fn issue(&self, binding: Binding) -> String {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(binding);
        "CODE".to_owned()
    }

    fn redeem(&self, code: &str, binding: &Binding) -> Result<(), CodeError> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match kept {
            Some(kept) if code == "CODE" && kept == *binding => Ok(()),
            Some(kept) if code == "CODE" && kept.plan != binding.plan => Err(CodeError::Plan),
            _ => Err(CodeError::Unknown),
        }
    }
}

fn pairs(query: &str) -> BTreeMap<String, String> {
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}

/// The aggregated discovery documents of the core group and of the others.
pub(crate) fn discovery() -> (Value, Value) {
    let core = [
        (
            "namespaces",
            "Namespace",
            &["ns"][..],
            false,
            &["finalize", "status"][..],
        ),
        ("nodes", "Node", &["no"], false, &["proxy", "status"]),
        (
            "pods",
            "Pod",
            &["po"],
            true,
            &["exec", "log", "eviction", "status"],
        ),
        ("services", "Service", &["svc"], true, &["proxy", "status"]),
        ("configmaps", "ConfigMap", &["cm"], true, &[]),
        ("secrets", "Secret", &[], true, &[]),
        ("events", "Event", &["ev"], true, &[]),
        ("serviceaccounts", "ServiceAccount", &["sa"], true, &["token"]),
        (
            "persistentvolumeclaims",
            "PersistentVolumeClaim",
            &["pvc"],
            true,
            &["status"],
        ),
    ];
    let apps = [
        (
            "deployments",
            "Deployment",
            &["deploy"][..],
            true,
            &["scale", "status"][..],
        ),
        ("replicasets", "ReplicaSet", &["rs"], true, &["scale", "status"]),
        (
            "statefulsets",
            "StatefulSet",
            &["sts"],
            true,
            &["scale", "status"],
        ),
        ("daemonsets", "DaemonSet", &["ds"], true, &["status"]),
    ];
    let batch = [
        ("jobs", "Job", &[][..], true, &["status"][..]),
        ("cronjobs", "CronJob", &["cj"], true, &["status"]),
    ];
    let events = [("events", "Event", &["ev"][..], true, &[][..])];
    let custom = [("widgets", "Widget", &["wd"][..], true, &["status"][..])];
    let metrics = [("pods", "PodMetrics", &[][..], true, &[][..])];
    (
        groups(&[("", "v1", &core)]),
        groups(&[
            ("apps", "v1", &apps),
            ("batch", "v1", &batch),
            ("events.k8s.io", "v1", &events),
            ("example.com", "v1", &custom),
            ("metrics.k8s.io", "v1beta1", &metrics),
        ]),
    )
}

type Kind<'a> = (&'a str, &'a str, &'a [&'a str], bool, &'a [&'a str]);

fn groups(groups: &[(&str, &str, &[Kind<'_>])]) -> Value {
    let items: Vec<_> = groups
        .iter()
        .map(|(group, version, kinds)| {
            let resources: Vec<_> = kinds
                .iter()
                .map(|(plural, kind, shorts, namespaced, subresources)| {
                    let subresources: Vec<_> =
                        subresources.iter().map(|name| json!({"subresource": name, "verbs": ["get"]})).collect();
                    json!({
                        "resource": plural,
                        "responseKind": {"group": group, "version": version, "kind": kind},
                        "scope": if *namespaced { "Namespaced" } else { "Cluster" },
                        "singularResource": kind.to_lowercase(),
                        "shortNames": shorts,
                        "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
                        "categories": if *group == "apps" { json!(["all"]) } else { json!([]) },
                        "subresources": subresources,
                    })
                })
                .collect();
            json!({
                "metadata": {"name": group},
                "versions": [{"version": version, "freshness": "Current", "resources": resources}],
            })
        })
        .collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        call::{Plan, Stop},
        cluster::{Include, ListQuery, TableView},
    };

    #[tokio::test]
    async fn what_is_not_scripted_is_told() {
        let server = Script::new().table("/api/v1/namespaces/shop/pods", &["Name"], &[&["web"]]);
        let cx = server.cx(Access::Read);
        let pods = cx.cluster().resolve("po", grant(Access::Read)).await.unwrap();
        let list = async |namespace| {
            cx.client()
                .table(&pods, Some(namespace), &ListQuery::default(), Include::None)
                .await
        };
        let bytes = list("shop").await.unwrap();
        let table: TableView<'_> = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(table.rows.len(), 1);
        let error = list("other").await.unwrap_err();
        assert!(
            error
                .message
                .contains("does not expect GET /api/v1/namespaces/other/pods"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn consent_can_be_scripted_too() {
        let server = Script::new();
        let asked = server
            .cx(Access::Destructive)
            .approve(Plan::default())
            .await
            .unwrap_err();
        assert!(matches!(asked, Stop::Planned(_)));
        let rehearsed = server
            .cx_with(Access::Write, |call| call.dry_run = true)
            .approve(Plan::default())
            .await;
        assert!(matches!(rehearsed, Err(Stop::Planned(_))));
        let names = server.server_cx(&["b", "a"]);
        assert_eq!(names.clusters().names(), ["b", "a"]);
    }
}
