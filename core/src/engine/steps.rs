//! Runs a step graph: independent steps at the same time, each with the values that its bindings name.

use std::sync::Arc;

use futures::{StreamExt, stream::FuturesUnordered};
use minijinja::Value as Jinja;
use serde_json::{Map, Value, json};

use super::{
    surface::{Binding, Invoke, Source, Step},
    templates::{CLUSTER, StepValue, Templates, map_to_jinja},
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
    /// Its answer, redacted, and the same as data, with `ok` and `error`.
    Done(Arc<Output>, Arc<Value>),
}

impl Ended {
    fn done(output: Output) -> Self {
        let mut data = data(&output);
        if let Value::Object(map) = &mut data {
            map.insert("ok".to_owned(), Value::Bool(true));
            map.insert("error".to_owned(), Value::from(""));
        }
        Self::Done(Arc::new(output), Arc::new(data))
    }

    /// What other steps and templates see of it.
    fn data(&self) -> Arc<Value> {
        match self {
            Self::Waiting | Self::Skipped => Arc::new(json!({"ok": false, "error": ""})),
            Self::Failed(error) => Arc::new(json!({"ok": false, "error": error.message})),
            Self::Done(_, data) => Arc::clone(data),
        }
    }
}

/// A step graph while it runs, and after.
pub(super) struct Run<'a> {
    steps: &'static [Step],
    /// Parallel to the steps.
    ended: Vec<Ended>,
    scope: &'a Scope<'a>,
}

/// Runs all steps.
///
/// # Errors
/// The first failure of a step that does not say `on_error: continue`, or a plan that waits for consent.
pub(super) async fn run<'a>(steps: &'static [Step], scope: &'a Scope<'a>) -> Result<Run<'a>, Stop> {
    let mut run = Run {
        steps,
        ended: vec![Ended::Waiting; steps.len()],
        scope,
    };
    let mut started = vec![false; steps.len()];
    let mut running = FuturesUnordered::new();
    loop {
        for (index, step) in steps.iter().enumerate() {
            if started[index] || !run.is_ready(index) {
                continue;
            }
            started[index] = true;
            let context = run.context();
            if let Some(when) = step.when
                && !scope.templates.holds(when.text, when.at, &context)?
            {
                run.ended[index] = Ended::Skipped;
                continue;
            }
            let bound = run.bind(step, &context)?;
            running.push(async move { (index, invoke(step, bound, scope).await) });
        }
        if let Some((index, result)) = running.next().await {
            run.ended[index] = match result {
                Ok(mut output) => {
                    scope.call.redactor.output(&mut output);
                    Ended::done(output)
                }
                Err(Stop::Error(error)) if steps[index].continue_on_error => Ended::Failed(*error),
                Err(stop) => return Err(stop),
            };
        } else if started.iter().all(|started| *started) {
            return Ok(run);
        }
    }
}

impl Run<'_> {
    /// How the last step ended: it is the answer where no template is.
    pub(super) fn last(mut self) -> Option<Ended> {
        self.ended.pop()
    }

    /// What templates, conditions and `$steps` see: `params`, `uri`, `steps`.
    pub(super) fn context(&self) -> Jinja {
        let named = self.steps.iter().zip(&self.ended);
        let named = named.filter(|(step, _)| !step.id.is_empty());
        let steps = named.map(|(step, ended)| (step.id, self.step_value(ended)));
        Jinja::from_pairs([
            ("params", map_to_jinja(self.scope.params)),
            ("uri", map_to_jinja(self.scope.uri)),
            ("steps", Jinja::from_pairs(steps)),
            (CLUSTER, self.cluster()),
        ])
    }

    /// The call's cluster, where there are several.
    fn cluster(&self) -> Jinja {
        let several = self.scope.clusters.names().len() > 1;
        let cluster = self.scope.cluster.as_ref().filter(|_| several);
        cluster.map_or(Jinja::UNDEFINED, |cluster| Jinja::from(cluster.name()))
    }

    fn step_value(&self, ended: &Ended) -> Jinja {
        let data = ended.data();
        Jinja::from_object(match ended {
            Ended::Done(output, _) => {
                let (output, render) = (Arc::clone(output), Arc::clone(&self.scope.render));
                StepValue::new(data, true, move || render(&output))
            }
            Ended::Failed(error) => {
                let message = error.message.clone();
                StepValue::new(data, false, move || format!("error: {message}"))
            }
            Ended::Waiting | Ended::Skipped => StepValue::new(data, false, String::new),
        })
    }

    fn is_ready(&self, index: usize) -> bool {
        let waits = |index: usize| matches!(self.ended[index], Ended::Waiting);
        let step = &self.steps[index];
        match step.op.access {
            Access::Read => !step.needs.iter().any(|need| waits(*need)),
            // What changes comes after everything that could still stop the call.
            _ => !(0..index).any(waits),
        }
    }

    /// The values that a step's bindings name.
    fn bind(&self, step: &Step, context: &Jinja) -> Result<Bound, Error> {
        let mut values = Map::new();
        for Binding { param, source, at } in step.bindings {
            if let Some(value) = self.resolve(*source, at, context)? {
                values.insert((*param).to_owned(), value);
            }
        }
        let mut page = self.scope.page.clone();
        if step.op.paged
            && let Some(limit) = values.remove("limit").and_then(|limit| limit.as_u64())
        {
            page.limit = usize::try_from(limit).unwrap_or(usize::MAX);
        }
        let cluster = match step.cluster {
            Some(source) => self.resolve(source, step.at, context)?,
            None => None,
        };
        let cluster = match cluster.as_ref().and_then(Value::as_str) {
            Some(name) => Some(self.scope.clusters.get(Some(name))?),
            None => self.scope.cluster.clone(),
        };
        Ok(Bound {
            values: Values::new(values, page, step.given().collect()),
            cluster,
        })
    }

    /// A value of a binding; what is absent is left out.
    fn resolve(&self, source: Source, at: &str, context: &Jinja) -> Result<Option<Value>, Error> {
        Ok(match source {
            Source::Param(name) => self.scope.params.get(name).cloned(),
            Source::Uri(name) => self.scope.uri.get(name).cloned(),
            Source::Step(path) => {
                let (id, rest) = path.split_once('.').unwrap_or((path, ""));
                let index = self.steps.iter().position(|step| step.id == id);
                index.and_then(|index| follow(&self.ended[index].data(), rest).cloned())
            }
            Source::Template(text) => {
                let text = self.scope.templates.text(text, at, context)?;
                (!text.trim().is_empty()).then_some(Value::String(text))
            }
            Source::Fixed(json) => {
                Some(serde_json::from_str(json).map_err(|error| {
                    Error::internal(format!("{at}: the fixed value is not JSON: {error}"))
                })?)
            }
        })
    }
}

struct Bound {
    values: Values,
    cluster: Option<Arc<Cluster>>,
}

/// Follows a dotted path; a number is an index.
fn follow<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    let mut parts = path.split('.').filter(|part| !part.is_empty());
    let found = parts.try_fold(value, |value, part| match value {
        Value::Object(map) => map.get(part),
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        _ => None,
    })?;
    (!found.is_null()).then_some(found)
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
