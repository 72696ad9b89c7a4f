//! The pods that cannot do without an object, told by workload.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Error,
    call::Cx,
    cluster::ListQuery,
    operations::{
        builtin,
        mixed::Entry,
        resources::{
            gathered::Gathered,
            pod_spec::{Needed, Pod},
            workload_of::{Workload, join_cron_jobs, workload_of},
        },
        scan,
    },
    output::ObjectId,
};

type Ways = BTreeSet<&'static str>;

/// Adds the workloads whose pods name this object.
pub(super) async fn needing(
    cx: &Cx,
    namespace: &str,
    needed: Needed,
    name: &str,
    gathered: &mut Gathered,
) -> Result<(), Error> {
    let read = read(cx, namespace, needed, name).await;
    let Some((workloads, complete)) = gathered.taken(&builtin::pods(), read.map(Some))? else {
        return Ok(());
    };
    if !complete {
        gathered.cut(&builtin::pods());
    }
    let workloads = join_cron_jobs(cx, namespace, workloads, |ways, more| ways.extend(more)).await;
    let entries = workloads.into_iter().map(|((kind, name), ways)| Entry {
        id: ObjectId {
            cluster: None,
            kind,
            namespace: Some(namespace.to_owned()),
            name,
        },
        own: vec![Vec::from_iter(ways).join(", ")],
        ..Entry::default()
    });
    gathered.entries.extend(entries);
    Ok(())
}

async fn read(
    cx: &Cx,
    namespace: &str,
    needed: Needed,
    name: &str,
) -> Result<(BTreeMap<Workload, Ways>, bool), Error> {
    let mut workloads: BTreeMap<Workload, Ways> = BTreeMap::new();
    let all = ListQuery::default();
    let complete = scan::objects(cx, &builtin::pods(), Some(namespace), &all, |pod| {
        let references = Pod::of(&pod).map(Pod::references).unwrap_or_default();
        let named = references
            .into_iter()
            .find(|named| named.kind == needed && named.name == name);
        if let Some(named) = named {
            workloads.entry(workload_of(&pod)).or_default().extend(named.ways);
        }
    })
    .await?;
    Ok((workloads, complete))
}
