//! What binds a service account to a role.

use serde_json::Value;

use super::entry;
use crate::{
    Error, ErrorKind,
    call::Cx,
    cluster::{ListQuery, Resource},
    operations::{
        builtin,
        resources::{
            gathered::{Gathered, Rows},
            pod_spec::items,
        },
        scan,
    },
};

/// Adds the bindings whose subject an account is, alone or as one of all accounts of its namespace or the cluster:
/// those of all namespaces, as an account may have rights anywhere.
pub(super) async fn of_account(
    cx: &Cx,
    namespace: &str,
    name: &str,
    gathered: &mut Gathered,
) -> Result<(), Error> {
    let (roles, cluster_roles) = (builtin::role_bindings(), builtin::cluster_role_bindings());
    let (mut bound, bound_everywhere) = futures::join!(
        read(cx, &roles, None, namespace, name),
        read(cx, &cluster_roles, None, namespace, name)
    );
    if bound
        .as_ref()
        .is_err_and(|error| error.kind == ErrorKind::Forbidden)
    {
        bound = read(cx, &roles, Some(namespace), namespace, name).await;
        if bound.is_ok() {
            let note =
                format!("rolebindings of {namespace} only: those of other namespaces may not be listed");
            gathered.notes.push(note);
            gathered.is_partial = true;
        }
    }
    gathered.add(&roles, bound)?;
    gathered.add(&cluster_roles, bound_everywhere)
}

async fn read(
    cx: &Cx,
    resource: &Resource,
    within: Option<&str>,
    namespace: &str,
    name: &str,
) -> Result<Rows, Error> {
    let mut entries = Vec::new();
    let complete = scan::objects(cx, resource, within, &ListQuery::default(), |binding| {
        let bound_in = binding["metadata"]["namespace"].as_str();
        let subjects = &binding["subjects"];
        let Some(how) = items(subjects).find_map(|subject| binds(subject, bound_in, namespace, name)) else {
            return;
        };
        // Every cluster comes with rights that all accounts have.
        let is_usual = !binding["metadata"]["labels"]["kubernetes.io/bootstrapping"].is_null();
        if is_usual && !how.is_empty() {
            return;
        }
        let text = |field: &str| binding["roleRef"][field].as_str().unwrap_or_default().to_owned();
        let detail = format!("{} {}{how}", text("kind"), text("name"));
        entries.push(entry(resource, &binding, detail));
    })
    .await?;
    Ok(Rows { entries, complete })
}

/// Whether a subject of a binding is the account, and by which group where it is one of many.
fn binds(subject: &Value, bound_in: Option<&str>, namespace: &str, name: &str) -> Option<String> {
    let subject_name = subject["name"].as_str()?;
    match subject["kind"].as_str()? {
        "ServiceAccount" => {
            // Left out, it is the binding's own.
            let within = subject["namespace"].as_str().or(bound_in);
            (subject_name == name && within == Some(namespace)).then(String::new)
        }
        "User" => (subject_name == format!("system:serviceaccount:{namespace}:{name}")).then(String::new),
        "Group" => {
            let group = subject_name.strip_prefix("system:serviceaccounts")?;
            (group.is_empty() || group.strip_prefix(':') == Some(namespace))
                .then(|| format!(" by group {subject_name}"))
        }
        _ => None,
    }
}
