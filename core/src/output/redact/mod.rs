//! Secret values, and how they are kept out of every answer, diff, error, log and audit line.
//!
//! A value is secret if it is
//!
//! 1. in a Secret's `data` or `stringData`, or its last-applied annotation;
//! 2. a credential of a kubeconfig or an exec plugin ([`remember_credential`]);
//! 3. the `value` of an env entry, a ConfigMap's `data` value, or a string leaf elsewhere in an object, whose own
//!    name says so ([`names_a_secret`]);
//! 4. of a known form anywhere in text (private keys, JWTs, cloud keys, passwords in URLs);
//! 5. equal to a value of class 1 or 2, of 8 bytes or more, that was read during this call, plain or base64.
//!
//! Keys and sizes stay. Nothing else is promised: a password in the middle of a configuration file has no form.

mod credentials;
mod forms;
mod known;
mod object;
mod redactor;
#[cfg(test)]
mod tests;

pub use credentials::remember_credential;
pub(super) use forms::changed;
pub(super) use object::LAST_APPLIED;
pub use object::names_a_secret;
pub use redactor::Redactor;
