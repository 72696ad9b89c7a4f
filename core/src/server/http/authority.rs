//! Who may come in: by the names that a request is sent under, and by its token.
//!
//! A web page that a person looks at can send requests to loopback. The browser says in `Origin` whose page it is,
//! and after a DNS rebinding in `Host` under which name it believes to be talking to itself: both are checked
//! before anything else is.

use std::net::IpAddr;

use http::{
    HeaderMap, HeaderValue, Request, StatusCode, Uri,
    header::{AUTHORIZATION, HOST, ORIGIN},
    uri::Authority as HostAndPort,
};

use super::token::{TokenDigest, digest};
use crate::config::HttpSection;

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// What the client is told.
    pub(super) why: String,
}

/// Who may come in.
pub(super) struct Authority {
    token: Option<TokenDigest>,
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl Authority {
    pub(super) fn new(config: &HttpSection, token: Option<TokenDigest>) -> Self {
        let lower = |words: &[String]| words.iter().map(|word| word.to_ascii_lowercase()).collect();
        Self {
            token,
            hosts: lower(&config.allowed_hosts),
            origins: lower(&config.allowed_origins),
        }
    }

    /// Checks the names: `Host`, and `Origin` where it is present.
    pub(super) fn check_names<B>(&self, request: &Request<B>) -> Result<(), Refusal> {
        let refused = |why: String| Refusal {
            status: StatusCode::FORBIDDEN,
            why,
        };
        let mut hosts = request.headers().get_all(HOST).iter();
        let host = match (hosts.next().map(HeaderValue::to_str), hosts.next()) {
            (Some(Ok(host)), None) => host,
            _ => {
                return Err(Refusal {
                    status: StatusCode::BAD_REQUEST,
                    why: "expected one Host header".to_owned(),
                });
            }
        };
        // A request for a proxy names the host in its first line, too.
        for host in [Some(host), request.uri().authority().map(HostAndPort::as_str)]
            .into_iter()
            .flatten()
        {
            if !self.allows_host(host) {
                return Err(refused(format!(
                    "host {host:?} is not allowed: expected localhost or a loopback address; http.allowed_hosts of the \
                     server's configuration names others"
                )));
            }
        }
        for origin in request.headers().get_all(ORIGIN) {
            if !origin.to_str().is_ok_and(|origin| self.allows_origin(origin)) {
                return Err(refused(format!(
                    "origin {origin:?} is not allowed: expected a page of a loopback host; http.allowed_origins of the \
                     server's configuration names others"
                )));
            }
        }
        Ok(())
    }

    fn allows_host(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<HostAndPort>() else {
            return false;
        };
        let known = |name: &str| self.hosts.contains(&name.to_ascii_lowercase());
        plain(&authority).is_some_and(|name| is_loopback(name) || known(name)) || known(host)
    }

    fn allows_origin(&self, origin: &str) -> bool {
        let of_loopback = origin.parse::<Uri>().is_ok_and(|uri| {
            let host = uri.authority().and_then(plain);
            matches!(uri.scheme_str(), Some("http" | "https")) && host.is_some_and(is_loopback)
        });
        of_loopback || self.origins.contains(&origin.to_ascii_lowercase())
    }

    /// Checks the token, if one is needed.
    pub(super) fn check_token(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some(expected) = self.token else {
            return Ok(());
        };
        let given = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| digest(token.trim()));
        let why = match given {
            Some(given) if given == expected => return Ok(()),
            Some(_) => "the bearer token is not this server's: a random one changes with each start",
            None => {
                "expected Authorization: Bearer TOKEN; the server's first lines on stderr say where its token is"
            }
        };
        Err(Refusal {
            status: StatusCode::UNAUTHORIZED,
            why: why.to_owned(),
        })
    }

    /// Who calls, as audit lines name it and confirmation codes are bound to it: the session, if it is one of
    /// ours, else the token. Either is told by a digest, for who knows it may use it.
    pub(super) fn subject(&self, session: Option<&str>) -> String {
        match (session, &self.token) {
            (Some(session), _) => format!("http:session-{}", short(&digest(session))),
            (None, Some(token)) => format!("http:token-{}", short(token)),
            (None, None) => "http".to_owned(),
        }
    }
}

/// The beginning of a digest, in hexadecimal.
fn short(digest: &TokenDigest) -> String {
    digest[..6].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The host of what is a host and at most a port. A URL's reader finds one in `user@localhost` and
/// `[::1]evil.example`, too, where it is not the whole truth.
fn plain(authority: &HostAndPort) -> Option<&str> {
    let host = authority.host();
    let port = authority.as_str().strip_prefix(host)?;
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(host)
}

/// Whether a host as it stands in a URL is this machine and none else.
fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}
