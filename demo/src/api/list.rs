//! Listing.

use std::sync::Arc;

use http::Response;

use super::{
    front::{Asked, Body},
    present,
    route::Target,
    server::Api,
    status::Result,
};

/// `GET` of many.
pub(crate) fn list(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let (objects, revision) = api
        .store
        .list(&target.kind.resource(), target.namespace.as_deref(), None);
    present::list(api, asked, target, &objects, revision)
}
