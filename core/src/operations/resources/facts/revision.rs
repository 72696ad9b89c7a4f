//! The revision of a deployment before the present one.

use serde_json::Value;

use super::Image;
use crate::{
    Error,
    call::Cx,
    cluster::ListQuery,
    operations::{builtin, locate::Found, resources::owners::controller, scan, selection::of_workload},
};

/// The replica set of the highest revision below the deployment's own; none if it is gone, or never was.
pub(super) async fn before(cx: &Cx, deployment: &Found) -> Result<Option<Value>, Error> {
    let Some(now) = revision(&deployment.object) else {
        return Ok(None);
    };
    let query = ListQuery {
        selector: of_workload(&deployment.object),
        ..ListQuery::default()
    };
    let uid = &deployment.object["metadata"]["uid"];
    let mut newest: Option<(u64, Value)> = None;
    scan::objects(
        cx,
        &builtin::replica_sets(),
        deployment.namespace(),
        &query,
        |set| {
            let is_own = controller(&set).is_some_and(|owner| owner["uid"] == *uid);
            let revision = revision(&set).filter(|revision| is_own && *revision < now);
            if let Some(revision) = revision
                && newest.as_ref().is_none_or(|(known, _)| revision > *known)
            {
                newest = Some((revision, set));
            }
        },
    )
    .await?;
    Ok(newest.map(|(_, set)| set))
}

fn revision(object: &Value) -> Option<u64> {
    object["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
        .as_str()?
        .parse()
        .ok()
}

/// Tells of each image what it was before, where it was another.
pub(super) fn compare(images: &mut [Image], former: &[Image]) {
    for Image {
        container,
        image,
        before,
    } in images
    {
        let former = former.iter().find(|former| former.container == *container);
        *before = former.filter(|former| former.image != *image).map(|former| {
            match former.image.strip_prefix(repository(image)) {
                Some(tag) if tag.starts_with([':', '@']) => tag[1..].to_owned(),
                _ => former.image.clone(),
            }
        });
    }
}

/// An image without tag and digest.
fn repository(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    match image.rsplit_once(':') {
        // The port of a registry is no tag.
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => image,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn former_images_are_told_by_what_differs() {
        let image = |image: &str| Image {
            container: "web".to_owned(),
            image: image.to_owned(),
            before: None,
        };
        let before = |now: &str, former: &str| {
            let mut images = [image(now)];
            compare(&mut images, &[image(former)]);
            images[0].before.clone()
        };
        assert_eq!(before("r.io:5000/web:2", "r.io:5000/web:1").as_deref(), Some("1"));
        assert_eq!(
            before("r.io:5000/web", "r.io:5000/web@sha256:a").as_deref(),
            Some("sha256:a")
        );
        assert_eq!(
            before("r.io/web:2", "r.io/cart:2").as_deref(),
            Some("r.io/cart:2")
        );
        assert_eq!(before("web:2", "website:1").as_deref(), Some("website:1"));
        assert_eq!(before("web:2", "web:2"), None);
    }
}
