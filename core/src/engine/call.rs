//! A call of a tool, from its arguments to its answer.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{
    api::{Answer, ConsentRequest, Context, ListedTool},
    arguments::{Accepted, accept},
    fan_out::{self, Answered},
    redirect,
    registry::reaches_cluster,
    render::View,
    service::{Engine, within},
    steps::{self, Ended, Scope},
};
use crate::{
    Error, ErrorKind,
    call::{Access, AuditEntry, Call, Page, Planned, Stop, Why},
    cluster::Cluster,
    output::{Output, OutputKind, Redactor, split_fields},
};

/// The longest that an operation with its own timeout may take.
const LONGEST: Duration = Duration::from_secs(600);

impl Engine {
    /// Calls a tool. Whatever goes wrong is an answer.
    pub async fn call_tool(&self, name: &str, arguments: Map<String, Value>, context: &Context) -> Answer {
        let started = Instant::now();
        let redactor = Arc::new(Redactor::new(self.config.access.reveal_secrets));
        let identity = |key: &str| {
            let text = arguments.get(key)?.as_str()?;
            Some(redactor.text(text).into_owned())
        };
        let mut entry = AuditEntry {
            caller: context.caller.id.clone(),
            tool: name.to_owned(),
            cluster: identity("cluster").or_else(|| self.clusters.default_name().map(str::to_owned)),
            namespace: identity("namespace"),
            kind: identity("kind"),
            name: identity("name"),
            access: self.registry.access_of(name),
            decision: "allowed",
            duration: Duration::ZERO,
            result: "ok",
        };
        let called = AssertUnwindSafe(self.redirected(name, arguments, context, &redactor))
            .catch_unwind()
            .await;
        let called = called.unwrap_or_else(|_| {
            Err(Error::internal("a bug of this server stopped the call; the log has more").into())
        });
        let answer = match called {
            Ok(text) => Answer {
                text,
                ..Answer::default()
            },
            Err(Stop::Planned(planned)) => {
                entry.decision = if planned.why == Why::DryRun {
                    "planned"
                } else {
                    "asked"
                };
                self.plan(&planned, &redactor)
            }
            Err(Stop::Error(error)) => {
                match error.kind {
                    ErrorKind::Forbidden => entry.decision = "refused",
                    ErrorKind::Cancelled => entry.result = "cancelled",
                    _ => {}
                }
                if entry.result == "ok" {
                    entry.result = "error";
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

    /// Calls the tool, or the one that was meant by arguments that do not fit it.
    async fn redirected(
        &self,
        name: &str,
        arguments: Map<String, Value>,
        context: &Context,
        redactor: &Arc<Redactor>,
    ) -> Result<String, Stop> {
        let listed = self.registry.listed(name)?;
        let changes = listed.access > Access::Read;
        let mut accepted = accept(listed, arguments);
        if let Ok(accepted) = &mut accepted {
            self.all_namespaces(accepted, changes)?;
        }
        let (call, note) = match accepted {
            Ok(accepted) => match redirect::wildcard(&self.registry.listed, listed.tool, &accepted) {
                Some(_) if changes => {
                    return Err(Error::invalid("name: a change takes no wildcard; use selector").into());
                }
                Some(instead) => instead,
                None => return self.accepted(listed, accepted, context, redactor).await,
            },
            Err(misfit) if changes => return Err(misfit.into_error().into()),
            Err(misfit) => redirect::instead(&self.registry.listed, listed.tool, misfit)?,
        };
        let listed = self.registry.listed(call.tool.name)?;
        let accepted = accept(listed, call.arguments).map_err(|misfit| misfit.into_error())?;
        let text = self.accepted(listed, accepted, context, redactor).await?;
        Ok(format!("{note}\n{text}"))
    }

    /// `namespace: all` and `*` are what a list does by itself; a change takes one namespace.
    fn all_namespaces(&self, accepted: &mut Accepted, changes: bool) -> Result<(), Error> {
        let all = accepted.values.get("namespace").and_then(Value::as_str);
        if !all.is_some_and(|namespace| matches!(namespace, "*" | "all")) {
            return Ok(());
        }
        if changes {
            return Err(Error::invalid("namespace: a change needs one namespace"));
        }
        accepted.values.remove("namespace");
        Ok(())
    }

    /// Runs a call whose arguments are understood, on each of its clusters.
    async fn accepted(
        &self,
        listed: &ListedTool,
        accepted: Accepted,
        context: &Context,
        redactor: &Arc<Redactor>,
    ) -> Result<String, Stop> {
        let changes = listed.access > Access::Read;
        let clusters = self.clusters_of(listed, &accepted, changes)?;
        let call = Arc::new(self.facts(listed, &accepted, context, redactor));
        let several = clusters.len() > 1;
        let runs = clusters.into_iter().map(|cluster| {
            let call = Arc::clone(&call);
            let accepted = &accepted;
            async move {
                let name = cluster.as_ref().map(|cluster| cluster.name().to_owned());
                let run = self.on_cluster(listed, accepted, &call, cluster);
                (name, within(&call, run).await)
            }
        });
        let mut answers = futures::future::join_all(runs).await;
        if several {
            return Ok(fan_out::merge(self, answers, accepted.reserved.view(), redactor)?);
        }
        let Some((cluster, answer)) = answers.pop() else {
            return Err(Error::internal("a call on no cluster").into());
        };
        let cluster = cluster.filter(|_| self.has_several_clusters());
        let answer = answer.map_err(|mut stop| {
            if let Stop::Error(error) = &mut stop {
                redirect::corrected(listed.tool, &accepted, error);
                if let Some(cluster) = &cluster {
                    error.message = format!("[{cluster}] {}", error.message);
                }
            }
            stop
        })?;
        Ok(match answer {
            Answered::Output(output) => {
                self.stage
                    .output(&output, accepted.reserved.view(), cluster.as_deref(), redactor)
            }
            Answered::Text(text) => self.stage.text(text, cluster.as_deref(), redactor),
        })
    }

    /// Runs the steps on one cluster.
    async fn on_cluster(
        &self,
        listed: &ListedTool,
        accepted: &Accepted,
        call: &Arc<Call>,
        cluster: Option<Arc<Cluster>>,
    ) -> Result<Answered, Stop> {
        let tool = listed.tool;
        let uri = Map::new();
        let scope = Scope {
            page: accepted.reserved.page(),
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
        let mut ended = steps::run(tool.steps, &scope).await?;
        if let Some(template) = tool.template {
            let context = steps::context(tool.steps, &ended, &scope);
            return Ok(Answered::Text(self.templates.render(template, &context)?));
        }
        match ended.pop() {
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
        let wanted: Vec<&str> = match accepted.reserved.cluster.as_deref() {
            Some("*" | "all") => names.clone(),
            Some(list) => list
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .collect(),
            None if changes && names.len() > 1 => {
                return Err(Error::invalid(format!(
                    "a change must name its cluster; nothing was done. There are: {}",
                    names.join(", ")
                )));
            }
            None => return Ok(vec![Some(self.clusters.get(None)?)]),
        };
        if changes && wanted.len() != 1 {
            return Err(Error::invalid(
                "cluster: a change takes one cluster; nothing was done",
            ));
        }
        wanted
            .into_iter()
            .map(|name| self.clusters.get(Some(name)).map(Some))
            .collect()
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
        for (name, value) in [
            ("cursor", &reserved.cursor),
            ("where", &reserved.filter),
            ("sort", &reserved.sort),
        ] {
            if let Some(value) = value {
                arguments.insert(name.to_owned(), Value::from(value.clone()));
            }
        }
        let mut call = self.reading(listed.tool.name, arguments, context, redactor);
        call.always_confirm = listed.tool.always_confirm;
        call.dry_run = reserved.dry_run;
        call.confirm.clone_from(&reserved.confirm);
        if listed.tool.steps.iter().any(|step| step.op.long) {
            let wanted = ["timeout", "follow"]
                .iter()
                .filter_map(|name| accepted.values.get(*name)?.as_u64())
                .max();
            call.deadline += Duration::from_secs(wanted.unwrap_or(0)).min(LONGEST);
        }
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

impl super::arguments::Reserved {
    /// The part of a list that is wanted; the limit comes from its binding.
    pub(super) fn page(&self) -> Page {
        Page {
            limit: Page::DEFAULT_LIMIT,
            cursor: self.cursor.clone(),
            filter: self.filter.clone(),
            sort: self.sort.clone(),
            fields: self.fields.clone(),
        }
    }

    /// The view that was asked for, if any.
    pub(super) fn view(&self) -> Option<View> {
        match self.output.as_deref() {
            Some("table") => Some(View::Table),
            Some("yaml") => Some(View::Yaml),
            Some("json") => Some(View::Json),
            _ => None,
        }
    }
}
