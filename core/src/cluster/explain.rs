//! Every way in which a request can fail, told so that the reader knows what to do.

use std::{error::Error as StdError, io};

use http::{StatusCode, response};
use rustls::{AlertDescription, CertificateError};
use serde::Deserialize;
use tower::BoxError;

use super::{
    Client,
    layers::{request::RequestInfo, retry},
};
use crate::{Error, ErrorKind, call::Access};

/// Names of a certificate that are told.
const NAMES: usize = 5;

/// The API server's own account of a failure.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    kind: String,
    message: String,
    reason: String,
    details: Option<Details>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Details {
    name: String,
    causes: Vec<Cause>,
    retry_after_seconds: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cause {
    reason: String,
    message: String,
    field: String,
}

impl Client {
    /// The error for an answer that is no success.
    pub(super) async fn refusal(&self, info: &RequestInfo, head: &response::Parts, body: &[u8]) -> Error {
        let code = head.status;
        let status: Option<Status> = serde_json::from_slice(body)
            .ok()
            .filter(|s: &Status| s.kind == "Status");
        let Some(status) = status else {
            return self.not_a_status(info, code, body);
        };
        let name = self.cluster.name();
        let message = status.message.trim();
        match code {
            StatusCode::UNAUTHORIZED => self.unauthorized(),
            StatusCode::FORBIDDEN => self.forbidden(info, message).await,
            StatusCode::NOT_FOUND => self.missing(info, &status).await,
            StatusCode::CONFLICT if status.reason == "AlreadyExists" => Error::new(
                ErrorKind::Conflict,
                format!("{} exists already on {name} (409)", self.subject(info)),
            ),
            StatusCode::CONFLICT => {
                // The usual words say nothing that ours do not.
                let why = match message.contains("has been modified")
                    || message.contains("might have been modified")
                {
                    true => String::new(),
                    false => format!(": {}", shortened(message)),
                };
                Error::new(
                    ErrorKind::Conflict,
                    format!(
                        "{} was changed or replaced meanwhile (409){why}; read it again and repeat the call",
                        self.subject(info)
                    ),
                )
            }
            StatusCode::GONE => Error::new(
                ErrorKind::Conflict,
                format!("the list has moved on since its last page (410): {message}; start it anew"),
            ),
            StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST => self.invalid(info, code, &status),
            StatusCode::METHOD_NOT_ALLOWED => Error::new(
                ErrorKind::Invalid,
                format!(
                    "{name} cannot {} {} (405): the kind does not support it",
                    info.verb,
                    info.qualified()
                ),
            ),
            StatusCode::TOO_MANY_REQUESTS => {
                let after = status
                    .details
                    .map(|details| details.retry_after_seconds)
                    .filter(|seconds| *seconds > 0)
                    .or_else(|| retry::retry_after(&head.headers).map(|after| after.as_secs()));
                let when = after
                    .map(|seconds| format!(" in {seconds} s"))
                    .unwrap_or_default();
                Error::new(
                    ErrorKind::Server,
                    format!(
                        "{name} has too much to do (429): {}; call again{when}",
                        shortened(message)
                    ),
                )
            }
            _ => Error::new(
                ErrorKind::Server,
                format!(
                    "{name} failed to {info} ({}): {}",
                    code.as_u16(),
                    shortened(message)
                ),
            ),
        }
    }

    fn unauthorized(&self) -> Error {
        let cluster = &self.cluster;
        let advice = match cluster.credentials.as_str() {
            "" => String::new(),
            advice => format!(": {advice}"),
        };
        let context = match &cluster.context {
            Some(context) => format!(" of context {context}"),
            None => String::new(),
        };
        let try_it = match &cluster.context {
            Some(context) => {
                format!("; kubectl --context {context} auth whoami shows whether kubectl gets in")
            }
            None => String::new(),
        };
        Error::new(
            ErrorKind::Unauthorized,
            format!(
                "{} does not accept the credentials{context} (401){advice}{try_it}",
                cluster.name()
            ),
        )
    }

    /// `oncall@example.com may not list secrets in all namespaces (403)`.
    async fn forbidden(&self, info: &RequestInfo, message: &str) -> Error {
        let cluster = self.cluster.name();
        // Without these words it is not authorization that refuses, but an admission plugin or a proxy, whose own
        // words say why.
        let denied = message.contains("cannot ") || message.is_empty();
        if !denied {
            let message = shortened(message);
            return Error::new(
                ErrorKind::Forbidden,
                format!("{cluster} refuses to {info} (403): {message}"),
            );
        }
        let who = match quoted_user(message) {
            Some(user) => Some(user.to_owned()),
            None if info.is_self_review() => None,
            None => {
                let identity = Box::pin(self.cluster.whoami(self.grant.clone())).await;
                identity.ok().map(|identity| identity.user)
            }
        };
        let scoped = info.namespace.is_some() && info.resource != "namespaces";
        let place = match (scoped, &info.name) {
            (false, None) if info.is_resource && self.kind_of(info).is_some_and(|kind| kind.namespaced) => {
                " in all namespaces"
            }
            _ => "",
        };
        let text = match who.as_deref() {
            Some("system:anonymous") => format!(
                "{cluster} takes us for nobody (system:anonymous), who may not {info}{place} (403): there are no \
                 credentials, or they were not accepted"
            ),
            who => {
                let who = who.unwrap_or("the kubeconfig's user");
                let advice = match place {
                    "" => "ask for a role that allows it",
                    _ => "name a namespace, or ask for a role that allows it",
                };
                format!("{who} may not {info}{place} on {cluster} (403); {advice}")
            }
        };
        Error::new(ErrorKind::Forbidden, text)
    }

    /// Which is missing: the kind, the namespace or the object.
    async fn missing(&self, info: &RequestInfo, status: &Status) -> Error {
        let cluster = self.cluster.name();
        let named = status
            .details
            .as_ref()
            .is_some_and(|details| !details.name.is_empty());
        if !named {
            let message = status.message.as_str();
            let usual = message.is_empty() || message == "the server could not find the requested resource";
            return match usual {
                true => self.not_served(info),
                false => Error::not_found(format!("{cluster}: {message} (404)")),
            };
        }
        if let Some(namespace) = info
            .namespace
            .as_deref()
            .filter(|_| info.resource != "namespaces")
        {
            let path = format!("/api/v1/namespaces/{}", super::query::segment(namespace));
            // Only a plain no counts: who may not look cannot tell.
            if self.is_missing(&path).await {
                return Error::not_found(format!("there is no namespace {namespace} on {cluster}"));
            }
        }
        Error::not_found(format!("there is no {} on {cluster}", self.subject(info)))
    }

    fn not_served(&self, info: &RequestInfo) -> Error {
        let cluster = self.cluster.name();
        Error::not_found(match info.is_resource {
            true => format!(
                "{cluster} does not serve {} in version {} (404)",
                info.qualified(),
                info.version
            ),
            false => format!("{cluster} serves no {} (404)", info.path),
        })
    }

    async fn is_missing(&self, path: &str) -> bool {
        self.status_of(path).await == Some(StatusCode::NOT_FOUND)
    }

    fn invalid(&self, info: &RequestInfo, code: StatusCode, status: &Status) -> Error {
        // So a precondition on the uid fails in a patch.
        let replaced = |details: &Details| details.causes.iter().any(|cause| cause.field == "metadata.uid");
        if info.verb == "patch" && status.details.as_ref().is_some_and(replaced) {
            return Error::new(
                ErrorKind::Conflict,
                format!(
                    "{} was replaced by another of that name meanwhile ({}); read it again and repeat the call",
                    self.subject(info),
                    code.as_u16()
                ),
            );
        }
        // The API server may tell the same cause several times.
        let mut causes: Vec<_> = status
            .details
            .iter()
            .flat_map(|details| &details.causes)
            .map(|cause| match (cause.field.as_str(), cause.message.as_str()) {
                ("", "") => cause.reason.clone(),
                ("", message) => shortened(message),
                (field, message) => format!("{field}: {}", shortened(message)),
            })
            .collect();
        causes.dedup();
        let what = match causes.is_empty() {
            true => shortened(status.message.trim()),
            false => causes.join("; "),
        };
        let cluster = self.cluster.name();
        let code = code.as_u16();
        let text = match info.access() {
            Access::Read => format!("{cluster} cannot {info} ({code}): {what}"),
            _ => format!(
                "{cluster} does not accept the change of {} ({code}): {what}",
                self.subject(info)
            ),
        };
        Error::new(ErrorKind::Invalid, text)
    }

    /// The kind that a request is about, if discovery has been asked already.
    fn kind_of(&self, info: &RequestInfo) -> Option<super::Resource> {
        self.cluster.known(&info.group, &info.resource)
    }

    /// `Deployment checkout in namespace default`.
    fn subject(&self, info: &RequestInfo) -> String {
        let mut text = match self.kind_of(info) {
            Some(resource) => resource.kind,
            None => info.qualified(),
        };
        if let Some(name) = &info.name {
            text.push(' ');
            text.push_str(name);
        }
        if let Some(namespace) = info.namespace.as_ref().filter(|_| info.resource != "namespaces") {
            text.push_str(" in namespace ");
            text.push_str(namespace);
        }
        text
    }

    /// An answer that is not the API server's: a proxy's page, a load balancer's text.
    fn not_a_status(&self, info: &RequestInfo, code: StatusCode, body: &[u8]) -> Error {
        let page = looks_like_html(body) || code.is_redirection();
        if code == StatusCode::UNAUTHORIZED {
            return self.unauthorized();
        }
        // What the API server says of groups that it does not serve.
        if code == StatusCode::NOT_FOUND && !page {
            return self.not_served(info);
        }
        let said = match page {
            true => ", with a web page and not as an API server: a proxy or login page stands before it"
                .to_owned(),
            false => {
                let text = String::from_utf8_lossy(&body[..body.len().min(200)]);
                let text: String = text.trim().chars().filter(|c| !c.is_control()).collect();
                if text.is_empty() {
                    text
                } else {
                    format!(": {text}")
                }
            }
        };
        let kind = match code {
            StatusCode::FORBIDDEN => ErrorKind::Forbidden,
            StatusCode::NOT_FOUND => ErrorKind::NotFound,
            _ => ErrorKind::Server,
        };
        let (cluster, server, code) = (self.cluster.name(), self.cluster.server(), code.as_u16());
        Error::new(
            kind,
            format!("{server} answered {code} when asked to {info} on {cluster}{said}"),
        )
    }

    /// The error for an answer that was promised as JSON and is none.
    pub(super) fn unreadable(&self, what: &str, body: &[u8], error: &serde_json::Error) -> Error {
        let cluster = self.cluster.name();
        let path = what.split('?').next().unwrap_or(what);
        let message = if looks_like_html(body) {
            format!(
                "{} answered {path} with a web page and not as an API server: a proxy or login page stands before \
                 {cluster}",
                self.cluster.server()
            )
        } else if error.is_eof() {
            format!(
                "the answer of {cluster} to {path} ended in the middle ({} bytes); call again",
                body.len()
            )
        } else {
            // The library's text may quote a value, so only the place is told.
            format!(
                "the answer of {cluster} to {path} is not what an API server answers (line {}, column {} of {} bytes)",
                error.line(),
                error.column(),
                body.len()
            )
        };
        Error::new(ErrorKind::Server, message)
    }

    /// The error for a request that got no answer.
    pub(super) fn not_answered(&self, error: BoxError) -> Error {
        let error = match error.downcast::<Error>() {
            // The guard's, a plugin's or the kubeconfig's.
            Ok(own) => return *own,
            Err(error) => error,
        };
        if let Some(own) = find::<Error>(error.as_ref()) {
            return own.clone();
        }
        let server = self.cluster.server();
        if let Some(error) = find::<rustls::Error>(error.as_ref()) {
            return self.tls(error);
        }
        if find::<tower::timeout::error::Elapsed>(error.as_ref()).is_some() {
            let seconds = self.cluster.timeouts.connect.as_secs_f32();
            return self
                .cluster
                .unreachable(&format!("no answer from {server} in {seconds} s"));
        }
        let text = chain(error.as_ref());
        if text.contains("dns error") {
            return self
                .cluster
                .unreachable(&format!("the name of {server} is not known (DNS)"));
        }
        if let Some(proxy) = &self.cluster.proxy
            && (text.contains("tunnel error") || text.to_lowercase().contains("socks"))
        {
            let why = match retry::io_kind(error.as_ref()) {
                Some(io::ErrorKind::ConnectionRefused) => "refuses connections".to_owned(),
                _ => format!(
                    "does not let us through ({})",
                    text.rsplit(": ").next().unwrap_or(&text)
                ),
            };
            return self.cluster.unreachable(&format!(
                "the proxy {proxy} before {server} {why}; correct proxy-url, HTTPS_PROXY or NO_PROXY"
            ));
        }
        match retry::io_kind(error.as_ref()) {
            Some(io::ErrorKind::ConnectionRefused) => self
                .cluster
                .unreachable(&format!("{server} refuses connections: nothing listens there")),
            Some(io::ErrorKind::TimedOut) => self.cluster.unreachable(&format!("no answer from {server}")),
            Some(
                io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe,
            ) => self
                .cluster
                .unreachable(&format!("{server} closed the connection without an answer")),
            Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
                self.cluster.unreachable(&format!("there is no way to {server}"))
            }
            _ => self.cluster.unreachable(&format!("{server}: {text}")),
        }
    }

    fn tls(&self, error: &rustls::Error) -> Error {
        let (cluster, server) = (self.cluster.name(), self.cluster.server());
        let (kind, what) = match error {
            rustls::Error::InvalidCertificate(bad) => (
                ErrorKind::Unreachable,
                match bad {
                    // An authority of the same name with another key, as that of a cluster made anew has.
                    CertificateError::UnknownIssuer | CertificateError::BadSignature => format!(
                        "the certificate of {server} is signed by an authority that the kubeconfig does not name; \
                         correct certificate-authority (it may be of a cluster made anew), or check that no proxy \
                         stands in between"
                    ),
                    CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                        format!(
                            "the certificate of {server} has expired; renew it, or check this machine's clock"
                        )
                    }
                    CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                        format!("the certificate of {server} is not valid yet; check this machine's clock")
                    }
                    CertificateError::NotValidForNameContext { presented, .. } => {
                        let mut names = presented[..presented.len().min(NAMES)].join(", ");
                        if presented.len() > NAMES {
                            names.push_str(", …");
                        }
                        format!(
                            "the certificate of {server} is for other names ({names}); use a server address that is \
                             among them, or set tls-server-name"
                        )
                    }
                    other => format!("the certificate of {server} is not valid: {other}"),
                },
            ),
            rustls::Error::AlertReceived(
                alert @ (AlertDescription::CertificateRequired
                | AlertDescription::BadCertificate
                | AlertDescription::CertificateExpired
                | AlertDescription::CertificateRevoked
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
                | AlertDescription::AccessDenied),
            ) => (
                ErrorKind::Unauthorized,
                format!(
                    "{server} does not accept our client certificate ({alert:?}): {}",
                    self.cluster.credentials
                ),
            ),
            rustls::Error::InvalidMessage(_) => (
                ErrorKind::Unreachable,
                format!(
                    "{server} does not speak TLS; is its URL http:// and not https://, or is it another port?"
                ),
            ),
            other => (
                ErrorKind::Unreachable,
                format!("no secure connection to {server}: {other}"),
            ),
        };
        Error::new(kind, format!("{cluster} unreachable: {what}"))
    }

    /// The error for an answer that broke off.
    pub(super) fn broken(&self, error: &BoxError) -> Error {
        if let Some(own) = find::<Error>(error.as_ref()) {
            return own.clone();
        }
        Error::new(
            ErrorKind::Unreachable,
            format!(
                "the connection to {} broke in the middle of an answer ({}); call again",
                self.cluster.name(),
                chain(error.as_ref())
            ),
        )
    }

    /// The error for a deadline that passed.
    pub(super) fn too_late(&self, info: &RequestInfo) -> Error {
        let seconds = self.cluster.timeouts.request.as_secs_f32();
        let message = match self.grant.deadline <= std::time::Instant::now() {
            true => format!(
                "the call's time was over before {} had answered to {info}",
                self.cluster.name()
            ),
            false => format!("{} did not answer to {info} in {seconds} s", self.cluster.name()),
        };
        Error::new(
            ErrorKind::Timeout,
            format!("{message}; narrow the call, or check the cluster's load and the network"),
        )
    }
}

/// A message without the long values that the API server likes to quote: they help nobody, and may be secret.
fn shortened(message: &str) -> String {
    const QUOTED: usize = 60;
    const MOST: usize = 600;
    let mut text = String::with_capacity(message.len().min(MOST));
    let mut rest = message;
    while let Some(open) = rest.find('"') {
        text.push_str(&rest[..open]);
        let inside = &rest[open + 1..];
        let Some(close) = closing_quote(inside) else {
            rest = &rest[open..];
            break;
        };
        let end = open + 1 + close + 1;
        text.push_str(if close > QUOTED {
            "\"…\""
        } else {
            &rest[open..end]
        });
        rest = &rest[end..];
    }
    text.push_str(rest);
    if let Some((cut, _)) = text.char_indices().nth(MOST) {
        text.truncate(cut);
        text.push('…');
    }
    text
}

/// Where a Go-quoted text ends.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

/// The user in `User "somebody" cannot …`.
fn quoted_user(message: &str) -> Option<&str> {
    let (user, _) = message.split_once("User \"")?.1.split_once('"')?;
    Some(user)
}

fn looks_like_html(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'<')
}

/// The causes of an error, looking into `io::Error`, which hides what it wraps from `source`.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    fn next<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        }
    }
    std::iter::successors(Some(error), |error| next(*error))
}

/// The first cause of a type.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    causes(error).find_map(|error| error.downcast_ref())
}

/// An error and its causes, each said once.
pub(super) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = String::new();
    for cause in causes(error) {
        let said = cause.to_string();
        if !text.contains(&said) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&said);
        }
    }
    text
}

#[cfg(test)]
mod tests;
