//! What is known of an operation at run time.

use super::Access;
use crate::output::OutputKind;

/// An operation's compiled facts, emitted by `#[operation]`.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// The name that specs bind, e.g. `pods.logs`.
    pub name: &'static str,
    /// How much it may do.
    pub access: Access,
    /// Whether it works on a cluster; decides whether its tool takes `cluster`.
    pub reach: Reach,
    /// What it answers with.
    pub output: OutputKind,
    /// Whether it lists: its last argument is a [`Page`](super::Page).
    pub paged: bool,
    /// Whether it takes its own timeout (at most 600 s) in place of the call's deadline.
    pub long: bool,
    /// What the API server must allow it.
    pub needs: &'static [Need],
    /// Its parameters, in order, without `cx` and `page`.
    pub params: &'static [OperationParam],
}

/// A right in RBAC's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The verb, e.g. `list`.
    pub verb: &'static str,
    /// The resource, e.g. `pods/log`, `deployments.apps`; `$kind` is what the parameter `kind` names.
    pub resource: &'static str,
}

/// What an operation works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// One cluster: it takes `&Cx`.
    Cluster,
    /// The server itself: it takes `&ServerCx`.
    Server,
}

/// A parameter of an operation.
#[derive(Clone, Copy, Debug)]
pub struct OperationParam {
    /// Its name.
    pub name: &'static str,
    /// Its type as written, without spaces, e.g. `Option<String>`.
    pub ty: &'static str,
    /// Whether it must be bound to a value that is always there.
    pub required: bool,
}
