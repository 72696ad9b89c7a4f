//! The embedded cluster as the one cluster of this process.

use kube_mcp_core::{Error, cluster::Clusters, config::Config};

use super::terminal;

/// What is told of it wherever answers are printed.
const SIMULATION: &str = "the cluster demo is a simulation in this process: nothing in it is real";

/// Tells a person that what follows is of a simulation, if it is.
pub(super) fn tell(config: &Config) {
    if config.kubernetes.demo {
        terminal::say(&format!("({SIMULATION})\n"));
    }
}

/// Logs that what is served is a simulation, if it is.
pub(super) fn log(config: &Config) {
    if config.kubernetes.demo {
        tracing::warn!("{SIMULATION}");
    }
}

/// The embedded cluster. Its story is told when it is first asked; from then on time goes in it.
///
/// # Errors
/// If this binary was built without it.
#[cfg(feature = "demo")]
pub(super) fn clusters(config: &Config) -> Result<Clusters, Error> {
    use std::sync::Arc;

    use bytes::Bytes;
    use http::{HeaderValue, Request, header::AUTHORIZATION};
    use http_body_util::{BodyExt as _, Full};
    use kube_mcp_demo::{ADMIN_TOKEN, Cluster, Story};
    use tokio::sync::OnceCell;
    use tower::{BoxError, service_fn};

    async fn begin() -> Result<Cluster, BoxError> {
        let cluster = tokio::task::spawn_blocking(|| Story::Shop.tell(jiff::Timestamp::now())).await??;
        let running = cluster.clone();
        tokio::spawn(async move { running.run().await });
        Ok(cluster)
    }

    let told = Arc::new(OnceCell::new());
    let service = service_fn(move |request: Request<Full<Bytes>>| {
        let told = Arc::clone(&told);
        async move {
            let cluster = told.get_or_try_init(begin).await?;
            let (mut parts, body) = request.into_parts();
            let token = HeaderValue::try_from(format!("Bearer {}", ADMIN_TOKEN))?;
            parts.headers.insert(AUTHORIZATION, token);
            let request = Request::from_parts(parts, body.collect().await?.to_bytes());
            Ok::<_, BoxError>(cluster.respond(request).await)
        }
    });
    Ok(Clusters::embedded("demo", service, config))
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
