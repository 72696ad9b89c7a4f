//! Cross-origin resource sharing (the Fetch standard), for web pages whose origin is allowed: without it a browser
//! keeps the answer from the page, and does not even send a request with JSON in it.

use http::{
    HeaderName, HeaderValue, Method, Request, Response,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, VARY,
    },
};

/// What a page may send.
const METHODS: &str = "GET, POST, DELETE";
const HEADERS: &str = "accept, authorization, content-type, last-event-id, mcp-method, mcp-name, mcp-protocol-version, \
                       mcp-session-id";
/// What a page may read, beside what it always may.
const EXPOSED: &str = "mcp-session-id, www-authenticate";
/// Seconds for which a browser remembers this.
const AGE: &str = "600";

/// Whether a browser asks what a page may send. Such a request carries no token.
pub(super) fn is_preflight<B>(request: &Request<B>) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Says that the page of this origin may read the answer, and what it may send.
pub(super) fn allow<B>(response: &mut Response<B>, origin: HeaderValue) {
    let fixed: [(HeaderName, &'static str); 5] = [
        (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
        (ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED),
        (ACCESS_CONTROL_MAX_AGE, AGE),
        (VARY, "origin"),
    ];
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
}
