//! Listing, whole or page by page.
//!
//! All pages of a list are of the revision of its first: what has changed since is taken back from the log.

use std::sync::Arc;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::Response;
use serde_json::{Value, json};

use super::{
    front::{Asked, Body, json_response},
    object::{Meta as _, Object},
    present::{Form, ListMeta},
    query::Selection,
    route::{Parameters, Target},
    server::Api,
    status::{Failure, Result},
    store::{Page, Place},
};

/// `GET` of many.
pub(crate) fn list(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let parameters = &asked.parameters;
    let form = Form::of(asked, target)?;
    let selection = Selection::of(&target.served, parameters)?;
    let (at, after) = start(parameters)?;
    let page = Page {
        resource: &target.kind.resource(),
        namespace: target.namespace.as_deref(),
        after: after.as_ref(),
        at,
        limit: match number(parameters, "limit")? {
            Some(limit) if limit > 0 => usize::try_from(limit).unwrap_or(usize::MAX),
            _ => usize::MAX,
        },
    };
    let wanted = |object: &Value| selection.selects(object);
    let everything = selection.is_everything();
    let found = match everything {
        true => api.store.page(&page, None),
        false => api.store.page(&page, Some(&wanted)),
    };
    let found = found.ok_or_else(|| {
        Failure::expired("The list is of a revision that is too old. Start a new list without continue.")
    })?;
    let last = found.objects.last().filter(|_| found.remaining > 0);
    let meta = ListMeta {
        revision: Some(found.revision),
        next: last.map(|object| {
            let place = (object.namespace().to_owned(), object.name().to_owned());
            token(found.revision, &place)
        }),
        remaining: last.filter(|_| everything).map(|_| found.remaining),
    };
    let objects = found.objects.iter().map(AsRef::as_ref);
    Ok(json_response(200, form.list(objects, &meta, api.clock.now())))
}

/// The answer to `GET` of many that are not kept but made for it, as metrics are.
pub(crate) fn made(api: &Api, asked: &Asked, target: &Target, objects: Vec<Value>) -> Result<Response<Body>> {
    let form = Form::of(asked, target)?;
    let selection = Selection::of(&target.served, &asked.parameters)?;
    let objects: Vec<Object> = objects
        .into_iter()
        .filter(|object| selection.selects(object))
        .map(|object| Object::new(object, 0))
        .collect();
    let list = form.list(objects.iter(), &ListMeta::default(), api.clock.now());
    Ok(json_response(200, list))
}

/// Of which revision a list is, if not of the last, and after which object it begins.
fn start(parameters: &Parameters) -> Result<(Option<u64>, Option<Place>)> {
    if let Some(token) = parameters.get("continue") {
        let read = read_token(token).ok_or_else(|| Failure::bad_request("invalid continue token"))?;
        return Ok((Some(read.0), Some(read.1)));
    }
    let exact = parameters.get("resourceVersionMatch") == Some("Exact");
    Ok((revision(parameters)?.filter(|_| exact), None))
}

/// A parameter that is a number.
///
/// # Errors
/// 400.
pub(crate) fn number(parameters: &Parameters, name: &str) -> Result<Option<i64>> {
    let Some(text) = parameters.get(name) else {
        return Ok(None);
    };
    let number = text
        .parse()
        .map_err(|_| Failure::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax")))?;
    Ok(Some(number))
}

/// The revision that `resourceVersion` means; `None` for any, be it not given or 0.
///
/// # Errors
/// 400.
pub(crate) fn revision(parameters: &Parameters) -> Result<Option<u64>> {
    let Some(text) = parameters.get("resourceVersion") else {
        return Ok(None);
    };
    let revision = text
        .parse()
        .map_err(|_| Failure::bad_request(format!("invalid resource version: {text:?}")))?;
    Ok(Some(revision).filter(|revision| *revision > 0))
}

/// How the list of a revision goes on after this object.
fn token(revision: u64, (namespace, name): &Place) -> String {
    let token = json!({"v": "meta.k8s.io/v1", "rv": revision, "start": format!("{namespace}/{name}")});
    BASE64_URL_SAFE_NO_PAD.encode(token.to_string())
}

fn read_token(token: &str) -> Option<(u64, Place)> {
    let json = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
    let token: Value = serde_json::from_slice(&json).ok()?;
    let (namespace, name) = token.text("/start").split_once('/')?;
    Some((token["rv"].as_u64()?, (namespace.to_owned(), name.to_owned())))
}
