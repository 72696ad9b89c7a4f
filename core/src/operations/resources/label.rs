//! `resources.label`: the model of every operation that changes something.
//!
//! It finds its objects, rehearses each change on the API server to get the difference that it will really make,
//! asks for consent to the whole plan, and then carries it out object by object, with uid and resource version as
//! preconditions.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    Error, ErrorKind,
    call::{Cx, KindRef, Plan, Result},
    cluster::{Client, Patch, Preconditions, Resource},
    operation,
    operations::{locate::Wanted, names::name_of, selection::Selection},
    output::{Change, ChangeItem, Next, ObjectId, Outcome, Verb},
};

mod targets;

/// How often a change is tried again when something else changed the object meanwhile.
const TRIES: usize = 4;

/// Sets labels (`k=v`) and removes them (`k-`), on one object or on all that a selector selects.
#[operation("resources.label", write, needs("get $kind", "patch $kind"))]
pub async fn label(
    cx: &Cx,
    /// Name, plural or short name, e.g. `deploy`, `widgets.example.com`.
    kind: KindRef,
    /// The object's name; else a selector.
    name: Option<String>,
    /// The context's if left out.
    namespace: Option<String>,
    /// Labels of the objects, in place of a name.
    selector: Option<String>,
    /// `k=v` sets a label, `k-` removes it.
    labels: Vec<String>,
) -> Result<Change> {
    let wanted = Labels::parse(&labels)?;
    let resource = cx.resolve(&kind).await?;
    let (objects, scope) = match (&name, &selector) {
        (Some(name), None) => {
            let object = Wanted {
                again: Next::op("resources.label")
                    .arg("kind", &resource.kind)
                    .arg("labels", labels.join(",")),
                resource: &resource,
                namespace: namespace.as_deref(),
                name,
            };
            let found = object.for_change(cx).await?;
            (vec![found.object], found.id.namespace)
        }
        (None, Some(selector)) => {
            let scope = resource.namespaced.then(|| {
                namespace
                    .clone()
                    .unwrap_or_else(|| cx.default_namespace().to_owned())
            });
            let selection = Selection::parse(Some(selector), None)?;
            (
                targets::selected(cx, &resource, scope.as_deref(), &selection).await?,
                scope,
            )
        }
        _ => return Err(Error::invalid("expected name or selector, and not both; nothing was done").into()),
    };
    let what = described(&resource, &objects, scope.as_deref(), selector.as_deref());
    let (same, different): (Vec<Value>, Vec<Value>) =
        objects.into_iter().partition(|object| wanted.hold_on(object));
    let unchanged = same
        .iter()
        .map(|object| item(&resource, object, Outcome::Unchanged));
    if different.is_empty() {
        let heading = match same.len() {
            0 => format!("No {what}: nothing was done"),
            _ => format!("{what}: labelled so already, nothing was done"),
        };
        return Ok(Change {
            heading,
            items: unchanged.collect(),
            ..Change::default()
        });
    }
    let mut plan = Plan {
        summary: format!("label {what}"),
        ..Plan::default()
    };
    for object in &different {
        let (item, warnings) = rehearse(cx, &resource, object, &wanted).await?;
        plan.items.push(item);
        for warning in warnings {
            if !plan.notes.contains(&warning) {
                plan.notes.push(warning);
            }
        }
    }
    if !same.is_empty() {
        plan.notes
            .push(format!("{} more are labelled so already", same.len()));
    }
    let planned = plan.items.clone();
    let mut notes = plan.notes.clone();
    let approved = cx.approve(plan).await?;
    let mut items = Vec::with_capacity(planned.len());
    for (object, planned) in different.iter().zip(planned) {
        items.push(carry_out(approved.client(), &resource, object, planned, &wanted).await);
    }
    let done = items.iter().filter(|item| item.result == Outcome::Done).count();
    let next = way_back(&different, &items, &wanted).map(|labels| {
        Next::op("resources.label")
            .arg("kind", &resource.kind)
            .arg_if("name", name.as_deref())
            .arg_if("namespace", scope.as_deref())
            .arg_if("selector", selector.as_deref())
            .arg("labels", labels)
            .remark("takes it back")
    });
    let selects_itself = selector.as_deref().is_some_and(|selector| wanted.touch(selector));
    let next = next.filter(|_| !selects_itself);
    if next.is_none() && done > 0 {
        notes.push("there is no single call that takes it back: see the differences".to_owned());
    }
    Ok(Change {
        heading: if done == items.len() {
            format!("Labelled {what}")
        } else {
            format!("Labelled {done} of {}: {what}", items.len())
        },
        items: items.into_iter().chain(unchanged).collect(),
        notes,
        next: next.into_iter().collect(),
    })
}

/// Labels to set, and to remove where there is no value.
#[derive(Debug, Default, PartialEq, Eq)]
struct Labels(BTreeMap<String, Option<String>>);

impl Labels {
    fn parse(labels: &[String]) -> Result<Self, Error> {
        let mut parsed = BTreeMap::new();
        for label in labels.iter().map(|label| label.trim()) {
            let (key, value) = match label.split_once('=') {
                Some((key, value)) => (key.trim(), Some(value.trim().to_owned())),
                None => match label.strip_suffix('-') {
                    Some(key) => (key, None),
                    None => ("", None),
                },
            };
            if key.is_empty() {
                return Err(Error::invalid(format!(
                    "labels: expected k=v to set or k- to remove, found {label:?}; nothing was done"
                )));
            }
            if parsed.insert(key.to_owned(), value).is_some() {
                return Err(Error::invalid(format!(
                    "labels: {key} is there twice; nothing was done"
                )));
            }
        }
        if parsed.is_empty() {
            return Err(Error::invalid(
                "labels: expected at least one, k=v or k-; nothing was done",
            ));
        }
        Ok(Self(parsed))
    }

    /// Whether an object is labelled so already.
    fn hold_on(&self, object: &Value) -> bool {
        self.0
            .iter()
            .all(|(key, value)| value_of(object, key) == value.as_deref())
    }

    /// Whether a selector looks at one of these labels, so that it may select other objects afterwards.
    fn touch(&self, selector: &str) -> bool {
        selector
            .split(|c: char| c.is_whitespace() || matches!(c, ',' | '=' | '!' | '(' | ')' | ':'))
            .any(|word| self.0.contains_key(word))
    }

    fn patch(&self) -> Patch {
        let labels: Map<String, Value> = self
            .0
            .iter()
            .map(|(key, value)| (key.clone(), value.as_deref().map_or(Value::Null, Value::from)))
            .collect();
        Patch::Merge(json!({"metadata": {"labels": labels}}))
    }
}

fn value_of<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object["metadata"]["labels"].get(key)?.as_str()
}

/// `Deployment shop/web`, `3 pods in shop (app=web)`
fn described(resource: &Resource, objects: &[Value], scope: Option<&str>, selector: Option<&str>) -> String {
    let place = scope.map_or_else(String::new, |scope| format!(" in {scope}"));
    match (objects, selector) {
        ([object], None) => {
            let name = name_of(object);
            match scope {
                Some(scope) => format!("{} {scope}/{name}", resource.kind),
                None => format!("{} {name}", resource.kind),
            }
        }
        (objects, selector) => {
            let selector = selector.map_or_else(String::new, |selector| format!(" ({selector})"));
            match objects.len() {
                0 => format!("{}{place}{selector}", resource.plural),
                1 => format!("1 {}{place}{selector}", resource.singular),
                count => format!("{count} {}{place}{selector}", resource.plural),
            }
        }
    }
}

fn item(resource: &Resource, object: &Value, result: Outcome) -> ChangeItem {
    let id = ObjectId::of(&resource.kind, object);
    ChangeItem {
        verb: Verb::Patch,
        kind: id.kind,
        namespace: id.namespace,
        name: id.name,
        uid: object["metadata"]["uid"].as_str().map(str::to_owned),
        result,
        diff: String::new(),
        error: None,
    }
}

/// What the change would do to an object, as the API server says, and its warnings.
async fn rehearse(
    cx: &Cx,
    resource: &Resource,
    object: &Value,
    labels: &Labels,
) -> Result<(ChangeItem, Vec<String>), Error> {
    let planned = item(resource, object, Outcome::Planned);
    let (after, warnings) = cx
        .rehearsal()
        .patch(
            resource,
            planned.namespace.as_deref(),
            &planned.name,
            &labels.patch(),
            &Preconditions {
                uid: planned.uid.clone(),
                resource_version: None,
            },
        )
        .await?;
    let diff = cx.redactor().diff(object, &after);
    Ok((ChangeItem { diff, ..planned }, warnings))
}

/// Changes an object. If something else changed it meanwhile it is looked at again: a new status is no matter, but
/// other labels or another object of the same name are not what the plan was about.
async fn carry_out(
    client: &Client,
    resource: &Resource,
    object: &Value,
    planned: ChangeItem,
    labels: &Labels,
) -> ChangeItem {
    let (namespace, name) = (planned.namespace.clone(), planned.name.clone());
    let mut version = object["metadata"]["resourceVersion"].as_str().map(str::to_owned);
    for _ in 0..TRIES {
        let preconditions = Preconditions {
            uid: planned.uid.clone(),
            resource_version: version.clone(),
        };
        let patched = client
            .patch(
                resource,
                namespace.as_deref(),
                &name,
                &labels.patch(),
                &preconditions,
            )
            .await;
        let conflict = match patched {
            Ok(_) => {
                return ChangeItem {
                    result: Outcome::Done,
                    ..planned
                };
            }
            Err(error) if error.kind == ErrorKind::Conflict => error,
            Err(error) => return failed(planned, &error),
        };
        let current = match client.get(resource, namespace.as_deref(), &name).await {
            Ok(current) => current,
            Err(error) => return failed(planned, &error),
        };
        let is_same = current["metadata"]["uid"] == object["metadata"]["uid"];
        let labels_are_same = labels
            .0
            .keys()
            .all(|key| value_of(&current, key) == value_of(object, key));
        if !is_same || !labels_are_same {
            return failed(planned, &conflict);
        }
        version = current["metadata"]["resourceVersion"].as_str().map(str::to_owned);
    }
    failed(
        planned,
        &Error::new(
            ErrorKind::Conflict,
            "it is changed all the time by something else",
        ),
    )
}

fn failed(planned: ChangeItem, error: &Error) -> ChangeItem {
    ChangeItem {
        result: Outcome::Failed,
        error: Some(error.message.clone()),
        ..planned
    }
}

/// The labels that take a change back, if they are the same for all objects that were changed.
fn way_back(objects: &[Value], items: &[ChangeItem], labels: &Labels) -> Option<String> {
    let mut changed = objects
        .iter()
        .zip(items)
        .filter(|(_, item)| item.result == Outcome::Done)
        .map(|(object, _)| {
            let labels = labels.0.keys().map(|key| match value_of(object, key) {
                Some(value) => format!("{key}={value}"),
                None => format!("{key}-"),
            });
            labels.collect::<Vec<_>>().join(",")
        });
    let first = changed.next()?;
    changed.all(|other| other == first).then_some(first)
}
