//! A call of a tool, from its arguments to its answer.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{
    api::{Answer, ConsentRequest, Context, ListedTool, Meaning},
    arguments::{Accepted, accept},
    fan_out::{self, Answered, Merging},
    redirect,
    registry::reaches_cluster,
    service::{Engine, within},
    steps::{self, Ended, Scope},
    surface::{Source, Tool},
};
use crate::{
    Error, ErrorKind,
    call::{Access, AuditEntry, Call, Page, Planned, Stop, Why},
    cluster::Cluster,
    output::{Output, OutputKind, Redactor, filter::Among, split_fields},
};

/// The longest that an operation with its own timeout may take.
const LONGEST: Duration = Duration::from_secs(600);

/// A call whose arguments are understood.
struct Understood<'a> {
    listed: &'a ListedTool,
    accepted: Accepted,
    /// Line 1 of the answer, if this is another tool than the one that was called.
    instead: Option<String>,
}

impl Engine {
    /// Calls a tool. Whatever goes wrong is an answer.
    pub async fn call_tool(&self, name: &str, arguments: Map<String, Value>, context: &Context) -> Answer {
        let started = Instant::now();
        let redactor = Arc::new(Redactor::new(self.config.access.reveal_secrets));
        let mut entry = AuditEntry::new(&context.caller, name, self.registry.access_of(name));
        // As it was given, until it is understood.
        let cluster = arguments.get("cluster").and_then(Value::as_str);
        entry.is_about(&redactor, cluster, &arguments);
        let call = async {
            let understood = self.understand(name, arguments)?;
            let accepted = &understood.accepted;
            let cluster = match &accepted.reserved.cluster {
                None if reaches_cluster(understood.listed.tool.steps) => self.clusters.default_name(),
                named => named.as_deref(),
            };
            entry.is_about(&redactor, cluster, &accepted.values);
            let text = self.run(understood.listed, accepted, context, &redactor).await?;
            Ok(match understood.instead {
                Some(note) => format!("{note}\n{text}"),
                None => text,
            })
        };
        let called = AssertUnwindSafe(call).catch_unwind().await;
        let called = called.unwrap_or_else(|_| {
            Err(Error::internal("a bug of this server stopped the call; the log has more").into())
        });
        let answer = match called {
            Ok(text) => Answer {
                text,
                ..Answer::default()
            },
            Err(Stop::Planned(planned)) => {
                entry.decision = match planned.why {
                    Why::DryRun => "planned",
                    Why::Consent { .. } => "asked",
                };
                self.plan(&planned, &redactor)
            }
            Err(Stop::Error(error)) => {
                entry.result = match error.kind {
                    ErrorKind::Cancelled => "cancelled",
                    _ => "error",
                };
                if error.kind == ErrorKind::Forbidden {
                    entry.decision = "refused";
                }
                Answer {
                    text: self.stage.error(&error, &redactor),
                    is_error: true,
                    consent: None,
                }
            }
        };
        entry.duration = started.elapsed();
        self.audit.record(&entry);
        answer
    }

    /// The call that these arguments mean; it is not made.
    ///
    /// # Errors
    /// If they cannot be understood without asking a cluster, with what is wrong.
    pub fn meaning(&self, name: &str, arguments: Map<String, Value>) -> Result<Meaning, Error> {
        let Understood {
            listed,
            accepted,
            instead,
        } = self.understand(name, arguments)?;
        Ok(Meaning {
            tool: listed.tool.name,
            arguments: accepted.arguments(listed.tool),
            note: instead,
        })
    }

    /// The call that is meant: of this tool, or of another one where the arguments certainly belong to that.
    fn understand(&self, name: &str, arguments: Map<String, Value>) -> Result<Understood<'_>, Error> {
        let listed = self.registry.listed(name)?;
        let changes = listed.access > Access::Read;
        let tools = &self.registry.listed;
        let (call, note) = match accept(listed, arguments) {
            Ok(accepted) => match redirect::wildcard(tools, listed.tool, &accepted) {
                Some(_) if changes => {
                    return Err(Error::invalid("name: a change takes no wildcard; use selector"));
                }
                Some(instead) => instead,
                None => {
                    return Ok(Understood {
                        listed,
                        accepted,
                        instead: None,
                    });
                }
            },
            Err(misfit) if changes => return Err(misfit.into_error()),
            Err(misfit) => redirect::instead(tools, listed.tool, misfit)?,
        };
        let listed = self.registry.listed(call.tool.name)?;
        let accepted = accept(listed, call.arguments).map_err(|misfit| misfit.into_error())?;
        Ok(Understood {
            listed,
            accepted,
            instead: Some(note),
        })
    }

    /// Runs a call whose arguments are understood, on each of its clusters.
    async fn run(
        &self,
        listed: &ListedTool,
        accepted: &Accepted,
        context: &Context,
        redactor: &Arc<Redactor>,
    ) -> Result<String, Stop> {
        let changes = listed.access > Access::Read;
        let clusters = self.clusters_of(listed, accepted, changes)?;
        let mut names: Vec<&str> = clusters.iter().flatten().map(|cluster| cluster.name()).collect();
        names.sort_unstable();
        let several = (names.len() > 1).then(|| names.join(","));
        let runs = clusters.iter().map(|cluster| {
            // Each has a deadline of its own: one that misses it cancels nothing for the others.
            let call = Arc::new(self.facts(listed, accepted, context, redactor));
            let several = several.as_ref();
            async move {
                let name = cluster.as_ref().map(|cluster| cluster.name().to_owned());
                let page = Page {
                    among: name.as_ref().zip(several).map(|(cluster, clusters)| Among {
                        cluster: cluster.clone(),
                        clusters: clusters.clone(),
                    }),
                    ..accepted.reserved.page()
                };
                let run = self.on_cluster(listed, accepted, &call, cluster.clone(), page);
                let answer = within(&call, run).await.map_err(|mut stop| {
                    if let Stop::Error(error) = &mut stop {
                        redirect::corrected(listed.tool, accepted, error);
                    }
                    stop
                });
                (name, answer)
            }
        });
        let mut answers = futures::future::join_all(runs).await;
        let stage = self.stage.taking(listed.takes());
        if several.is_some() {
            let merging = Merging {
                stage: &stage,
                view: accepted.reserved.view(),
                redactor,
                again: redirect::again(listed.tool, accepted),
                asked: accepted.reserved.cluster.as_deref().unwrap_or_default(),
            };
            return Ok(merging.merge(answers)?);
        }
        let Some((cluster, answer)) = answers.pop() else {
            return Err(Error::internal("a call on no cluster").into());
        };
        let cluster = cluster.filter(|_| self.has_several_clusters());
        let cluster = cluster.as_deref();
        let answer = answer.map_err(|mut stop| {
            if let (Stop::Error(error), Some(cluster)) = (&mut stop, cluster) {
                if !fan_out::names(&error.message, cluster) {
                    error.message = format!("[{cluster}] {}", error.message);
                }
                fan_out::name_cluster(&mut error.next, cluster);
            }
            stop
        })?;
        let stage = stage.of(cluster);
        Ok(match answer {
            Answered::Output(output) => stage.output(&output, accepted.reserved.view(), cluster, redactor),
            Answered::Text(text) => stage.text(text, cluster, redactor),
        })
    }

    /// Runs the steps on one cluster.
    async fn on_cluster(
        &self,
        listed: &ListedTool,
        accepted: &Accepted,
        call: &Arc<Call>,
        cluster: Option<Arc<Cluster>>,
        page: Page,
    ) -> Result<Answered, Stop> {
        let tool = listed.tool;
        let uri = Map::new();
        let scope = Scope {
            page,
            ..self.scope(tool.steps, call, cluster, &accepted.values, &uri)
        };
        // Read first: an error says the path again, and once a Secret is read its values are hidden even there, which
        // would tell that one was guessed.
        let projects = tool
            .steps
            .last()
            .is_some_and(|step| step.op.output == OutputKind::Object);
        let fields = match &accepted.reserved.fields {
            Some(fields) if projects => split_fields(fields)?,
            _ => Vec::new(),
        };
        let run = steps::run(tool.steps, &scope).await?;
        if let Some(template) = tool.template {
            return Ok(Answered::Text(self.templates.render(template, &run.context())?));
        }
        match run.last() {
            Some(Ended::Done(output, _)) => {
                let mut output = Arc::unwrap_or_clone(output);
                if let Output::Object(object) = &mut output {
                    object.fields = fields;
                }
                Ok(Answered::Output(Box::new(output)))
            }
            Some(Ended::Failed(error)) => Err(error.into()),
            Some(Ended::Skipped | Ended::Waiting) | None => Ok(Answered::Text(
                "Nothing to do: the condition of the last step does not hold.".to_owned(),
            )),
        }
    }

    /// The clusters of a call: none for a tool that works on the server itself.
    fn clusters_of(
        &self,
        listed: &ListedTool,
        accepted: &Accepted,
        changes: bool,
    ) -> Result<Vec<Option<Arc<Cluster>>>, Error> {
        if !reaches_cluster(listed.tool.steps) {
            return Ok(vec![None]);
        }
        let names = self.clusters.names();
        let there_are = || format!("nothing was done. There are: {}", names.join(", "));
        let wanted: Vec<&str> = match accepted.reserved.cluster.as_deref() {
            Some("*" | "all") if !names.is_empty() => names.clone(),
            Some(list) => list
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .collect(),
            None if changes && names.len() > 1 => {
                return Err(Error::invalid(format!(
                    "a change must name its cluster; {}",
                    there_are()
                )));
            }
            None => return Ok(vec![Some(self.clusters.get(None)?)]),
        };
        let mut clusters: Vec<Arc<Cluster>> = Vec::new();
        for name in wanted {
            let cluster = self.clusters.get(Some(name))?;
            if !clusters.iter().any(|named| Arc::ptr_eq(named, &cluster)) {
                clusters.push(cluster);
            }
        }
        match clusters.len() {
            0 => Err(Error::invalid(format!("cluster names none; {}", there_are()))),
            2.. if changes => Err(Error::invalid(format!(
                "cluster: a change takes one cluster; {}",
                there_are()
            ))),
            _ => Ok(clusters.into_iter().map(Some).collect()),
        }
    }

    fn facts(
        &self,
        listed: &ListedTool,
        accepted: &Accepted,
        context: &Context,
        redactor: &Arc<Redactor>,
    ) -> Call {
        let reserved = &accepted.reserved;
        // Everything that shapes what is done is bound to a code; the cluster is bound by its identity.
        let mut arguments = accepted.values.clone();
        for (name, value) in reserved.arguments() {
            if matches!(name, "cursor" | "where" | "sort") {
                arguments.insert(name.to_owned(), value);
            }
        }
        let mut call = self.reading(listed.tool.name, arguments, context, redactor);
        call.always_confirm = listed.tool.always_confirm;
        call.dry_run = reserved.dry_run;
        call.confirm = context.agreed.as_ref().or(reserved.confirm.as_ref()).cloned();
        call.deadline += own_timeout(listed.tool, &accepted.values);
        call
    }

    fn plan(&self, planned: &Planned, redactor: &Redactor) -> Answer {
        let named = |text: String| match self.has_several_clusters() {
            true => format!("[{}] {text}", planned.cluster),
            false => text,
        };
        let consent = match &planned.why {
            Why::DryRun => None,
            Why::Consent { code, .. } => Some(ConsentRequest {
                question: named(self.stage.question(planned, redactor)),
                code: code.clone(),
            }),
        };
        Answer {
            text: named(self.stage.planned(planned, redactor)),
            is_error: false,
            consent,
        }
    }
}

/// How much longer than another call this one may take: what is bound to the timeouts of its operations.
pub(super) fn own_timeout(tool: &Tool, values: &Map<String, Value>) -> Duration {
    let long = tool.steps.iter().filter(|step| step.op.long);
    let timeouts = long
        .flat_map(|step| step.bindings)
        .filter(|binding| matches!(binding.param, "timeout" | "follow"));
    let seconds = timeouts.filter_map(|binding| match binding.source {
        Source::Param(name) => values.get(name)?.as_u64(),
        Source::Fixed(json) => json.parse().ok(),
        _ => None,
    });
    Duration::from_secs(seconds.max().unwrap_or(0)).min(LONGEST)
}
