//! What to do next, said without knowing any tool.

use std::borrow::Cow;

/// A call worth making next, as an operation and its arguments. The engine writes it as the first listed tool
/// that binds that operation with agreeing fixed values, renames the arguments back to that tool's, and drops
/// it if no such tool is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// The operation's name, e.g. `resources.owners`.
    pub op: Cow<'static, str>,
    /// Arguments by the operation's parameter names, in the order in which they are written.
    pub args: Vec<(Cow<'static, str>, String)>,
    /// A few words after the call, e.g. `to revision 7`.
    pub remark: Option<String>,
}

impl Next {
    /// A call of the operation `name` without arguments.
    pub fn op(name: impl Into<Cow<'static, str>>) -> Self {
        Self {
            op: name.into(),
            args: Vec::new(),
            remark: None,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.args.push((name.into(), value.into()));
        self
    }

    /// Adds an argument if there is a value for it.
    #[must_use]
    pub fn arg_if(self, name: impl Into<Cow<'static, str>>, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.arg(name, value),
            None => self,
        }
    }

    /// Adds a few words that stand after the call.
    #[must_use]
    pub fn remark(mut self, remark: impl Into<String>) -> Self {
        self.remark = Some(remark.into());
        self
    }
}
