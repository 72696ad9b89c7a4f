//! One call: what an operation is given, what it may take as parameters, and how it gets consent to a change.
//!
//! An operation sees a [`Cx`] (one cluster) or a [`ServerCx`] (none). It reads through [`Cx::client`]. To change
//! something it computes a [`Plan`] and calls [`Cx::approve`], which is the only way to a client that can write.

mod access;
mod approve;
mod audit;
mod bind;
mod cx;
mod operation;
mod page;
mod params;
mod plan;
mod stop;

pub use access::{Access, Mode, Verdict};
pub use approve::{Approved, Binding, CodeError, Codes, Consent, Digest};
pub use audit::{Audit, AuditEntry};
pub use bind::{Bind, BindError, Choice, Text, Value, Values, bind_choice, bind_text, bind_text_or_number};
pub use cx::{Call, Caller, Cx, Progress, ServerCx};
pub use operation::{Need, Operation, OperationParam, Reach};
pub use page::Page;
pub use params::{Duration, KindRef, Moment};
pub use plan::{Plan, Planned, Why};
pub use stop::{Result, Stop};
