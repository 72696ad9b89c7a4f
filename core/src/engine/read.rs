//! Prompts and resources: reads that arrive with live data.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    api::{Contents, Context, Rendered},
    registry::reaches_cluster,
    render::View,
    service::{Engine, within},
    steps::{self, Ended, Scope},
    surface::{Prompt, ResourceTemplate, Step},
    uri,
};
use crate::{
    Error, ErrorKind,
    call::{Call, Page, Stop},
    cluster::Cluster,
    output::Redactor,
};

impl Engine {
    /// Renders a prompt with live data.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no such prompt; [`ErrorKind::Invalid`] if an argument is wrong or missing.
    pub async fn get_prompt(
        &self,
        name: &str,
        arguments: Map<String, Value>,
        context: &Context,
    ) -> Result<Rendered, Error> {
        let prompt = self
            .prompts()
            .iter()
            .copied()
            .find(|prompt| prompt.name == name)
            .ok_or_else(|| {
                let names: Vec<&str> = self.prompts().iter().map(|prompt| prompt.name).collect();
                Error::not_found(format!("no prompt {name}; there are: {}", names.join(", ")))
            })?;
        let (params, cluster) = self.prompt_arguments(prompt, arguments)?;
        let redactor = Arc::new(Redactor::new(self.config.access.reveal_secrets));
        let call = Arc::new(self.reading(prompt.name, params.clone(), context, &redactor));
        let uri = Map::new();
        let scope = self.scope(prompt.steps, &call, cluster, &params, &uri);
        let run = within(&call, steps::run(prompt.steps, &scope))
            .await
            .map_err(|stop| stopped(stop, &redactor))?;
        let data = run.context();
        let messages = prompt
            .messages
            .iter()
            .map(|message| {
                let text = self.templates.render(message.template, &data)?;
                Ok((message.role, self.stage.text(text, None, &redactor)))
            })
            .collect::<Result<_, Error>>()?;
        Ok(Rendered {
            description: prompt.description.to_owned(),
            messages,
        })
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if no template matches the URI, or the object is not there.
    pub async fn read_resource(&self, uri: &str, context: &Context) -> Result<Contents, Error> {
        let (resource, variables) = self.resource_of(uri).ok_or_else(|| {
            let templates: Vec<&str> = self.resources().iter().map(|resource| resource.uri).collect();
            Error::not_found(format!("no resource {uri}; expected {}", templates.join(" or ")))
        })?;
        let redactor = Arc::new(Redactor::new(self.config.access.reveal_secrets));
        let call = Arc::new(self.reading(resource.name, variables.clone(), context, &redactor));
        let steps = std::slice::from_ref(&resource.step);
        let cluster = self.named_cluster(steps, variables.get("cluster"))?;
        let params = Map::new();
        let scope = self.scope(steps, &call, cluster, &params, &variables);
        let run = within(&call, steps::run(steps, &scope))
            .await
            .map_err(|stop| stopped(stop, &redactor))?;
        match run.last() {
            Some(Ended::Done(output, _)) => {
                let view = if resource.mime.ends_with("json") {
                    Some(View::Json)
                } else {
                    None
                };
                let text = self.stage.bare(&output, view, &redactor);
                Ok(Contents {
                    mime: resource.mime,
                    text,
                })
            }
            _ => Err(Error::internal(format!("{} has no answer", resource.at))),
        }
    }

    fn resource_of(&self, uri: &str) -> Option<(&'static ResourceTemplate, Map<String, Value>)> {
        self.resources()
            .iter()
            .find_map(|resource| uri::matches(resource.uri, uri).map(|variables| (*resource, variables)))
    }

    /// A prompt's arguments, defaults filled in, and its cluster.
    fn prompt_arguments(
        &self,
        prompt: &'static Prompt,
        mut given: Map<String, Value>,
    ) -> Result<PromptArguments, Error> {
        given.retain(|_, value| !value.is_null() && value.as_str() != Some(""));
        let cluster = self.named_cluster(prompt.steps, given.remove("cluster").as_ref())?;
        if let Some(name) = given
            .keys()
            .find(|name| !prompt.params.iter().any(|param| param.name == *name))
        {
            let names: Vec<&str> = prompt.params.iter().map(|param| param.name).collect();
            return Err(Error::invalid(format!(
                "unknown argument {name}; {} takes {}",
                prompt.name,
                names.join(", ")
            )));
        }
        for param in prompt.params {
            if given.contains_key(param.name) {
                continue;
            }
            match param.default_value() {
                Some(default) => _ = given.insert(param.name.to_owned(), default),
                None if param.required => {
                    return Err(Error::invalid(format!("{} needs {}", prompt.name, param.name)));
                }
                None => {}
            }
        }
        Ok((given, cluster))
    }

    /// The cluster that is named, or the default; none where no step works on one.
    pub(super) fn named_cluster(
        &self,
        steps: &[Step],
        name: Option<&Value>,
    ) -> Result<Option<Arc<Cluster>>, Error> {
        let name = name.and_then(Value::as_str);
        if name.is_none() && !reaches_cluster(steps) {
            return Ok(None);
        }
        if let Some(list) = name.filter(|name| *name == "*" || name.contains(',')) {
            let names = self.clusters.names().join(", ");
            return Err(Error::invalid(format!(
                "cluster {list:?}: only tools read several clusters; expected one of {names}"
            )));
        }
        self.clusters.get(name).map(Some)
    }

    pub(super) fn scope<'a>(
        &'a self,
        steps: &[Step],
        call: &'a Arc<Call>,
        cluster: Option<Arc<Cluster>>,
        params: &'a Map<String, Value>,
        uri: &'a Map<String, Value>,
    ) -> Scope<'a> {
        let named = cluster.as_ref().filter(|_| self.has_several_clusters());
        let stage = self
            .stage
            .share(steps.len())
            .of(named.map(|cluster| cluster.name()));
        let redactor = Arc::clone(&call.redactor);
        Scope {
            templates: &self.templates,
            clusters: &self.clusters,
            call,
            cluster,
            params,
            uri,
            page: Page::default(),
            render: Arc::new(move |output| stage.output(output, None, None, &redactor)),
        }
    }
}

/// The values of a prompt's arguments, and the cluster that they name.
type PromptArguments = (Map<String, Value>, Option<Arc<Cluster>>);

/// A read that stopped, as an error: nothing that only reads waits for consent.
pub(super) fn stopped(stop: Stop, redactor: &Redactor) -> Error {
    match stop {
        Stop::Error(error) => Error {
            message: redactor.text(&error.message).into_owned(),
            ..*error
        },
        Stop::Planned(_) => Error::new(ErrorKind::Internal, "a read asked for consent"),
    }
}
