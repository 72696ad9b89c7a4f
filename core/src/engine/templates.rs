//! minijinja, set up for answers: strict about undefined names, nothing escaped, and steps as values.

#[cfg(test)]
mod tests;

use std::{
    error::Error as _,
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use jiff::Timestamp;
use minijinja::{
    Environment, Error as TemplateError, ErrorKind as TemplateErrorKind, State, UndefinedBehavior,
    Value as Jinja, path_loader,
    syntax::SyntaxConfig,
    value::{Enumerator, Kwargs, Object},
};
use serde_json::{Map, Value};

use super::{
    api::ListedTool,
    next,
    surface::{Surface, Template},
};
use crate::{
    Error,
    output::{
        Next,
        size::{age, counted, short_age},
    },
};

/// The variable that tells `next(…)` which cluster was asked, where there are several. No author can name it.
pub(super) const CLUSTER: &str = "asked cluster";

/// The templates of all surfaces, parsed at first use.
pub(crate) struct Templates {
    surfaces: Vec<&'static Surface>,
    /// Read from this folder at each use in place of the compiled ones, so that an author sees a change at once. It
    /// is one surface's: those of the others stay as they are.
    folder: Option<PathBuf>,
    listed: Arc<[ListedTool]>,
    parsed: OnceLock<Result<Arc<Environment<'static>>, Error>>,
}

impl Templates {
    pub(crate) fn new(
        surfaces: &[&'static Surface],
        folder: Option<PathBuf>,
        listed: Arc<[ListedTool]>,
    ) -> Self {
        Self {
            surfaces: surfaces.to_vec(),
            folder,
            listed,
            parsed: OnceLock::new(),
        }
    }

    /// Whether there is a template `name`.
    pub(super) fn has(&self, name: &str) -> bool {
        let mut all = self.surfaces.iter().flat_map(|surface| surface.templates);
        all.any(|template| template.name == name)
    }

    /// Whether all of them can be read and parsed.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.environment().map(drop)
    }

    /// Renders the template `name`.
    pub(super) fn render(&self, name: &str, context: &Jinja) -> Result<String, Error> {
        let environment = self.environment()?;
        environment
            .get_template(name)
            .and_then(|template| template.render(context))
            .map_err(|error| explain(&format!("templates/{name}"), &error))
    }

    /// Renders a text of a spec, `at` being its place.
    pub(crate) fn text(&self, text: &str, at: &str, context: &Jinja) -> Result<String, Error> {
        let environment = self.environment()?;
        environment
            .render_str(text, context)
            .map_err(|error| explain(at, &error))
    }

    /// Whether a condition holds. One that meets something absent does not.
    pub(crate) fn holds(&self, expression: &str, at: &str, context: &Jinja) -> Result<bool, Error> {
        let environment = self.environment()?;
        let evaluated = environment
            .compile_expression(expression)
            .and_then(|expression| expression.eval(context));
        match evaluated {
            Ok(value) => Ok(value.is_true()),
            Err(error) if error.kind() == TemplateErrorKind::UndefinedError => Ok(false),
            Err(error) => Err(explain(at, &error)),
        }
    }

    fn environment(&self) -> Result<Arc<Environment<'static>>, Error> {
        if self.folder.is_some() {
            return self.parse().map(Arc::new);
        }
        self.parsed.get_or_init(|| self.parse().map(Arc::new)).clone()
    }

    fn parse(&self) -> Result<Environment<'static>, Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        // Answers are Markdown or plain text whatever a file is called.
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_syntax(
            SyntaxConfig::builder()
                .trim_blocks(true)
                .lstrip_blocks(true)
                .build()
                .map_err(|error| explain("templates", &error))?,
        );
        let listed = Arc::clone(&self.listed);
        environment.add_function("next", move |state: &State<'_, '_>, op: String, args: Kwargs| {
            let cluster = state.lookup(CLUSTER).filter(|cluster| !cluster.is_undefined());
            call_of(&listed, op, &args, cluster)
        });
        environment.add_filter("age", age_of);
        environment.add_filter("counted", counted_of);
        if let Some(folder) = &self.folder {
            self.check_folder(folder)?;
            // What a template newly includes.
            environment.set_loader(path_loader(folder));
        }
        for surface in &self.surfaces {
            let folder = self.folder.as_ref().filter(|folder| is_of(folder, surface));
            for Template { name, source } in surface.templates {
                let added = match folder {
                    None => environment.add_template(name, source),
                    Some(folder) => {
                        let path = folder.join(name);
                        let text = fs::read_to_string(&path).map_err(|error| {
                            Error::not_found(format!("cannot read {}: {error}", path.display()))
                        })?;
                        environment.add_template_owned(*name, text)
                    }
                };
                added.map_err(|error| explain(&format!("templates/{name}"), &error))?;
            }
        }
        Ok(environment)
    }

    /// Whether there are templates of ours in a folder.
    fn check_folder(&self, folder: &Path) -> Result<(), Error> {
        if self.surfaces.iter().any(|surface| is_of(folder, surface)) {
            return Ok(());
        }
        let mut names = self.surfaces.iter().flat_map(|surface| surface.templates);
        let example = names
            .next()
            .map_or_else(String::new, |template| format!(", such as {}", template.name));
        Err(Error::not_found(format!(
            "cannot read templates from {}: none of this program's is in it{example}",
            folder.display()
        )))
    }
}

/// Whether this is the folder that the surface's templates were compiled from, as it is now.
fn is_of(folder: &Path, surface: &Surface) -> bool {
    surface
        .templates
        .iter()
        .any(|template| folder.join(template.name).is_file())
}

/// `next("resources.get", kind="Pod", name=…)` in a template: the call as a listed tool takes it, or nothing.
/// Where there are several clusters it names the one that was asked.
fn call_of(
    listed: &[ListedTool],
    op: String,
    args: &Kwargs,
    cluster: Option<Jinja>,
) -> Result<String, TemplateError> {
    let mut suggestion = Next::op(op);
    for name in args.args() {
        let value: Jinja = args.get(name)?;
        if !value.is_undefined() && !value.is_none() {
            suggestion = suggestion.arg(name.to_owned(), value.to_string());
        }
    }
    args.assert_all_used()?;
    let is_named = suggestion.args.iter().any(|(name, _)| name == "cluster");
    if let Some(cluster) = cluster.filter(|_| !is_named) {
        suggestion = suggestion.arg("cluster", cluster.to_string());
    }
    Ok(next::resolve(listed, &suggestion).map_or_else(String::new, |call| next::write(&call)))
}

/// `time | age` in a template: how long ago that was, as `51m`; what is no time stays as it is.
fn age_of(time: String) -> String {
    match time.parse() {
        Ok(time) => short_age(age(time, Timestamp::now())),
        Err(_) => time,
    }
}

/// `count | counted("pod")` in a template: `1 pod`, `2 pods`; the count may be a cell's text.
fn counted_of(count: &Jinja, what: &str) -> String {
    let number = count.as_usize().or_else(|| count.as_str()?.parse().ok());
    number.map_or_else(|| format!("{count} {what}s"), |number| counted(number, what))
}

/// An error of a template with its place, line and cause, which may lie in what it includes.
fn explain(at: &str, mut error: &TemplateError) -> Error {
    while let Some(cause) = error.source().and_then(|cause| cause.downcast_ref()) {
        error = cause;
    }
    let place = match (error.name(), error.line()) {
        (Some(name), Some(line)) if at.starts_with("templates/") => format!("templates/{name}:{line}"),
        _ => at.to_owned(),
    };
    let detail = error
        .detail()
        .map_or_else(|| error.kind().to_string(), str::to_owned);
    Error::internal(format!("{place}: {detail}"))
}

/// A step as a template sees it: its data by name, and its text rendered through the output stage.
pub(super) struct StepValue {
    data: Arc<Value>,
    /// The data once somebody looks at it: most steps are only waited for.
    seen: OnceLock<Jinja>,
    ok: bool,
    text: Box<dyn Fn() -> String + Send + Sync>,
}

impl StepValue {
    /// A step whose answer is `data`; `text` renders it within its share of the budget.
    pub(crate) fn new(data: Arc<Value>, ok: bool, text: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self {
            data,
            seen: OnceLock::new(),
            ok,
            text: Box::new(text),
        }
    }

    fn data(&self) -> &Jinja {
        self.seen.get_or_init(|| to_jinja(&self.data))
    }
}

impl fmt::Debug for StepValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepValue")
            .field("ok", &self.ok)
            .finish_non_exhaustive()
    }
}

impl Object for StepValue {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        self.data()
            .get_item(key)
            .ok()
            .filter(|value| !value.is_undefined())
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match self.data().try_iter() {
            Ok(keys) => Enumerator::Values(keys.collect()),
            Err(_) => Enumerator::Empty,
        }
    }

    fn is_true(self: &Arc<Self>) -> bool {
        self.ok
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&(self.text)())
    }
}

/// JSON as template data: what is null is absent, so that a template never prints `none`.
pub(crate) fn to_jinja(value: &Value) -> Jinja {
    match value {
        Value::Null => Jinja::UNDEFINED,
        Value::Array(items) => items.iter().map(to_jinja).collect(),
        Value::Object(map) => map_to_jinja(map),
        Value::Bool(flag) => Jinja::from(*flag),
        Value::String(text) => Jinja::from(text.as_str()),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Jinja::from(number),
            (_, Some(number)) => Jinja::from(number),
            _ => Jinja::from(number.as_f64().unwrap_or(f64::NAN)),
        },
    }
}

/// The same of an object.
pub(super) fn map_to_jinja(map: &Map<String, Value>) -> Jinja {
    let present = map.iter().filter(|(_, value)| !value.is_null());
    Jinja::from_pairs(present.map(|(key, value)| (key.as_str(), to_jinja(value))))
}
