//! What came of waiting.

use std::{collections::HashMap, time::Duration};

use super::{
    judge::Outlook,
    tally::{Pending, Tally},
    until::Until,
};
use crate::{
    Error,
    call::Cx,
    cluster::Resource,
    nearest::nearest,
    operations::{
        names,
        next::look_into,
        selection::{Selection, of_workload},
        workloads,
    },
    output::{Column, Next, ObjectId, Role, Row, Scope, Table, Total},
};

/// Rows that are shown.
const ROWS: usize = 50;

/// What was waited for.
pub(super) struct Waited<'a> {
    pub(super) until: &'a Until,
    pub(super) resource: &'a Resource,
    /// All of them if none.
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    pub(super) selection: Selection,
    pub(super) timeout: Option<u64>,
    /// What was remarkable before the wait began.
    pub(super) notes: Vec<String>,
}

/// Why the wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// There was nothing to wait for.
    AtOnce,
    /// It is as it was waited for.
    Done,
    /// The time is over.
    TimeOver,
    /// Waiting cannot help.
    Over,
    /// There is no object that could become so.
    Empty,
}

impl Waited<'_> {
    /// Whether a selector has to select something.
    pub(super) fn needs_some(&self) -> bool {
        self.name.is_none() && !matches!(self.until, Until::Gone | Until::There)
    }

    /// `Pod shop/web`, `pods app=web in shop`
    pub(super) fn subject(&self) -> String {
        let Resource { kind, plural, .. } = self.resource;
        match (&self.name, &self.namespace) {
            (Some(name), Some(namespace)) => format!("{kind} {namespace}/{name}"),
            (Some(name), None) => format!("{kind} {name}"),
            (None, Some(namespace)) => format!("{plural}{} in {namespace}", self.selection.words()),
            (None, None) => format!("{plural}{}", self.selection.words()),
        }
    }

    /// The same wait, without a name and namespace, to be suggested with others.
    pub(super) fn again(&self) -> Next {
        Next::op("resources.wait")
            .arg("kind", &self.resource.kind)
            .arg_if("selector", self.selection.labels.as_deref())
            .arg("until", self.until.to_string())
            .arg_if("timeout", self.timeout.map(|seconds| seconds.to_string()))
    }

    /// The call that shows what there is.
    pub(super) fn list(&self) -> Next {
        Next::op("resources.list")
            .arg("kind", &self.resource.kind)
            .arg_if("namespace", self.namespace.as_deref())
    }

    /// The answer.
    pub(super) async fn answer(
        mut self,
        cx: &Cx,
        tally: Tally<'_>,
        ended: Ended,
        took: Duration,
    ) -> Result<Table, Error> {
        let is_done = matches!(ended, Ended::AtOnce | Ended::Done);
        let heading = match is_done {
            true => self.done(&tally, ended, took),
            false => self.not_done(&tally, took),
        };
        let mut notes = std::mem::take(&mut self.notes);
        if is_done && tally.is_replaced {
            notes.push("another of that name is there: it was created after".to_owned());
        }
        if !tally.unselected.is_empty() {
            let still = names::listed(&tally.unselected);
            notes.push(format!("no longer selected, but still there: {still}"));
        }
        if ended == Ended::AtOnce && tally.total() == 0 {
            notes.extend(self.nearest(cx).await);
        }
        if !is_done && let Some(hope) = hope(&tally) {
            notes.push(hope);
        }
        if let Some(error) = &tally.polling {
            notes.push(format!(
                "looked every 2 s in place of watching: {}",
                error.message
            ));
        }
        if let Some(error) = &tally.lost {
            notes.push(format!("the state may be an old one: {}", error.message));
        }
        let (total, so) = (tally.not_yet.len(), tally.done());
        let state = Total {
            name: self.until.state().to_owned(),
            count: so,
        };
        let worst = tally.into_worst(ROWS)?;
        let mut table = self.table(&worst);
        table.heading = Some(heading);
        table.notes = notes;
        table.total = total;
        table.totals = std::iter::once(state).filter(|state| state.count > 0).collect();
        if let Some(first) = worst.first() {
            explain(cx, &worst, &mut table).await;
            table.next.push(look_into(&first.id));
        } else if !is_done {
            table.next.push(self.list());
        }
        Ok(table)
    }

    /// `Deployment shop/web: rolled out after 38 s: revision 9, 3 of 3 ready, image 2.13.4`
    fn done(&self, tally: &Tally<'_>, ended: Ended, took: Duration) -> String {
        let (subject, done) = (self.subject(), tally.done());
        if done == 0 {
            let none = if self.name.is_none() { "No " } else { "" };
            return format!("{none}{subject}: not there: deleted before, or never there");
        }
        let count = match self.name {
            Some(_) => String::new(),
            None => format!("{done} of {done} "),
        };
        let state = match self.until {
            Until::Condition { name, status } => format!("condition {name} {status}"),
            Until::Path { .. } => self.until.to_string(),
            until => until.state().to_owned(),
        };
        let when = match ended {
            Ended::AtOnce => "already".to_owned(),
            _ => format!("after {} s", took.as_secs()),
        };
        let words = match tally.words() {
            words if self.name.is_some() && !words.is_empty() => format!(": {words}"),
            _ => String::new(),
        };
        format!("{count}{subject}: {state} {when}{words}")
    }

    /// `Not ready after 30 s: 0 of 1 pods match "ready"`
    fn not_done(&self, tally: &Tally<'_>, took: Duration) -> String {
        let how = match (&self.name, tally.total()) {
            (Some(_), 0) if tally.is_gone => format!("{} was deleted meanwhile", self.subject()),
            (Some(_), 0) => format!("there is no {}", self.subject()),
            (None, 0) => format!("there are no {}", self.subject()),
            (_, total) => format!(
                "{} of {total} {} match \"{}\"",
                tally.done(),
                self.resource.plural,
                self.until
            ),
        };
        let after = match took.as_secs() {
            0 => String::new(),
            seconds => format!(" after {seconds} s"),
        };
        format!("Not {}{after}: {how}", self.until.state())
    }

    /// What was to be deleted and is not there may be a name that was mistaken.
    async fn nearest(&self, cx: &Cx) -> Option<String> {
        let name = self.name.as_deref()?;
        let known = names::names_of(cx, self.resource, self.namespace.as_deref())
            .await
            .ok()?;
        let near = nearest(name, known.iter().map(String::as_str))?;
        Some(format!("nearest name that is there: {near}"))
    }

    fn table(&self, worst: &[Pending]) -> Table {
        let with_namespaces = self.resource.namespaced && self.namespace.is_none();
        let columns = [
            ("NAME", Role::Name),
            ("STATUS", Role::Status),
            ("REASON", Role::Text),
        ];
        let namespace = with_namespaces.then(|| Column::new("NAMESPACE", Role::Namespace));
        let columns = namespace
            .into_iter()
            .chain(columns.map(|(header, role)| Column::new(header, role)))
            .collect();
        let scope = match &self.namespace {
            Some(namespace) => Scope::Namespace(namespace.clone()),
            None if self.resource.namespaced => Scope::AllNamespaces,
            None => Scope::Cluster,
        };
        let rows = worst
            .iter()
            .map(|pending| row(pending, with_namespaces))
            .collect();
        Table::of(self.subject(), scope, columns, rows)
    }
}

fn row(Pending { id, sight, .. }: &Pending, with_namespace: bool) -> Row {
    let verdict = &sight.verdict;
    // `ImagePullBackOff: …` stands beside the same word.
    let reason = verdict
        .reason
        .strip_prefix(&*verdict.word)
        .filter(|_| !verdict.word.is_empty())
        .map_or(&*verdict.reason, |rest| {
            rest.trim_start_matches([':', ',']).trim_start()
        });
    let namespace = with_namespace.then(|| id.namespace.clone().unwrap_or_default());
    let cells = [id.name.clone(), verdict.word.to_string(), reason.to_owned()];
    Row {
        id: id.clone(),
        health: verdict.health,
        status: verdict.word.to_string(),
        ready: verdict.ready,
        cells: namespace.into_iter().chain(cells).collect(),
        ..Row::default()
    }
}

/// What to say of waiting longer, if it does not help.
fn hope(tally: &Tally<'_>) -> Option<String> {
    let hopeless = tally
        .not_yet
        .values()
        .filter(|pending| pending.sight.outlook > Outlook::Open);
    match (hopeless.count(), tally.not_yet.len()) {
        (0, _) => None,
        (hopeless, all) if hopeless == all => Some("Waiting longer will not help.".to_owned()),
        (hopeless, all) => Some(format!(
            "Waiting longer will not help {hopeless} of the {all} below."
        )),
    }
}

/// Adds to workloads what their pods suffer from.
async fn explain(cx: &Cx, worst: &[Pending], table: &mut Table) {
    let selectors: HashMap<ObjectId, String> = worst
        .iter()
        .filter(|pending| pending.sight.verdict.ready.is_some() && pending.id.kind != "Pod")
        .filter_map(|pending| Some((pending.id.clone(), of_workload(&pending.object)?)))
        .collect();
    workloads::pods::explain(cx, table, &selectors).await;
}
