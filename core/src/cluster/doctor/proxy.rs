//! Proxies on the way.

use super::Finding;
use crate::cluster::proxy::ProxyEnv;

/// The environment's proxies.
pub fn proxy() -> Finding {
    let ProxyEnv { https, http, no } = ProxyEnv::from_env();
    let named: Vec<String> = [("HTTPS_PROXY", https), ("HTTP_PROXY", http), ("NO_PROXY", no)]
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    match named.as_slice() {
        [] => Finding::ok("proxy", "none in the environment"),
        named => Finding::ok("proxy", named.join(", ")),
    }
}
