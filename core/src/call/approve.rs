//! The only way to a client that can write.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{Cx, Plan, Planned, Result, Stop, Verdict, Why};
use crate::{Error, ErrorKind, cluster::Client};

#[cfg(test)]
mod tests;

/// Whether and how a person's consent can be had in this call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consent {
    /// A plan and a code are given: the server asks the person by elicitation and redeems the code itself, or
    /// the model shows the plan and repeats the call with the code.
    #[default]
    Code,
    /// The client cannot ask a person, and the configuration (`confirm: ask-only`) does not take a model's word.
    Refused,
}

/// A digest that is compared, never shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of a value's JSON.
    pub fn of(value: &impl Serialize) -> Self {
        // Serialising our own types cannot fail; were it to, equal digests would still need equal failures.
        let text = serde_json::to_vec(value).unwrap_or_default();
        Self(Sha256::digest(text).into())
    }
}

/// What a code is bound to: it counts for exactly this and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The cluster's identity: context and server URL.
    pub cluster: String,
    /// Who calls.
    pub caller: String,
    /// The tool.
    pub tool: String,
    /// A digest for each argument, so that an answer can name the one that differs.
    pub arguments: BTreeMap<String, Digest>,
    /// The digest of the plan.
    pub plan: Digest,
}

/// Why a code does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// It was never given, was used, was voided or is too old.
    #[error("the code is not valid any more, or never was")]
    Unknown,
    /// It was given for another cluster.
    #[error("the code was given for another cluster")]
    Cluster,
    /// It was given to another caller.
    #[error("the code was given to another caller")]
    Caller,
    /// It was given for another tool.
    #[error("the code was given for another tool")]
    Tool,
    /// It was given for another value of this argument.
    #[error("the code was given for another value of {0}")]
    Argument(String),
    /// What would be done is not what it was when the code was given.
    #[error("the plan has changed since the code was given")]
    Plan,
}

/// Where confirmation codes are kept.
pub trait Codes: Send + Sync {
    /// A new code for this binding.
    fn issue(&self, binding: Binding) -> String;

    /// Takes a code in exchange for carrying out what it is bound to. A code can be redeemed once.
    ///
    /// # Errors
    /// If it does not count, with the reason.
    fn redeem(&self, code: &str, binding: &Binding) -> std::result::Result<(), CodeError>;
}

/// Consent to a plan, and the client that can carry it out.
#[derive(Debug)]
pub struct Approved {
    client: Client,
}

impl Approved {
    /// A client that can write, no further than the operation's declared access.
    pub fn client(&self) -> &Client {
        &self.client
    }
}

impl Cx {
    /// Asks for consent to a plan: the only way to a client that can write.
    ///
    /// It leaves early, with the plan, if the call is a dry run or if a person has to agree first. Nothing has
    /// been changed then.
    ///
    /// # Errors
    /// [`Stop::Planned`] as said; [`Stop::Error`] if the server's mode does not allow such a change at all.
    pub async fn approve(&self, plan: Plan) -> Result<Approved> {
        let call = self.call();
        let access = self.access().max(plan.access.unwrap_or(self.access()));
        let verdict = match call.mode.verdict(access) {
            Verdict::Runs if call.always_confirm => Verdict::Asks,
            verdict => verdict,
        };
        if verdict == Verdict::Refused {
            return Err(Error::new(
                ErrorKind::Forbidden,
                format!(
                    "the server runs in {} mode, which refuses {access} operations",
                    call.mode
                ),
            )
            .into());
        }
        if call.dry_run {
            return Err(self.planned(plan, Why::DryRun));
        }
        if verdict == Verdict::Asks {
            let binding = self.binding(&plan);
            let rejected = match &call.confirm {
                Some(code) => match call.codes.redeem(code, &binding) {
                    Ok(()) => return Ok(self.approved()),
                    Err(error) => Some(error.to_string()),
                },
                None => None,
            };
            if call.consent == Consent::Refused {
                return Err(Error::new(
                    ErrorKind::Forbidden,
                    format!(
                        "to {} needs a person's consent, and this client cannot ask for it (confirm: ask-only)",
                        plan.summary
                    ),
                )
                .into());
            }
            let code = call.codes.issue(binding);
            return Err(self.planned(
                plan,
                Why::Consent {
                    code,
                    rejected,
                    access,
                },
            ));
        }
        Ok(self.approved())
    }

    fn planned(&self, plan: Plan, why: Why) -> Stop {
        let cluster = self.cluster().name().to_owned();
        Stop::Planned(Box::new(Planned {
            cluster,
            plan,
            why,
            next: Vec::new(),
        }))
    }

    fn approved(&self) -> Approved {
        Approved {
            client: self.cluster().client(self.grant(self.access())),
        }
    }

    fn binding(&self, plan: &Plan) -> Binding {
        let call = self.call();
        Binding {
            cluster: self.cluster().identity().to_owned(),
            caller: call.caller.id.clone(),
            tool: call.tool.clone(),
            arguments: call
                .arguments
                .iter()
                .map(|(name, value)| (name.clone(), Digest::of(value)))
                .collect(),
            plan: plan.digest(),
        }
    }
}
