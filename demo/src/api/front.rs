//! From an HTTP request to a verb, and from its outcome to an HTTP response.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use serde_json::Value;

use super::{
    access::{self, User},
    autoscaling, delete, discovery, events, eviction, list, logs, metrics,
    options::Warnings,
    patch, protobuf,
    rbac::{self, Attributes},
    read, reviews,
    route::{self, Parameters, Target},
    scale,
    server::Api,
    status::{Failure, Result},
    token, watch,
    write::{self, Write},
};

/// The body of a response: whole, or a stream of watch events or log lines.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A request, read as far as all verbs need it.
pub(crate) struct Asked {
    pub(crate) user: User,
    pub(crate) method: Method,
    pub(crate) parameters: Parameters,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) warnings: Warnings,
}

/// Answers a request.
pub(crate) async fn respond(api: &Arc<Api>, request: Request<Bytes>) -> Response<Body> {
    let warnings = Warnings::default();
    let mut response = match answer(api, request, &warnings).await {
        Ok(response) => response,
        Err(failure) => json_response(failure.code, failure.to_status().to_string().into()),
    };
    warnings.put(response.headers_mut());
    response
}

async fn answer(api: &Arc<Api>, request: Request<Bytes>, warnings: &Warnings) -> Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let parameters = Parameters::of(&parts.uri);
    let attributes = Attributes::of(&parts.method, &path, &parameters);
    let user = access::user(api, &parts.headers)?;
    rbac::authorize(api, &user, &attributes)?;
    let mut asked = Asked {
        user,
        method: parts.method,
        parameters,
        headers: parts.headers,
        body,
        warnings: warnings.clone(),
    };
    if let Some(target) = route::target(api, &path) {
        if target.served.kind == "Endpoints" {
            warnings.add("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice");
        }
        if target.served.group == events::GROUP {
            asked.body = events::kept(asked.body);
        }
        if autoscaling::is_older(&target.served) {
            autoscaling::keep(&mut asked);
        }
        return verb(api, &asked, &target);
    }
    discovery::answer(api, &asked, &path)
}

/// What the method means for what is asked for: one line a verb.
fn verb(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let beneath = target.subresource.as_deref();
    if target.served.group == metrics::GROUP {
        return metrics::get(api, asked, target);
    }
    let verb = match (asked.method.as_str(), &target.name, beneath) {
        ("GET", None, None) if asked.parameters.flag("watch") => watch::watch,
        ("GET", None, None) => list::list,
        ("GET", Some(_), None | Some("status")) => read::get,
        ("GET", Some(_), Some("log")) => logs::get,
        ("GET", Some(_), Some("scale")) => scale::get,
        ("POST", None, None) if reviews::is_review(&target.kind) => reviews::create,
        ("POST", None, None) => write::create,
        ("POST", Some(_), Some("eviction")) => eviction::create,
        ("POST", Some(_), Some("token")) => token::create,
        ("PUT", Some(_), Some("scale")) => scale::update,
        ("PUT", Some(_), None | Some("status" | "finalize")) => write::update,
        ("PATCH", Some(_), None | Some("status" | "scale")) => patch::patch,
        ("DELETE", None, None) => delete::collection,
        ("DELETE", Some(_), None) => delete::delete,
        (_, Some(_), Some("attach" | "exec" | "portforward" | "proxy")) => {
            return Err(Failure::simulated());
        }
        _ => return Err(Failure::method_not_allowed()),
    };
    verb(api, asked, target)
}

impl Asked {
    /// The body as an object.
    pub(crate) fn object(&self) -> Result<Value> {
        let content = self.headers.get(header::CONTENT_TYPE);
        if content.is_some_and(|content| content.as_bytes().starts_with(protobuf::CONTENT_TYPE.as_bytes())) {
            return protobuf::decode(&self.body);
        }
        serde_json::from_slice(&self.body)
            .map_err(|error| Failure::bad_request(format!("the body of the request is no JSON: {error}")))
    }

    /// How it is meant, where it writes.
    pub(crate) fn write(&self, target: &Target) -> Write {
        Write {
            manager: self.manager(),
            dry_run: self.parameters.get("dryRun") == Some("All"),
            subresource: target.subresource.clone(),
        }
    }
}

/// A response of JSON.
pub(crate) fn json_response(code: u16, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Full::new(body).boxed_unsync());
    *response.status_mut() = http::StatusCode::from_u16(code).unwrap_or_default();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("application/json"),
    );
    response
}
