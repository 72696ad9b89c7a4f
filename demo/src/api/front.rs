//! From an HTTP request to a verb, and from its outcome to an HTTP response.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::{BodyExt as _, Full, combinators::UnsyncBoxBody};
use serde_json::{Value, json};

use super::{
    access::{self, User},
    discovery,
    object::Object,
    route::{self, Parameters, Target},
    server::Api,
    status::{Failure, Result},
    write::Write,
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
}

/// Answers a request.
pub(crate) async fn respond(api: &Arc<Api>, request: Request<Bytes>) -> Response<Body> {
    match answer(api, request).await {
        Ok(response) => response,
        Err(failure) => json_response(failure.code, failure.to_status().to_string().into()),
    }
}

async fn answer(api: &Arc<Api>, request: Request<Bytes>) -> Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let asked = Asked {
        user: access::user(&parts.headers)?,
        method: parts.method,
        parameters: Parameters::of(&parts.uri),
        headers: parts.headers,
        body,
    };
    if let Some(target) = route::target(api, &path) {
        return verb(api, &asked, &target);
    }
    let value = discovery::answer(api, &path).ok_or_else(Failure::nothing_here)?;
    Ok(json_response(200, value.to_string().into()))
}

/// What the method means for what is asked for.
fn verb(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let kind = &*target.kind;
    let how = Write {
        user: asked.user.clone(),
        manager: asked
            .parameters
            .get("fieldManager")
            .unwrap_or("unknown")
            .to_owned(),
        dry_run: asked.parameters.get("dryRun") == Some("All"),
        subresource: target.subresource.clone(),
    };
    match (&asked.method, &target.name) {
        (&Method::GET, None) => Ok(list(api, target)),
        (&Method::GET, Some(name)) => Ok(one(200, &*api.get(kind, target.place(), name)?)),
        (&Method::POST, None) => Ok(one(
            201,
            &*api.create(kind, target.place(), asked.object()?, &how)?,
        )),
        (&Method::PUT, Some(name)) => {
            let object = asked.object()?;
            Ok(one(
                200,
                &*api.change(kind, target.place(), name, &how, |_| Ok(object.clone()))?,
            ))
        }
        (&Method::DELETE, Some(name)) => {
            let options = if asked.body.is_empty() {
                Value::Null
            } else {
                asked.object()?
            };
            Ok(one(
                200,
                &*api.delete(kind, target.place(), name, &options, &how)?,
            ))
        }
        _ => Err(Failure::method_not_allowed()),
    }
}

impl Asked {
    /// The body as an object.
    fn object(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Failure::bad_request(format!("the body of the request is no JSON: {error}")))
    }
}

fn list(api: &Api, target: &Target) -> Response<Body> {
    let kind = &target.kind;
    let (objects, revision) = api
        .store
        .list(&kind.resource(), target.namespace.as_deref(), None);
    let items: Vec<&Value> = objects.iter().map(|object| object.value()).collect();
    let list = json!({
        "kind": format!("{}List", kind.kind),
        "apiVersion": kind.api_version(),
        "metadata": {"resourceVersion": revision.to_string()},
        "items": items,
    });
    json_response(200, list.to_string().into())
}

fn one(code: u16, object: &Object) -> Response<Body> {
    json_response(code, object.encoded())
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
