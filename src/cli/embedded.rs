//! The embedded cluster as the one cluster of this process.

use kube_mcp_core::{Error, cluster::Clusters, config::Config};

use super::terminal;

/// What is told of it wherever answers are printed.
const SIMULATION: &str = "the cluster demo is a simulation in this process: nothing in it is real";

/// Tells a person that the answer that follows is of a simulation, if it is, and waits until it stands.
pub(super) fn say(config: &Config) {
    if config.kubernetes.demo {
        terminal::say(&format!("({SIMULATION})\n"));
        #[cfg(feature = "demo")]
        drop(story::told());
    }
}

/// Logs that what is served is a simulation, if it is.
pub(super) fn log(config: &Config) {
    if config.kubernetes.demo {
        tracing::warn!("{SIMULATION}");
    }
}

/// The embedded cluster. Its story is told meanwhile; the first request waits for it.
///
/// # Errors
/// If this binary was built without it.
#[cfg(feature = "demo")]
pub(super) fn clusters(config: &Config) -> Result<Clusters, Error> {
    use bytes::Bytes;
    use http::{HeaderValue, Request, header::AUTHORIZATION};
    use http_body_util::{BodyExt as _, Full};
    use kube_mcp_demo::ADMIN_TOKEN;
    use tower::{BoxError, service_fn};

    let admin = HeaderValue::try_from(format!("Bearer {ADMIN_TOKEN}"))
        .map_err(|error| Error::internal(error.to_string()))?;
    std::thread::spawn(story::live);
    let service = service_fn(move |request: Request<Full<Bytes>>| {
        let admin = admin.clone();
        async move {
            let cluster = match story::is_told() {
                true => story::told()?,
                false => tokio::task::spawn_blocking(story::told).await??,
            };
            let (mut parts, body) = request.into_parts();
            parts.headers.insert(AUTHORIZATION, admin);
            let request = Request::from_parts(parts, body.collect().await?.to_bytes());
            Ok::<_, BoxError>(cluster.respond(request).await)
        }
    });
    Ok(Clusters::embedded("demo", service, config))
}

/// The one embedded cluster of this process.
#[cfg(feature = "demo")]
mod story {
    use std::sync::OnceLock;

    use kube_mcp_demo::{Cluster, Story};

    static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();

    /// Whether nobody has to wait for the story any more.
    pub(super) fn is_told() -> bool {
        CLUSTER.get().is_some()
    }

    /// The cluster with its story; whoever asks first tells it, the others wait.
    pub(super) fn told() -> Result<&'static Cluster, String> {
        let told = CLUSTER.get_or_init(|| {
            let told = Story::Shop.tell(jiff::Timestamp::now());
            told.map_err(|error| error.to_string())
        });
        told.as_ref().map_err(Clone::clone)
    }

    /// Lets time go in it, on a thread of its own.
    pub(super) fn live() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        if let (Ok(cluster), Ok(runtime)) = (told(), runtime) {
            runtime.block_on(cluster.run());
        }
    }
}

/// There is none in this binary.
#[cfg(not(feature = "demo"))]
pub(super) fn clusters(_config: &Config) -> Result<Clusters, Error> {
    Err(missing())
}

/// What a binary without it says when it is asked for.
#[cfg(not(feature = "demo"))]
pub(super) fn missing() -> Error {
    Error::invalid(
        "this kube-mcp was built without its embedded cluster: build it with the feature `demo`, which is on by default, \
         or name a real cluster with --kubeconfig",
    )
}
