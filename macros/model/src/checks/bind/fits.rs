//! Whether what is bound fits the operation's parameter: its type, its choices, and that it is there.

use std::fmt;

use serde_json::Value as Json;

use super::{
    super::{
        Context,
        data::Data,
        literal,
        params::{Declared, kind_words, value_fits},
    },
    Job,
    refer::Referred,
};
use crate::{
    diagnostic::Place,
    ir::ParamKind,
    signature::{Base, ParamSignature},
    suggest,
    tree::Node,
};

/// A parameter that is being bound. It displays as messages name it.
pub(super) struct Slot<'j, 's, 'a> {
    pub(super) job: &'j Job<'s, 'a>,
    pub(super) param: &'j ParamSignature,
}

impl fmt::Display for Slot<'_, '_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` of operation `{}`",
            self.param.name, self.job.operation.name
        )
    }
}

impl Slot<'_, '_, '_> {
    /// Reports whatever does not fit. Enums of parameters are inherited on the way.
    pub(super) fn check(
        &self,
        context: &mut Context<'_>,
        referred: &Referred<'_>,
        place: &Place,
        declared: &mut [Declared<'_>],
    ) {
        match referred {
            Referred::Param(name) => self.parameter(context, name, place, declared),
            Referred::Step(path, data) => self.step(context, path, data, place),
            Referred::Uri(name) => {
                if !self.takes_text() {
                    let what = format!("variable `{name}` of the URI is a string");
                    self.mismatch(context, &what, place, None);
                }
                self.maybe_absent(context, &format!("uri.{name}"), place);
            }
            Referred::Template { always_text, .. } => self.template(context, *always_text, place),
            Referred::Fixed(value) => self.fixed(context, value, place),
        }
    }

    fn parameter(&self, context: &mut Context<'_>, name: &str, place: &Place, declared: &mut [Declared<'_>]) {
        if let Some(fact) = self.job.scope.param(name)
            && self.job.completes.is_none()
        {
            fact.used.set(true);
        }
        self.maybe_absent(context, &format!("params.{name}"), place);
        let Some(declared) = declared.iter_mut().find(|declared| declared.param.name == name) else {
            return;
        };
        if !declared.typed {
            return;
        }
        let kind = declared.param.kind;
        if !self.takes_kind(kind) {
            let what = format!("parameter `{name}` is declared {}", kind_words(kind));
            let place = declared.node.get("type").map_or(place, |node| &node.place);
            let words = literal::words(&self.param.ty, context.catalog);
            let words = words.split(" (").next().unwrap_or_default();
            let help = match words.strip_prefix("array of ") {
                Some(items) => format!("write `type: array` and `items: {items}`"),
                None => format!("write `type: {words}`"),
            };
            self.mismatch(context, &what, place, Some(help));
            return;
        }
        // One that does not fit what is declared has been reported; an enum that is inherited is not declared.
        let default = declared.param.default.clone();
        let default = default.filter(|default| value_fits(default, &declared.param).is_ok());
        self.narrow(context, declared);
        self.range(context, declared);
        if let Some((value, node)) = default.zip(declared.node.get("default"))
            && let Err(misfit) = literal::fits(&value, &self.param.ty, context.catalog)
        {
            let message = format!(
                "the default of `{name}` goes to {self}, which has to be {}",
                misfit.expected
            );
            context.report("bad-default", message, &node.place, misfit.help);
        }
    }

    /// An enum is inherited from the operation; one that is written may only narrow it.
    fn narrow(&self, context: &mut Context<'_>, declared: &mut Declared<'_>) {
        let Some(variants) = literal::variants(&self.param.ty, context.catalog) else {
            return;
        };
        if declared.param.choices.is_empty() {
            declared.param.choices = variants.to_vec();
            return;
        }
        for item in declared.node.get("enum").map(Node::items).unwrap_or_default() {
            let Some(text) = item
                .as_str()
                .filter(|text| !variants.iter().any(|variant| variant == text))
            else {
                continue;
            };
            let names = variants.iter().map(String::as_str);
            let help = suggest::help(text, names, "it takes");
            let message = format!("{self} does not take `{text}`");
            context.report("enum-not-narrower", message, &item.place, help);
        }
    }

    /// Bounds that are wider than the Rust type would let through what then fails.
    fn range(&self, context: &mut Context<'_>, declared: &Declared<'_>) {
        let Base::Integer(rust) = &self.param.ty.base else {
            return;
        };
        let (least, greatest) = literal::range(rust);
        for (name, value) in [
            ("minimum", declared.param.minimum),
            ("maximum", declared.param.maximum),
        ] {
            #[expect(clippy::cast_precision_loss, reason = "bounds are small or far outside")]
            let outside = value.is_some_and(|value| value < least as f64 || value > greatest as f64);
            if let Some(node) = declared.node.get(name).filter(|_| outside) {
                let message =
                    format!("{self} takes {least} to {greatest}, which this `{name}` is not within");
                context.report("literal-out-of-range", message, &node.place, None);
            }
        }
    }

    fn step(&self, context: &mut Context<'_>, path: &[&str], data: &Data, place: &Place) {
        if !self.takes_data(data) {
            let data = data.words().unwrap_or("something else");
            let what = format!("`$steps.{}` is {data}", path.join("."));
            self.mismatch(context, &what, place, None);
        }
        if let [id, rest @ ..] = path
            && !matches!(rest, ["ok"])
        {
            // An error is there only if the step failed.
            self.maybe_absent(context, &format!("steps.{id}"), place);
        }
    }

    fn template(&self, context: &mut Context<'_>, always_text: bool, place: &Place) {
        if !self.takes_text() {
            let help = Some("pass a typed value through: `$params.x` or `$steps.id.path`".to_owned());
            self.mismatch(context, "a text with `{{ }}` is always a string", place, help);
        } else if !always_text && self.has_to_be_there() {
            let message = format!(
                "operation `{}` needs `{}`, but this text may come out empty",
                self.job.operation.name, self.param.name
            );
            let help = "give it text in every case, e.g. an `{% else %}` or a default that is not empty";
            context.report("maybe-absent", message, place, Some(help.to_owned()));
        }
    }

    fn fixed(&self, context: &mut Context<'_>, value: &Json, place: &Place) {
        if let Err(misfit) = literal::fits(value, &self.param.ty, context.catalog) {
            let message = format!("{self} has to be {}", misfit.expected);
            self.job
                .report(context, misfit.check, message, place, misfit.help);
        }
    }

    fn takes_text(&self) -> bool {
        self.takes_kind(ParamKind::String)
    }

    fn takes_kind(&self, kind: ParamKind) -> bool {
        let list = matches!(
            kind,
            ParamKind::Strings | ParamKind::Integers | ParamKind::Numbers | ParamKind::Booleans
        );
        let item = match kind {
            ParamKind::String | ParamKind::Strings => {
                matches!(self.param.ty.base, Base::String | Base::Choice(_) | Base::Text(_))
            }
            ParamKind::Integer | ParamKind::Integers => {
                matches!(self.param.ty.base, Base::Integer(_) | Base::Number)
            }
            ParamKind::Number | ParamKind::Numbers => matches!(self.param.ty.base, Base::Number),
            ParamKind::Boolean | ParamKind::Booleans => matches!(self.param.ty.base, Base::Bool),
        };
        item && list == self.param.ty.list
    }

    fn takes_data(&self, data: &Data) -> bool {
        match data {
            Data::Any => true,
            Data::List(_) => self.param.ty.list,
            Data::Text => self.takes_kind(ParamKind::String),
            Data::Integer => self.takes_kind(ParamKind::Integer),
            Data::Flag => self.takes_kind(ParamKind::Boolean),
            _ => false,
        }
    }

    /// Whether the call cannot do without a value.
    fn has_to_be_there(&self) -> bool {
        !self.param.ty.optional && self.job.completes.is_none()
    }

    fn mismatch(&self, context: &mut Context<'_>, what: &str, place: &Place, help: Option<String>) {
        let words = literal::words(&self.param.ty, context.catalog);
        let message = format!("{what}, but {self} takes {words}");
        self.job.report(context, "type-mismatch", message, place, help);
    }

    /// What may be absent goes to an optional parameter only.
    fn maybe_absent(&self, context: &mut Context<'_>, path: &str, place: &Place) {
        let job = self.job;
        let guarded = job.implied.iter().any(|implied| implied == path);
        if !self.has_to_be_there() || guarded || !job.scope.may_be_absent(path) {
            return;
        }
        let (what, help) = match path.split_once('.') {
            Some(("steps", id)) => (
                format!("step `{id}` may have no result"),
                format!("write `when: steps.{id}.ok` on this step, or bind something that is always there"),
            ),
            Some(("uri", name)) => (
                format!("`{name}` of the URI may be `_`, for none"),
                "bind it to an optional parameter".to_owned(),
            ),
            _ => (
                format!("parameter `{}` is optional", path.trim_start_matches("params.")),
                "write `required: true`, or give it a `default:`".to_owned(),
            ),
        };
        let message = format!(
            "{what}, but operation `{}` needs `{}`",
            job.operation.name, self.param.name
        );
        job.report(context, "maybe-absent", message, place, Some(help));
    }
}
