//! A slow API server for tests: a list of pods is answered once as many are asked for as are expected at once, so that
//! what waits without need, or asks for too much, shows in counts and not in times.

use std::{
    convert::Infallible,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, time::timeout};

/// How long anything may take that a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What has been seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Requests under way, of any kind.
    pub(crate) under_way: usize,
    /// The most that ever were.
    pub(crate) most: usize,
    /// Lists of pods that wait for their answer.
    pub(crate) held: usize,
    /// Lists of pods that were let go.
    pub(crate) answered: usize,
    /// How often those held were let go.
    pub(crate) waves: usize,
    /// Lists of pods that their client gave up.
    pub(crate) given_up: usize,
}

/// A running one; its tasks end with the test's runtime.
pub(crate) struct ApiServer {
    url: String,
    state: Arc<State>,
}

struct State {
    counts: watch::Sender<Counts>,
    width: usize,
    total: usize,
    /// Those held wait for the next wave.
    turn: Mutex<()>,
}

impl ApiServer {
    /// Holds lists of pods until `width` are asked for at once, or all that are left of `total`.
    pub(crate) async fn start(width: usize, total: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            counts: watch::Sender::default(),
            width,
            total,
            turn: Mutex::default(),
        });
        let serving = Arc::clone(&state);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let state = Arc::clone(&serving);
                let service = service_fn(move |request| answer(Arc::clone(&state), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { url, state }
    }

    /// Writes a kubeconfig for it.
    pub(crate) fn write_kubeconfig(&self, path: &Path) {
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "slow",
            "clusters": [{"name": "slow", "cluster": {"server": self.url}}],
            "users": [{"name": "slow", "user": {}}],
            "contexts": [{"name": "slow", "context": {"cluster": "slow", "user": "slow"}}],
        });
        std::fs::write(path, config.to_string()).unwrap();
    }

    /// Waits until the counts are so.
    pub(crate) async fn until(&self, so: impl Fn(&Counts) -> bool) -> Counts {
        let mut counts = self.state.counts.subscribe();
        match timeout(PATIENCE, counts.wait_for(|counts| so(counts))).await {
            Ok(counts) => *counts.unwrap(),
            Err(_) => panic!("stuck at {:?}", self.counts()),
        }
    }

    /// What has been seen so far.
    pub(crate) fn counts(&self) -> Counts {
        *self.state.counts.borrow()
    }

    /// Lets go of what is held.
    pub(crate) fn release(&self) {
        self.state.counts.send_modify(Counts::release);
    }
}

impl Counts {
    fn release(&mut self) {
        self.waves += 1;
        self.answered += self.held;
        self.held = 0;
    }
}

/// A request, from its beginning to its end, whichever it is.
struct UnderWay<'a> {
    state: &'a State,
    /// The wave that it waits for.
    waits: Option<usize>,
}

impl<'a> UnderWay<'a> {
    fn new(state: &'a State) -> Self {
        state.counts.send_modify(|counts| {
            counts.under_way += 1;
            counts.most = counts.most.max(counts.under_way);
        });
        Self { state, waits: None }
    }

    /// Waits until enough others do.
    async fn hold(&mut self) {
        let State {
            counts, width, total, ..
        } = self.state;
        let mut wave = 0;
        let mut seen = counts.subscribe();
        let turn = self.state.turn.lock();
        counts.send_modify(|counts| {
            wave = counts.waves;
            counts.held += 1;
            if counts.held == (*width).min(total - counts.answered) {
                counts.release();
            }
        });
        drop(turn);
        self.waits = Some(wave);
        seen.wait_for(|counts| counts.waves > wave).await.unwrap();
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.state.counts.send_modify(|counts| {
            counts.under_way -= 1;
            if self.waits == Some(counts.waves) {
                counts.held -= 1;
                counts.given_up += 1;
            }
        });
    }
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut under_way = UnderWay::new(&state);
    let path = request.uri().path();
    let (status, body) = match path.split('/').collect::<Vec<_>>()[..] {
        ["", "api"] => (200, discovery(&[("", "v1", "pods", "Pod")])),
        ["", "apis"] => (200, discovery(&[])),
        ["", "api", "v1", "namespaces", namespace, "pods"] => {
            under_way.hold().await;
            (200, pods(namespace))
        }
        _ => (
            404,
            json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404,
                   "message": format!("nothing at {path}")}),
        ),
    };
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/json");
    Ok(response.body(Full::from(body.to_string())).unwrap())
}

/// One pod, named after its namespace.
fn pods(namespace: &str) -> Value {
    let columns = ["Name", "Ready", "Status", "Restarts", "Age"];
    let columns = columns.map(|name| json!({"name": name, "type": "string", "priority": 0}));
    let cells = json!([format!("pod-of-{namespace}"), "1/1", "Running", "0", "5m"]);
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {}, "columnDefinitions": columns,
           "rows": [{"cells": cells, "object": null}]})
}

fn discovery(kinds: &[(&str, &str, &str, &str)]) -> Value {
    let items = kinds.iter().map(|(group, version, plural, kind)| {
        let resource = json!({
            "resource": plural, "responseKind": {"group": group, "version": version, "kind": kind},
            "scope": "Namespaced", "singularResource": kind.to_lowercase(), "verbs": ["get", "list"],
        });
        json!({"metadata": {"name": group},
               "versions": [{"version": version, "freshness": "Current", "resources": [resource]}]})
    });
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {},
           "items": items.collect::<Vec<_>>()})
}
