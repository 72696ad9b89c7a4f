//! Whether the way to an API server leads through a proxy.
//!
//! kube 5 compares `NO_PROXY` with the proxy's own address, so it cannot be left to it.

use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use crate::Error;

/// The proxy settings of the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ProxyEnv {
    /// `HTTPS_PROXY`.
    pub(super) https: String,
    /// `HTTP_PROXY`.
    pub(super) http: String,
    /// `NO_PROXY`.
    pub(super) no: String,
}

impl ProxyEnv {
    /// That of this process.
    pub(super) fn from_env() -> Self {
        let get = |upper: &str| {
            std::env::var(upper)
                .ok()
                .filter(|value| !value.is_empty())
                .or_else(|| std::env::var(upper.to_ascii_lowercase()).ok())
                .unwrap_or_default()
        };
        Self {
            https: get("HTTPS_PROXY"),
            http: get("HTTP_PROXY"),
            no: get("NO_PROXY"),
        }
    }
}

/// The proxy for `server`: the kubeconfig's `proxy-url`, else the environment's unless `NO_PROXY` exempts the
/// server. Loopback addresses are exempt, as for kubectl.
///
/// # Errors
/// If a proxy is named that cannot be used.
pub(super) fn decide(
    server: &Uri,
    proxy_url: Option<&str>,
    env: &ProxyEnv,
) -> Result<Option<Intercept>, Error> {
    if let Some(url) = proxy_url.filter(|url| !url.is_empty()) {
        let proxy = Matcher::builder().all(url.to_owned()).build().intercept(server);
        return proxy.map(checked).transpose()?.map_or_else(
            || {
                Err(Error::invalid(
                    "the kubeconfig's proxy-url is not a URL such as http://proxy:3128",
                ))
            },
            |proxy| Ok(Some(proxy)),
        );
    }
    let host = server.host().unwrap_or_default();
    if is_loopback(host) || exempt_with_port(server, &env.no) {
        return Ok(None);
    }
    Matcher::builder()
        .https(env.https.clone())
        .http(env.http.clone())
        .no(no_proxy(&env.no))
        .build()
        .intercept(server)
        .map(checked)
        .transpose()
}

fn checked(proxy: Intercept) -> Result<Intercept, Error> {
    match proxy.uri().scheme_str() {
        Some("http" | "https" | "socks5" | "socks5h") => Ok(proxy),
        other => Err(Error::invalid(format!(
            "a proxy of scheme {} cannot be used; expected http, https or socks5",
            other.unwrap_or("none")
        ))),
    }
}

/// Whether a host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// The list as the matcher reads it: `*.corp` is `.corp`, entries with a port were looked at before.
fn no_proxy(list: &str) -> String {
    let entries: Vec<_> = list
        .split(',')
        .map(str::trim)
        .filter(|entry| split_port(entry).is_none())
        .map(|entry| match entry.strip_prefix('*') {
            Some(rest) if !rest.is_empty() => rest,
            _ => entry,
        })
        .collect();
    entries.join(",")
}

/// Entries such as `10.0.0.1:6443`, which the matcher does not know.
fn exempt_with_port(server: &Uri, list: &str) -> bool {
    let host = server.host().unwrap_or_default();
    let port = server
        .port_u16()
        .unwrap_or(if server.scheme_str() == Some("http") {
            80
        } else {
            443
        });
    list.split(',')
        .filter_map(|entry| split_port(entry.trim()))
        .any(|(entry, at)| {
            at == port
                && Matcher::builder()
                    .all("http://x")
                    .no(no_proxy(entry))
                    .build()
                    .intercept(server)
                    .is_none()
                && !host.is_empty()
        })
}

/// `host:port`; an IPv6 address without brackets is no such thing.
fn split_port(entry: &str) -> Option<(&str, u16)> {
    let (host, port) = entry.rsplit_once(':')?;
    if host.contains(':') && !host.ends_with(']') {
        return None;
    }
    Some((host, port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn via(server: &'static str, proxy_url: Option<&str>, no: &str) -> Option<String> {
        let env = ProxyEnv {
            https: "http://proxy.corp:3128".to_owned(),
            http: String::new(),
            no: no.to_owned(),
        };
        decide(&Uri::from_static(server), proxy_url, &env)
            .unwrap()
            .map(|proxy| proxy.uri().to_string())
    }

    #[test]
    fn no_proxy_is_compared_with_the_server() {
        let through = Some("http://proxy.corp:3128/".to_owned());
        for (server, no, expected) in [
            ("https://10.4.0.1:6443", "", &through),
            ("https://10.4.0.1:6443", "10.0.0.0/8", &None),
            ("https://10.4.0.1:6443", "10.4.0.1", &None),
            ("https://10.4.0.1:6443", "10.4.0.1:6443", &None),
            ("https://10.4.0.1:6443", "10.4.0.1:443", &through),
            ("https://10.4.0.1:6443", "proxy.corp", &through),
            ("https://k8s.example.com", ".example.com", &None),
            ("https://k8s.example.com", "*.example.com", &None),
            ("https://k8s.example.com", "example.com", &None),
            ("https://k8s.badexample.com", "example.com", &through),
            ("https://k8s.example.com", "*", &None),
            ("https://127.0.0.1:6443", "", &None),
            ("https://localhost:6443", "", &None),
            ("https://[::1]:6443", "", &None),
        ] {
            assert_eq!(&via(server, None, no), expected, "{server} with NO_PROXY={no}");
        }
    }

    #[test]
    fn the_kubeconfig_wins_over_the_environment() {
        assert_eq!(
            via("https://10.4.0.1:6443", Some("socks5://gate:1080"), "10.4.0.1").as_deref(),
            Some("socks5://gate:1080/")
        );
        let error = decide(
            &Uri::from_static("https://10.4.0.1"),
            Some("ftp://gate"),
            &ProxyEnv::default(),
        );
        assert!(error.is_err());
    }
}
