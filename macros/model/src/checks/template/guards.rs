//! What a condition tells about what is there: within `{% if params.x %}` the parameter has a value.

use super::walk::Walker;
use crate::template::{Expr, Kind};

impl Walker<'_, '_> {
    /// The paths (`params.x`, `steps.id`, `uri.x`) that must have a value where the condition is `truth`.
    pub(super) fn implied(&self, condition: &Expr, truth: bool) -> Vec<String> {
        match &condition.kind {
            Kind::Not(inner) => self.implied(inner, !truth),
            Kind::And(left, right) | Kind::Or(left, right) => {
                let both = matches!(condition.kind, Kind::And(..)) == truth;
                let (mut left, right) = (self.implied(left, truth), self.implied(right, truth));
                if both {
                    left.extend(right);
                } else {
                    left.retain(|path| right.contains(path));
                }
                left
            }
            Kind::Test { name, subject, .. } => {
                let told = match name.text.as_str() {
                    "undefined" | "none" => !truth,
                    "defined" => truth,
                    _ => truth,
                };
                if told {
                    self.path_of(subject).into_iter().collect()
                } else {
                    Vec::new()
                }
            }
            Kind::Compare { operands, equal } if *equal == truth => operands
                .iter()
                .filter_map(|operand| self.path_of(operand))
                .collect(),
            _ if truth => self.path_of(condition).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// The path that an expression is a part of.
    pub(super) fn path_of(&self, expr: &Expr) -> Option<String> {
        match &expr.kind {
            Kind::Var(name) => self.local(name).and_then(|local| local.path.clone()),
            Kind::Attr(base, name) => match &base.kind {
                Kind::Var(root)
                    if matches!(root.as_str(), "params" | "steps" | "uri") && self.local(root).is_none() =>
                {
                    Some(format!("{root}.{}", name.text))
                }
                // A step that failed has an error, and nothing else.
                _ if name.text == "error" => None,
                _ => self.path_of(base),
            },
            Kind::Item(base, key) => match (&base.kind, &key.kind) {
                (Kind::Var(root), Kind::Str(name))
                    if matches!(root.as_str(), "params" | "steps" | "uri") && self.local(root).is_none() =>
                {
                    Some(format!("{root}.{name}"))
                }
                _ => self.path_of(base),
            },
            Kind::Filter {
                name,
                subject: Some(subject),
                ..
            } if !matches!(name.text.as_str(), "default" | "d") => self.path_of(subject),
            _ => None,
        }
    }
}
