//! Runs a step graph: independent steps at the same time, each with the values that its bindings name.

use std::sync::Arc;

use futures::{StreamExt, stream::FuturesUnordered};
use minijinja::Value as Jinja;
use serde_json::{Map, Value, json};

use super::{
    surface::{Binding, Invoke, Source, Step},
    templates::{StepValue, Templates, to_jinja},
};
use crate::{
    Error,
    call::{Access, Call, Cx, Page, ServerCx, Stop, Values},
    cluster::{Cluster, Clusters},
    output::{Output, data},
};

/// What the steps of one call share.
pub(super) struct Scope<'a> {
    pub(super) templates: &'a Templates,
    pub(super) clusters: &'a Arc<Clusters>,
    pub(super) call: &'a Arc<Call>,
    /// The call's cluster; a step may name another.
    pub(super) cluster: Option<Arc<Cluster>>,
    pub(super) params: &'a Map<String, Value>,
    pub(super) uri: &'a Map<String, Value>,
    /// What the engine adds to a list's page.
    pub(super) page: Page,
    /// How a step's answer is rendered where a template names it whole.
    pub(super) render: Arc<dyn Fn(&Output) -> String + Send + Sync>,
}

/// How a step ended.
#[derive(Clone, Debug)]
pub(super) enum Ended {
    /// It has not run yet.
    Waiting,
    /// Its condition did not hold.
    Skipped,
    /// It failed, and the call goes on without it.
    Failed(Error),
    /// Its answer, redacted, and the same as data.
    Done(Arc<Output>, Value),
}

impl Ended {
    /// What other steps and templates see of it.
    fn data(&self) -> Value {
        match self {
            Self::Waiting | Self::Skipped => json!({"ok": false, "error": ""}),
            Self::Failed(error) => json!({"ok": false, "error": error.message}),
            Self::Done(_, data) => {
                let mut data = data.clone();
                if let Value::Object(map) = &mut data {
                    map.insert("ok".to_owned(), Value::Bool(true));
                    map.insert("error".to_owned(), Value::from(""));
                }
                data
            }
        }
    }
}

/// Runs all steps; the answers run parallel to them.
///
/// # Errors
/// The first failure of a step that does not say `on_error: continue`, or a plan that waits for consent.
pub(super) async fn run(steps: &'static [Step], scope: &Scope<'_>) -> Result<Vec<Ended>, Stop> {
    let mut ended = vec![Ended::Waiting; steps.len()];
    let mut started = vec![false; steps.len()];
    let mut running = FuturesUnordered::new();
    loop {
        for (index, step) in steps.iter().enumerate() {
            let is_ready = |ended: &[Ended]| match step.op.access {
                Access::Read => step
                    .needs
                    .iter()
                    .all(|need| !matches!(ended[*need], Ended::Waiting)),
                // What changes comes after everything that could still stop the call.
                _ => ended[..index]
                    .iter()
                    .all(|before| !matches!(before, Ended::Waiting)),
            };
            if started[index] || !is_ready(&ended) {
                continue;
            }
            started[index] = true;
            let context = context(steps, &ended, scope);
            if let Some(when) = step.when
                && !scope.templates.holds(when.text, when.at, &context)?
            {
                ended[index] = Ended::Skipped;
                continue;
            }
            let bound = bind(step, &ended, steps, &context, scope)?;
            running.push(async move { (index, invoke(step, bound, scope).await) });
        }
        if let Some((index, result)) = running.next().await {
            ended[index] = match result {
                Ok(mut output) => {
                    scope.call.redactor.output(&mut output);
                    let data = data(&output);
                    Ended::Done(Arc::new(output), data)
                }
                Err(Stop::Error(error)) if steps[index].continue_on_error => Ended::Failed(*error),
                Err(stop) => return Err(stop),
            };
        } else if started.iter().all(|started| *started) {
            return Ok(ended);
        }
    }
}

/// What templates, conditions and `$steps` see: `params`, `uri`, `steps`.
pub(super) fn context(steps: &'static [Step], ended: &[Ended], scope: &Scope<'_>) -> Jinja {
    let named = steps.iter().zip(ended).filter(|(step, _)| !step.id.is_empty());
    Jinja::from_pairs([
        ("params", to_jinja(&Value::Object(scope.params.clone()))),
        ("uri", to_jinja(&Value::Object(scope.uri.clone()))),
        (
            "steps",
            Jinja::from_pairs(named.map(|(step, ended)| (step.id, step_value(ended, scope)))),
        ),
    ])
}

fn step_value(ended: &Ended, scope: &Scope<'_>) -> Jinja {
    let ok = matches!(ended, Ended::Done(..));
    let render = Arc::clone(&scope.render);
    let value = match ended {
        Ended::Done(output, _) => {
            let output = Arc::clone(output);
            StepValue::new(&ended.data(), ok, move || render(&output))
        }
        Ended::Failed(error) => {
            let message = error.message.clone();
            StepValue::new(&ended.data(), ok, move || format!("error: {message}"))
        }
        Ended::Waiting | Ended::Skipped => StepValue::new(&ended.data(), ok, String::new),
    };
    Jinja::from_object(value)
}

/// The values that a step's bindings name.
fn bind(
    step: &Step,
    ended: &[Ended],
    steps: &[Step],
    context: &Jinja,
    scope: &Scope<'_>,
) -> Result<Bound, Error> {
    let mut values = Map::new();
    for Binding { param, source, at } in step.bindings {
        if let Some(value) = resolve(*source, at, ended, steps, context, scope)? {
            values.insert((*param).to_owned(), value);
        }
    }
    let mut page = scope.page.clone();
    if step.op.paged
        && let Some(limit) = values.remove("limit").and_then(|limit| limit.as_u64())
    {
        page.limit = usize::try_from(limit).unwrap_or(usize::MAX);
    }
    let cluster = match step.cluster {
        Some(source) => resolve(source, step.at, ended, steps, context, scope)?,
        None => None,
    };
    let cluster = match cluster.as_ref().and_then(Value::as_str) {
        Some(name) => Some(scope.clusters.get(Some(name))?),
        None => scope.cluster.clone(),
    };
    Ok(Bound {
        values: Values::new(values, page),
        cluster,
    })
}

struct Bound {
    values: Values,
    cluster: Option<Arc<Cluster>>,
}

/// A value of a binding; what is absent is left out.
fn resolve(
    source: Source,
    at: &str,
    ended: &[Ended],
    steps: &[Step],
    context: &Jinja,
    scope: &Scope<'_>,
) -> Result<Option<Value>, Error> {
    Ok(match source {
        Source::Param(name) => scope.params.get(name).cloned(),
        Source::Uri(name) => scope.uri.get(name).cloned(),
        Source::Step(path) => {
            let (id, rest) = path.split_once('.').unwrap_or((path, ""));
            let index = steps.iter().position(|step| step.id == id);
            index.and_then(|index| follow(ended[index].data(), rest))
        }
        Source::Template(text) => {
            let text = scope.templates.text(text, at, context)?;
            (!text.trim().is_empty()).then_some(Value::String(text))
        }
        Source::Fixed(json) => Some(
            serde_json::from_str(json)
                .map_err(|error| Error::internal(format!("{at}: the fixed value is not JSON: {error}")))?,
        ),
    })
}

/// Follows a dotted path; a number is an index.
fn follow(mut value: Value, path: &str) -> Option<Value> {
    for part in path.split('.').filter(|part| !part.is_empty()) {
        value = match value {
            Value::Object(mut map) => map.remove(part)?,
            Value::Array(mut items) => {
                let index = part.parse::<usize>().ok().filter(|index| *index < items.len())?;
                items.swap_remove(index)
            }
            _ => return None,
        };
    }
    (!value.is_null()).then_some(value)
}

async fn invoke(step: &Step, bound: Bound, scope: &Scope<'_>) -> Result<Output, Stop> {
    match step.invoke {
        Invoke::Cluster(call) => {
            let cluster = match bound.cluster {
                Some(cluster) => cluster,
                None => scope.clusters.get(None)?,
            };
            let cx = Cx::new(cluster, Arc::clone(scope.call), step.op.access);
            call(&cx, bound.values).await
        }
        Invoke::Server(call) => {
            let cx = ServerCx::new(Arc::clone(scope.clusters), Arc::clone(scope.call));
            call(&cx, bound.values).await
        }
    }
}
