//! From a kubeconfig entry to a pool of connections.
//!
//! kube gives TLS, credentials that need no process, the base URI and impersonation. The connector is put
//! together here, because kube's own stack retries every verb, takes the wrong proxy and runs plugins itself.

use std::{sync::Once, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use hyper_util::{
    client::legacy::{
        Client as HyperClient,
        connect::{
            HttpConnector,
            proxy::{SocksV5, Tunnel},
        },
    },
    rt::{TokioExecutor, TokioTimer},
};
use kube::{
    client::ConfigExt as _,
    config::{AuthInfo, Cluster},
};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::Value;
use tower::{BoxError, ServiceBuilder, util::BoxCloneSyncService};
use tower_http::decompression::DecompressionLayer;

use super::{
    kubeconfig::Entry,
    proxy::{self, ProxyEnv},
};
use crate::{Error, ErrorKind, output::remember_credential};

/// A request's body: small, and repeatable where a request may be.
pub(super) type RequestBody = Full<Bytes>;
/// A response's body, as it comes in.
pub(super) type ResponseBody = UnsyncBoxBody<Bytes, BoxError>;
/// Anything that answers HTTP requests.
pub(super) type HttpService = BoxCloneSyncService<Request<RequestBody>, Response<ResponseBody>, BoxError>;

/// How connections are made.
#[derive(Clone, Debug)]
pub(super) struct Connecting {
    /// The deadline of a connection: TCP, proxy and TLS together.
    pub(super) timeout: Duration,
    /// Idle connections kept.
    pub(super) pool: usize,
    /// The environment's proxy settings.
    pub(super) proxy: ProxyEnv,
}

/// The address of a kubeconfig's cluster, completed as kubectl does.
///
/// # Errors
/// If it is missing, or is no address of a server.
pub(super) fn server_uri(cluster: &Cluster) -> Result<Uri, Error> {
    let server = cluster.server.as_deref().unwrap_or_default().trim();
    if server.is_empty() {
        return Err(Error::invalid("it has no server"));
    }
    let secure = cluster.certificate_authority.is_some() || cluster.certificate_authority_data.is_some();
    let server = match server.contains("://") {
        true => server.to_owned(),
        false if secure => format!("https://{server}"),
        false => format!("http://{server}"),
    };
    let uri: Uri = server.trim_end_matches('/').parse().map_err(|_| {
        Error::invalid(format!(
            "its server {server:?} is not a URL such as https://10.0.0.1:6443"
        ))
    })?;
    match (uri.scheme_str(), uri.host()) {
        (Some("https" | "http"), Some(_)) => Ok(uri),
        _ => Err(Error::invalid(format!(
            "its server {server:?} is not a URL such as https://10.0.0.1:6443"
        ))),
    }
}

/// Makes the pool of connections for a kubeconfig entry. No connection is made yet. Reads certificate files, and
/// maybe the system's, so it does not belong on a thread that has to answer quickly.
///
/// # Errors
/// If the entry names files that cannot be read, or credentials that cannot be used.
pub(super) fn connect(entry: &Entry, user: AuthInfo, how: &Connecting) -> Result<HttpService, Error> {
    static PROVIDER: Once = Once::new();
    // Another dependency may have installed one: either will do.
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));

    let uri = server_uri(&entry.cluster).map_err(|error| at(entry, &error.message))?;
    let mut config = kube::Config::new(uri.clone());
    config.default_retry = false;
    config.accept_invalid_certs = entry.cluster.insecure_skip_tls_verify.unwrap_or(false);
    config.tls_server_name = entry
        .cluster
        .tls_server_name
        .clone()
        .filter(|name| !name.is_empty());
    config.root_cert = root_certificates(entry)?;
    config.root_cert_file = entry.root_cert_file.clone();
    config.headers = vec![(
        header::USER_AGENT,
        HeaderValue::from_static(concat!("kube-mcp/", env!("CARGO_PKG_VERSION"))),
    )];
    let local = uri.host().is_some_and(proxy::is_loopback);
    // Packing costs more than it saves where nothing has to travel.
    config.disable_compression = local || entry.cluster.disable_compression.unwrap_or(false);
    hide(&user);
    config.auth_info = credentials(entry, user)?;
    let proxy = proxy::decide(&uri, entry.cluster.proxy_url.as_deref(), &how.proxy)
        .map_err(|error| at(entry, &error.message))?;

    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_keepalive(Some(Duration::from_secs(60)));
    tcp.set_connect_timeout(Some(how.timeout));
    let Some(proxy) = proxy else {
        return over(&config, tcp, entry, how);
    };
    match proxy.uri().scheme_str() {
        Some("socks5" | "socks5h") => {
            let socks = SocksV5::new(proxy.uri().clone(), tcp);
            let socks = match proxy.raw_auth() {
                Some((user, password)) => socks.with_auth(user.to_owned(), password.to_owned()),
                None => socks,
            };
            over(&config, socks, entry, how)
        }
        Some("https") => {
            let tls = config
                .rustls_https_connector_with_connector(tcp)
                .map_err(|error| unusable(entry, &error))?;
            over(
                &config,
                authorised(Tunnel::new(proxy.uri().clone(), tls), &proxy),
                entry,
                how,
            )
        }
        _ => over(
            &config,
            authorised(Tunnel::new(proxy.uri().clone(), tcp), &proxy),
            entry,
            how,
        ),
    }
}

fn authorised<C>(tunnel: Tunnel<C>, proxy: &hyper_util::client::proxy::matcher::Intercept) -> Tunnel<C> {
    match proxy.basic_auth() {
        Some(auth) => tunnel.with_auth(auth.clone()),
        None => tunnel,
    }
}

/// The stack over a way to the server: TLS, deadline, pool, and what each request carries.
fn over<C>(config: &kube::Config, connector: C, entry: &Entry, how: &Connecting) -> Result<HttpService, Error>
where
    C: tower::Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: hyper_util::client::legacy::connect::Connection
        + hyper::rt::Read
        + hyper::rt::Write
        + Send
        + Unpin
        + 'static,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    let tls = config
        .rustls_https_connector_with_connector(connector)
        .map_err(|error| unusable(entry, &error))?;
    let connector = ServiceBuilder::new()
        .map_future(Box::pin as fn(_) -> std::pin::Pin<Box<_>>)
        .timeout(how.timeout)
        .service(tls);
    let pool = HyperClient::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_max_idle_per_host(how.pool)
        .build::<_, RequestBody>(connector);
    let service = ServiceBuilder::new()
        .map_response(|response: Response<_>| response.map(box_body))
        .map_err(BoxError::from)
        .layer(config.base_uri_layer())
        .layer(
            DecompressionLayer::new()
                .no_br()
                .no_deflate()
                .no_zstd()
                .gzip(!config.disable_compression),
        )
        .option_layer(config.auth_layer().map_err(|error| unusable(entry, &error))?)
        .layer(
            config
                .extra_headers_layer()
                .map_err(|error| unusable(entry, &error))?,
        )
        .map_err(BoxError::from)
        .service(pool);
    Ok(BoxCloneSyncService::new(service))
}

/// Erases a body's type.
pub(super) fn box_body<B>(body: B) -> ResponseBody
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    body.map_err(Into::into).boxed_unsync()
}

fn root_certificates(entry: &Entry) -> Result<Option<Vec<Vec<u8>>>, Error> {
    let cluster = &entry.cluster;
    let (pem, name) = if let Some(data) = filled(&cluster.certificate_authority_data) {
        let name = "certificate-authority-data".to_owned();
        (
            decode(data).map_err(|what| at(entry, &format!("{name} {what}")))?,
            name,
        )
    } else if let Some(file) = filled(&cluster.certificate_authority) {
        let name = format!("the certificate authority {file}");
        let pem =
            std::fs::read(file).map_err(|error| at(entry, &format!("{name} cannot be read: {error}")))?;
        (pem, name)
    } else {
        return Ok(None);
    };
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem)
        .map(|certificate| certificate.map(|der| der.to_vec()))
        .collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(Some(certificates)),
        _ => Err(at(entry, &format!("{name} holds no PEM certificate"))),
    }
}

fn filled(text: &Option<String>) -> Option<&String> {
    text.as_ref().filter(|text| !text.is_empty())
}

fn decode(base64: &str) -> Result<Vec<u8>, &'static str> {
    let compact: String = base64.split_whitespace().collect();
    BASE64_STANDARD.decode(compact).map_err(|_| "is not base64")
}

/// Keeps what a user's entry holds out of every answer.
fn hide(user: &AuthInfo) {
    // What a kubeconfig's secrets are is known to kube alone; written out again they have the names of the file.
    let Ok(entry) = serde_json::to_value(user) else {
        return;
    };
    let provider = entry.pointer("/auth-provider/config").and_then(Value::as_object);
    let values = ["token", "password"].iter().filter_map(|name| entry.get(name));
    let of_provider = provider
        .into_iter()
        .flatten()
        .filter(|(name, _)| name.ends_with("token") || name.ends_with("secret"))
        .map(|(_, value)| value);
    values
        .chain(of_provider)
        .filter_map(Value::as_str)
        .for_each(remember_credential);
    if let Some(Ok(key)) = entry.get("client-key-data").and_then(Value::as_str).map(decode) {
        remember_credential(key);
    }
    if let Some(token) = filled(&user.token_file).and_then(|file| std::fs::read(file).ok()) {
        remember_credential(token);
    }
}

/// The part of a user's credentials that kube can be left with: everything but plugins.
fn credentials(entry: &Entry, mut user: AuthInfo) -> Result<AuthInfo, Error> {
    user.exec = None;
    if let Some(provider) = &user.auth_provider
        && provider.name != "oidc"
    {
        return Err(at(
            entry,
            &format!(
                "the auth-provider {:?} is gone from Kubernetes; use its exec plugin instead (for GKE: \
                 gke-gcloud-auth-plugin), which the cloud's command line writes into the kubeconfig",
                provider.name
            ),
        ));
    }
    for (what, file) in [
        ("client certificate", &user.client_certificate),
        ("client key", &user.client_key),
        ("token file", &user.token_file),
    ] {
        if let Some(file) = filled(file) {
            std::fs::metadata(file)
                .map_err(|error| at(entry, &format!("the {what} {file} cannot be read: {error}")))?;
        }
    }
    Ok(user)
}

/// A mistake in a kubeconfig entry, with its file.
fn at(entry: &Entry, what: &str) -> Error {
    Error::invalid(format!("{}: {what}; correct the kubeconfig", entry.place))
}

fn unusable(entry: &Entry, error: &dyn std::error::Error) -> Error {
    let mut what = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        if !what.contains(&text) {
            what = format!("{what}: {text}");
        }
        source = error.source();
    }
    Error::new(
        ErrorKind::Invalid,
        format!("{}: {what}; correct the kubeconfig", entry.place),
    )
}
