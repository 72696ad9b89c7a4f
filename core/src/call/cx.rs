//! One call of an operation.

use std::{fmt, sync::Arc, time::Instant};

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::{Access, Codes, Consent, KindRef, Mode};
use crate::{
    Error,
    cluster::{Client, Cluster, Clusters, Grant, Identity, Registry, Resource, Schemas},
    output::Redactor,
};

/// Who calls. Codes, cursors and audit lines are bound to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The transport's name for the caller: `stdio`, `cli`, or over HTTP the session or token, by a digest.
    pub id: String,
    /// What the client calls itself, for the log only.
    pub client: String,
}

/// Where progress goes while an operation runs.
pub trait Progress: Send + Sync {
    /// Reports how far it is, in the operation's own unit, out of `total` where that is known.
    fn report(&self, done: f64, total: Option<f64>, message: &str);
}

/// The facts of one call, shared by all its steps.
pub struct Call {
    /// Who calls.
    pub caller: Caller,
    /// The tool (or prompt, or resource) that was called.
    pub tool: String,
    /// The arguments as they were understood, without `confirm`: a code is bound to them.
    pub arguments: Map<String, Value>,
    /// The server's mode.
    pub mode: Mode,
    /// Whether the tool asks even where the mode would let it run (`confirm: always`).
    pub always_confirm: bool,
    /// Whether only the plan is wanted.
    pub dry_run: bool,
    /// The code that the caller gave.
    pub confirm: Option<String>,
    /// Whether and how consent can be had.
    pub consent: Consent,
    /// When the call has to have answered.
    pub deadline: Instant,
    /// Cancelled when the caller cancels or the server stops.
    pub cancel: CancellationToken,
    /// Where progress goes.
    pub progress: Arc<dyn Progress>,
    /// Where confirmation codes are kept.
    pub codes: Arc<dyn Codes>,
    /// Hides secret values, and remembers those that were read during this call.
    pub redactor: Arc<Redactor>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Arguments stay out: they may hold secrets.
        f.debug_struct("Call")
            .field("caller", &self.caller)
            .field("tool", &self.tool)
            .finish_non_exhaustive()
    }
}

/// One call of an operation on one cluster, by one caller.
#[derive(Clone, Debug)]
pub struct Cx {
    cluster: Arc<Cluster>,
    call: Arc<Call>,
    access: Access,
}

impl Cx {
    /// A call of an operation whose declared access is `access`.
    pub fn new(cluster: Arc<Cluster>, call: Arc<Call>, access: Access) -> Self {
        Self {
            cluster,
            call,
            access,
        }
    }

    /// The cluster.
    pub fn cluster(&self) -> &Arc<Cluster> {
        &self.cluster
    }

    /// The facts of the call.
    pub fn call(&self) -> &Arc<Call> {
        &self.call
    }

    /// Hides secret values. An object must pass it before a filter or a diff sees it; answers pass it by
    /// themselves.
    pub fn redactor(&self) -> &Redactor {
        &self.call.redactor
    }

    /// The operation's declared access.
    pub fn access(&self) -> Access {
        self.access
    }

    /// A client that can only read.
    pub fn client(&self) -> Client {
        self.cluster.client(self.grant(Access::Read))
    }

    /// A client that can send this operation's changes as server-side dry runs, and nothing else that changes.
    /// A plan is computed with it, so that its diffs are what the API server will really do.
    pub fn rehearsal(&self) -> Client {
        self.cluster.client(Grant {
            dry_run: true,
            ..self.grant(self.access)
        })
    }

    /// Resolves a kind as a person says it, custom ones included.
    ///
    /// # Errors
    /// If the cluster serves no such kind (with the nearest names), or several match.
    pub async fn resolve(&self, kind: &KindRef) -> Result<Resource, Error> {
        self.cluster.resolve(&kind.0, self.grant(Access::Read)).await
    }

    /// Every kind that the cluster serves, in its preferred version.
    ///
    /// # Errors
    /// As they come, explained.
    pub async fn resources(&self) -> Result<Arc<[Resource]>, Error> {
        self.cluster.resources(self.grant(Access::Read)).await
    }

    /// What the cluster serves by now: unlike [`resources`](Self::resources), not as it was learned earlier.
    ///
    /// # Errors
    /// As they come, explained.
    pub async fn discover(&self) -> Result<Arc<Registry>, Error> {
        self.cluster.discover(self.grant(Access::Read)).await
    }

    /// The schemas of a kind and of all that it is made of.
    ///
    /// # Errors
    /// If the cluster publishes none; the others as they come, explained.
    pub async fn schemas(&self, resource: &Resource) -> Result<Arc<Schemas>, Error> {
        self.cluster.schemas(resource, self.grant(Access::Read)).await
    }

    /// Who the API server takes us for.
    ///
    /// # Errors
    /// As they come, explained.
    pub async fn whoami(&self) -> Result<Identity, Error> {
        self.cluster.whoami(self.grant(Access::Read)).await
    }

    /// The namespace of calls that name an object without one: the context's.
    pub fn default_namespace(&self) -> &str {
        self.cluster.default_namespace()
    }

    /// Tells a waiting caller how far it is, if it listens.
    pub fn progress(&self, done: f64, total: Option<f64>, message: &str) {
        self.call.progress.report(done, total, message);
    }

    pub(super) fn grant(&self, access: Access) -> Grant {
        Grant {
            access,
            dry_run: false,
            deadline: self.call.deadline,
            cancel: self.call.cancel.clone(),
        }
    }
}

/// One call of an operation that needs no cluster.
#[derive(Clone, Debug)]
pub struct ServerCx {
    clusters: Arc<Clusters>,
    call: Arc<Call>,
}

impl ServerCx {
    /// A call of such an operation.
    pub fn new(clusters: Arc<Clusters>, call: Arc<Call>) -> Self {
        Self { clusters, call }
    }

    /// The configured clusters.
    pub fn clusters(&self) -> &Arc<Clusters> {
        &self.clusters
    }

    /// The facts of the call.
    pub fn call(&self) -> &Arc<Call> {
        &self.call
    }
}
