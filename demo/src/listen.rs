//! The API on a port of loopback.

use std::{convert::Infallible, io, net::SocketAddr};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header::AUTHORIZATION};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use crate::{ADMIN_TOKEN, Body, Cluster};

/// The largest body that is read, as of a real API server.
const LARGEST: usize = 3 * 1024 * 1024;

impl Cluster {
    /// Serves the API on this listener, until the task is dropped.
    ///
    /// # Errors
    /// If the listener fails.
    pub async fn listen(&self, listener: TcpListener) -> io::Result<()> {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let cluster = self.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let cluster = cluster.clone();
                    async move { Ok::<_, Infallible>(read(&cluster, request).await) }
                });
                let served = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
                if let Err(error) = served {
                    tracing::debug!(%error, "a connection to the embedded cluster ended");
                }
            });
        }
    }
}

/// Reads the body, and answers.
async fn read(cluster: &Cluster, request: Request<Incoming>) -> Response<Body> {
    let (mut parts, body) = request.into_parts();
    // kubectl sends no token where there is no TLS. Who gives none is the kubeconfig's user.
    if !parts.headers.contains_key(AUTHORIZATION)
        && let Ok(admin) = HeaderValue::try_from(format!("Bearer {ADMIN_TOKEN}"))
    {
        parts.headers.insert(AUTHORIZATION, admin);
    }
    match Limited::new(body, LARGEST).collect().await {
        Ok(body) => cluster.respond(Request::from_parts(parts, body.to_bytes())).await,
        Err(_) => {
            let mut response =
                Response::new(Full::new(Bytes::from_static(b"the body is too large")).boxed_unsync());
            *response.status_mut() = http::StatusCode::PAYLOAD_TOO_LARGE;
            response
        }
    }
}

/// Listens on an address of loopback.
///
/// # Errors
/// If the address is not one of loopback, or taken.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    if !address.ip().is_loopback() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the embedded cluster listens on loopback only, as 127.0.0.1:8001: everybody who reaches it may do everything",
        ));
    }
    TcpListener::bind(address).await
}
