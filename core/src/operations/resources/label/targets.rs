//! The objects that a selector selects, for a change.

use std::ops::ControlFlow;

use serde_json::Value;

use crate::{
    Error,
    call::Cx,
    cluster::Resource,
    operations::{names::name_of, selection::Selection},
    output::Next,
};

/// More objects than this are not changed in one call: a plan has to be readable.
const MOST: usize = 100;

/// The objects, by name.
///
/// # Errors
/// If the selector selects everything, or too much.
pub(super) async fn selected(
    cx: &Cx,
    resource: &Resource,
    namespace: Option<&str>,
    selection: &Selection,
) -> Result<Vec<Value>, Error> {
    if *selection == Selection::default() {
        return Err(Error::invalid(
            "selector: expected labels such as app=web; nothing was done",
        ));
    }
    let mut objects = Vec::new();
    let mut seen = 0;
    cx.client()
        .for_each(resource, namespace, &selection.query(), |object| {
            seen += 1;
            if objects.len() <= MOST {
                cx.redactor().observe(&object);
                objects.push(object);
            }
            ControlFlow::Continue(())
        })
        .await?;
    if seen > MOST {
        return Err(Error::invalid(format!(
            "{seen} {} match{}; at most {MOST} are changed in one call: narrow the selector; nothing was done",
            resource.plural,
            selection.words()
        ))
        .next(
            Next::op("resources.list")
                .arg("kind", &resource.kind)
                .arg_if("namespace", namespace)
                .arg_if("selector", selection.labels.as_deref()),
        ));
    }
    objects.sort_by(|a, b| name_of(a).cmp(name_of(b)));
    Ok(objects)
}
