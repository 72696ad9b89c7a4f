//! The cluster as others see it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use jiff::Timestamp;

use crate::{
    api::{
        Api,
        access::ADMIN_TOKEN,
        bootstrap,
        front::{self, Body},
    },
    clock::Clock,
    controllers::{self, Manager},
    kubelet::images::Images,
};

/// An embedded cluster. Clones are the same one.
#[derive(Clone)]
pub struct Cluster(Arc<Shared>);

struct Shared {
    api: Arc<Api>,
    manager: Mutex<Manager>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.api.stop.cancel();
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").finish_non_exhaustive()
    }
}

impl Cluster {
    /// A cluster with nothing in it but what every cluster has, in which time stands still until it is moved
    /// ([`advance`](Self::advance)) or released ([`run`](Self::run)).
    pub fn new(at: Timestamp) -> Self {
        Self::of(at, Images::default())
    }

    /// Such a cluster, in which containers do what this text tells of their images; `demo/src/kubelet/images.rs`
    /// says how.
    ///
    /// # Errors
    /// If it is no such text, with what is wrong and where.
    pub fn with_images(at: Timestamp, images: &str) -> Result<Self, String> {
        Ok(Self::of(at, Images::read(images)?))
    }

    pub(crate) fn of(at: Timestamp, images: Images) -> Self {
        let api = Api::new(Clock::held(at), images, 1);
        bootstrap::load(&api);
        let cluster = Self(Arc::new(Shared {
            api: Arc::new(api),
            manager: Mutex::new(Manager::new(controllers::all())),
        }));
        cluster.settle();
        cluster
    }

    /// The API itself.
    pub(crate) fn api(&self) -> &Api {
        &self.0.api
    }

    /// Answers an HTTP request as a Kubernetes API server does.
    pub async fn respond(&self, request: Request<Bytes>) -> Response<Body> {
        front::respond(&self.0.api, request).await
    }

    /// Lets the controllers work until there is nothing left to do at this time. Gives when there will be.
    pub fn settle(&self) -> Option<Timestamp> {
        self.0
            .manager
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .settle(&self.0.api)
    }

    /// Moves the time on, and lets everything happen that falls into it, when it falls.
    pub fn advance(&self, by: Duration) {
        let clock = &self.0.api.clock;
        let end = clock.now() + jiff::SignedDuration::try_from(by).unwrap_or(jiff::SignedDuration::ZERO);
        while let Some(next) = self.settle().filter(|next| *next <= end) {
            clock.move_to(next);
        }
        clock.move_to(end);
        self.settle();
    }

    /// Lets time go with the clock on the wall, and the controllers with it, until the cluster is dropped or
    /// [stopped](Self::stop).
    pub async fn run(&self) {
        self.0.api.clock.release();
        let mut revisions = self.0.api.store.revisions();
        loop {
            let next = self.settle().and_then(|next| self.0.api.clock.until(next));
            tokio::select! {
                () = self.0.api.stop.cancelled() => return,
                changed = revisions.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(next.unwrap_or(Duration::from_secs(3600))) => {}
            }
        }
    }

    /// Ends what [`run`](Self::run) does, and the streams of watches and logs.
    pub fn stop(&self) {
        self.0.api.stop.cancel();
    }

    /// A kubeconfig for the cluster, with one context, `demo`, of a user who may do everything.
    pub fn kubeconfig(server: &str) -> String {
        format!(
            "# A simulation: no container runs in this cluster.\n\
             apiVersion: v1\n\
             kind: Config\n\
             current-context: demo\n\
             clusters:\n\
             - name: demo\n\
             \x20 cluster: {{server: \"{server}\"}}\n\
             users:\n\
             - name: demo\n\
             \x20 user: {{token: {ADMIN_TOKEN}}}\n\
             contexts:\n\
             - name: demo\n\
             \x20 context: {{cluster: demo, user: demo}}\n"
        )
    }
}
