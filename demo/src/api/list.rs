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
    status::{Cause, Failure, Result},
    store::{Page, Place},
};

/// `GET` of many.
pub(crate) fn list(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let parameters = &asked.parameters;
    let form = Form::of(asked, target)?;
    let selection = Selection::of(&target.served, parameters)?;
    check_match(parameters, false)?;
    let (at, after) = start(api, parameters)?;
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
    let found = found.ok_or_else(|| match &after {
        Some(place) => Failure::expired_list(token(None, place)),
        None => Failure::expired("The resourceVersion for the provided list is too old."),
    })?;
    let last = found.objects.last().filter(|_| found.remaining > 0);
    let meta = ListMeta {
        revision: Some(found.revision),
        next: last.map(|object| {
            let place = (object.namespace().to_owned(), object.name().to_owned());
            token(Some(found.revision), &place)
        }),
        remaining: last.filter(|_| everything).map(|_| found.remaining),
    };
    let objects = found.objects.iter().map(AsRef::as_ref);
    Ok(json_response(200, form.list(objects, &meta, api.clock.now())?))
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
    let list = form.list(objects.iter(), &ListMeta::default(), api.clock.now())?;
    Ok(json_response(200, list))
}

/// Of which revision a list is, if not of the last, and after which object it begins.
fn start(api: &Api, parameters: &Parameters) -> Result<(Option<u64>, Option<Place>)> {
    let version = parameters.get("resourceVersion");
    if let Some(token) = parameters.get("continue") {
        if version.is_some_and(|version| version != "0") {
            return Err(Failure::bad_request(
                "specifying resource version is not allowed when using continue",
            ));
        }
        let (revision, place) = read_token(token).map_err(|why| {
            Failure::bad_request(format!(
                "invalid continue token: continue key is not valid: {why}"
            ))
        })?;
        return Ok((revision, Some(place)));
    }
    let Some(revision) =
        revision(version).map_err(|why| Failure::bad_request(format!("invalid resource version: {why}")))?
    else {
        return Ok((None, None));
    };
    let current = api.store.revision();
    if revision > current {
        return Err(Failure::too_large(revision, current));
    }
    // A limit makes the revision mean what it says.
    let exact = match parameters.get("resourceVersionMatch") {
        Some(matching) => matching == "Exact",
        None => parameters.get("limit").is_some_and(|limit| limit != "0"),
    };
    Ok((Some(revision).filter(|_| exact), None))
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

/// The revision that a `resourceVersion` means; `None` for any, be it not given or 0.
pub(crate) fn revision(version: Option<&str>) -> std::result::Result<Option<u64>, String> {
    let Some(text) = version else {
        return Ok(None);
    };
    match text.parse() {
        Ok(revision) => Ok(Some(revision).filter(|revision| *revision > 0)),
        Err(_) => Err(format!(
            "resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
        )),
    }
}

/// Checks the parameters that say which revision is meant, of a list or of a watch.
///
/// # Errors
/// 422 if they do not go together.
pub(crate) fn check_match(parameters: &Parameters, watches: bool) -> Result<()> {
    const MATCH: &str = "resourceVersionMatch";
    let initial = parameters.get("sendInitialEvents").is_some();
    let version = parameters.get("resourceVersion");
    let matching = parameters.get(MATCH);
    let goes_on = parameters.get("continue").is_some();
    let listed = matching.filter(|_| !watches);
    let forbidden = [
        (
            watches && initial && matching != Some("NotOlderThan"),
            MATCH,
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ),
        (
            watches && !initial && matching.is_some(),
            MATCH,
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        ),
        (
            !watches && initial,
            "sendInitialEvents",
            "sendInitialEvents is forbidden for list",
        ),
        (
            listed.is_some() && goes_on,
            MATCH,
            "resourceVersionMatch is forbidden when continue is provided",
        ),
        (
            listed.is_some() && version.is_none(),
            MATCH,
            "resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        (
            listed == Some("Exact") && version == Some("0"),
            MATCH,
            "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
        ),
    ];
    let cause = |reason, message, field: &str| Cause {
        reason,
        message,
        field: field.to_owned(),
    };
    let forbidden = forbidden.into_iter().filter(|(broken, ..)| *broken);
    let unknown = listed.filter(|matching| !matches!(*matching, "Exact" | "NotOlderThan"));
    let causes: Vec<Cause> = forbidden
        .map(|(_, field, why)| cause("FieldValueForbidden", format!("Forbidden: {why}"), field))
        .chain(unknown.map(|unknown| {
            let why = format!(
                "Unsupported value: {unknown:?}: supported values: \"Exact\", \"NotOlderThan\", \"\""
            );
            cause("FieldValueNotSupported", why, MATCH)
        }))
        .collect();
    match causes.is_empty() {
        true => Ok(()),
        false => Err(Failure::invalid_of("meta.k8s.io", "ListOptions", "", causes)),
    }
}

/// How the list goes on after this object: as it was at a revision, or as it is then.
fn token(revision: Option<u64>, (namespace, name): &Place) -> String {
    let revision = revision.map_or_else(|| json!(-1), |revision| json!(revision));
    let token = json!({"v": "meta.k8s.io/v1", "rv": revision, "start": format!("{namespace}/{name}\0")});
    BASE64_URL_SAFE_NO_PAD.encode(token.to_string())
}

fn read_token(token: &str) -> std::result::Result<(Option<u64>, Place), String> {
    let json = BASE64_URL_SAFE_NO_PAD
        .decode(token)
        .map_err(|error| format!("illegal base64 data: {error}"))?;
    let token: Value = serde_json::from_slice(&json).map_err(|error| error.to_string())?;
    match token.text("/v") {
        "meta.k8s.io/v1" => {}
        version => {
            return Err(format!(
                "server does not recognize this encoded version {version}"
            ));
        }
    }
    let (namespace, name) = token
        .text("/start")
        .trim_end_matches('\0')
        .split_once('/')
        .ok_or("no start key")?;
    Ok((token["rv"].as_u64(), (namespace.to_owned(), name.to_owned())))
}
