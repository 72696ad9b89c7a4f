//! Nodes, against what pods may take of them.

use std::collections::HashMap;

use super::{
    Line, Usage,
    near::{Near, ranked},
    percent, source,
};
use crate::{
    Error,
    call::Cx,
    monitoring::metrics::{Amounts, Measure},
    operations::{
        builtin,
        names::{listed, name_of},
        scan,
        selection::Selection,
    },
    output::{Next, ObjectId},
};

pub(super) async fn read(cx: &Cx, selection: &Selection) -> Result<Usage, Error> {
    let query = selection.query();
    let kind = builtin::nodes();
    let mut allocatable: Vec<(String, Amounts)> = Vec::new();
    let (complete, (samples, freshness)) = futures::try_join!(
        scan::objects(cx, &kind, None, &query, |node| {
            let amounts = Amounts::read(&node["status"]["allocatable"]);
            allocatable.push((name_of(&node).to_owned(), amounts));
        }),
        source::samples(cx, builtin::nodes(), None, &query, Next::op("metrics.top")),
    )?;
    let samples: HashMap<String, Amounts> = samples
        .into_iter()
        .map(|sample| (sample.name, sample.used))
        .collect();
    let mut usage = Usage {
        freshness,
        ..Usage::default()
    };
    let (mut all, mut without) = (Amounts::default(), Vec::new());
    for (name, has) in allocatable {
        let Some(&used) = samples.get(&name) else {
            without.push(name);
            continue;
        };
        let id = ObjectId {
            kind: kind.kind.clone(),
            name: name.clone(),
            ..ObjectId::default()
        };
        usage.near.extend(Near::of(
            || name.clone(),
            |measure| (used.of(measure), Some(has.of(measure))),
            || id.clone(),
        ));
        usage.used = usage.used.plus(used);
        all = all.plus(has);
        let against = [Measure::Cpu, Measure::Memory].map(|measure| {
            let (used, has) = (used.of(measure), has.of(measure));
            let percent = percent(used, has).map(|percent| percent.to_string());
            vec![measure.exact(has), percent.unwrap_or_default()]
        });
        usage.lines.push(Line {
            id,
            names: vec![name],
            used,
            against,
        });
    }
    usage.near = ranked(usage.near);
    usage.count = usage.lines.len().to_string();
    usage.of =
        [Measure::Cpu, Measure::Memory].map(|measure| format!(" of {}", measure.exact(all.of(measure))));
    if !without.is_empty() {
        usage.notes.push(format!("no metrics of: {}", listed(&without)));
    }
    if !complete {
        usage
            .notes
            .push("there are more nodes than were read: narrow with selector".to_owned());
    }
    Ok(usage)
}
