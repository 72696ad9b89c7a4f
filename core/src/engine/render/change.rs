//! What was done, would be done, or failed.

use super::{
    safe::{capitalised, line},
    stage::Writer,
};
use crate::{
    call::{Access, Planned, Why},
    output::{Change, ChangeItem, Outcome, Verb, size::counted},
};

/// More names than this in a row are counted.
const NAMES: usize = 40;

pub(super) fn render(change: &Change, out: &mut Writer<'_>) {
    let (heading, covers_the_only_item) = heading(change);
    out.line(&heading);
    items(&change.items, covers_the_only_item, out);
    out.notes(&change.notes);
    out.next(&change.next);
}

/// The first line, and whether it says all there is to say of the only object but its difference.
fn heading(change: &Change) -> (String, bool) {
    if !change.heading.is_empty() {
        let only_done = matches!(change.items.as_slice(), [only] if only.error.is_none());
        return (capitalised(&line(&change.heading)), only_done);
    }
    match change.items.as_slice() {
        [] => ("Nothing to do".to_owned(), true),
        [only] if only.error.is_none() => {
            let verb = match only.result {
                Outcome::Unchanged => "unchanged",
                Outcome::Planned => "would be changed",
                _ => only.verb.past(),
            };
            (format!("{} {}", capitalised(verb), named(only)), true)
        }
        items => {
            let count = |result: Outcome| items.iter().filter(|item| item.result == result).count();
            let parts: Vec<String> = [
                (count(Outcome::Done), "done"),
                (count(Outcome::Unchanged), "unchanged"),
                (count(Outcome::Planned), "planned"),
                (count(Outcome::Failed), "failed"),
            ]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
            (
                format!("{}: {}", counted(items.len(), "object"), parts.join(", ")),
                false,
            )
        }
    }
}

pub(super) fn render_planned(planned: &Planned, out: &mut Writer<'_>) {
    let summary = would(planned);
    match &planned.why {
        Why::DryRun => {
            out.line(&format!("DRY RUN, nothing changed. {summary}"));
            body(planned, out);
            out.line("To do it: the same call without dry_run.");
            out.next(&planned.next);
        }
        Why::Consent {
            code,
            rejected,
            access,
        } => {
            if let Some(reason) = rejected {
                out.line(&format!("Not accepted: {}. This is the plan now.", line(reason)));
            }
            let (head, what) = match access {
                Access::Exec => ("NOT RUN YET", "exec"),
                _ if planned.plan.items.iter().all(|item| item.verb == Verb::Delete) => {
                    ("NOT DONE YET", "deleting")
                }
                _ => ("NOT DONE YET", "this change"),
            };
            out.line(&format!("{head}: {what} needs the user's consent."));
            out.line(&summary);
            body(planned, out);
            out.next(&planned.next);
            out.line(&format!(
                "Ask the user. If they agree, repeat this call with confirm={} within 5 minutes.",
                line(code)
            ));
        }
    }
}

pub(super) fn render_question(planned: &Planned, out: &mut Writer<'_>) {
    out.line(&would(planned));
    body(planned, out);
}

/// `Would label 2 pods in shop (app=web):`
fn would(planned: &Planned) -> String {
    let summary = planned.plan.summary.as_str();
    let summary = match planned.plan.items.as_slice() {
        [only] if summary.is_empty() => format!("{} {}", only.verb.infinitive(), named(only)),
        items if summary.is_empty() => format!("change {}", counted(items.len(), "object")),
        _ => summary.to_owned(),
    };
    format!("Would {}:", line(summary.trim_end_matches([':', '.'])))
}

fn body(planned: &Planned, out: &mut Writer<'_>) {
    let redacted = |text: &str, out: &Writer<'_>| out.redactor().text(text).into_owned();
    let items_of_plan: Vec<ChangeItem> = planned
        .plan
        .items
        .iter()
        .map(|item| ChangeItem {
            diff: redacted(&item.diff, out),
            error: item.error.as_deref().map(|error| redacted(error, out)),
            ..item.clone()
        })
        .collect();
    // A summary that names the only object needs no line that does so again.
    let is_named = matches!(items_of_plan.as_slice(), [only] if would(planned).contains(&named(only)));
    items(&items_of_plan, is_named, out);
    let notes: Vec<String> = planned
        .plan
        .notes
        .iter()
        .map(|note| redacted(note, out))
        .collect();
    out.notes(&notes);
}

/// The objects: those with the same outcome and difference together.
fn items(items: &[ChangeItem], is_in_the_heading: bool, out: &mut Writer<'_>) {
    let mut groups: Vec<Vec<&ChangeItem>> = Vec::new();
    for item in items {
        let same = |group: &&mut Vec<&ChangeItem>| {
            group.first().is_some_and(|first| {
                (
                    first.verb,
                    &first.kind,
                    first.result,
                    &first.diff,
                    &first.error,
                    &first.namespace,
                ) == (
                    item.verb,
                    &item.kind,
                    item.result,
                    &item.diff,
                    &item.error,
                    &item.namespace,
                )
            })
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(item),
            None => groups.push(vec![item]),
        }
    }
    let mut shown = 0;
    for group in groups {
        let Some(first) = group.first() else { continue };
        if out.room() < 150 && shown > 0 {
            out.line(&format!("({} more)", counted(items.len() - shown, "object")));
            return;
        }
        if !is_in_the_heading {
            out.line(&title(&group, first));
        }
        out.diff(&first.diff);
        shown += group.len();
    }
}

/// `Pod shop/a, b, c: unchanged`
fn title(group: &[&ChangeItem], first: &ChangeItem) -> String {
    let others: Vec<&str> = group
        .iter()
        .skip(1)
        .take(NAMES)
        .map(|item| item.name.as_str())
        .collect();
    let mut text = named(first);
    for name in &others {
        text.push_str(", ");
        text.push_str(&line(name));
    }
    let more = group.len() - 1 - others.len();
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    match (first.result, &first.error) {
        (_, Some(error)) => text.push_str(&format!(": failed: {}", line(error))),
        (Outcome::Failed, None) => text.push_str(": failed"),
        (Outcome::Unchanged, None) => text.push_str(": unchanged"),
        (Outcome::Done, None) if first.diff.is_empty() => text.push_str(&format!(": {}", first.verb.past())),
        _ => {}
    }
    text
}

fn named(item: &ChangeItem) -> String {
    let name = match &item.namespace {
        Some(namespace) => format!("{} {namespace}/{}", item.kind, item.name),
        None => format!("{} {}", item.kind, item.name),
    };
    line(&name).into_owned()
}
