//! Rights: who we are, and what we may do.

mod question;
mod rules;

use serde::Serialize;

use self::question::Question;
use super::{allowed, names};
use crate::{
    Error, Record,
    call::{Cx, KindRef, Result},
    cluster::{Decision, RequestInfo},
    operation,
    output::{self, Next},
};

/// What we may do.
#[derive(Debug, Default, Serialize, Record)]
pub struct Rights {
    /// Whether it is allowed; none if no verb was asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<bool>,
    /// Verbs that are allowed on the same kind at the same place, if this one is not or none was asked about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_there: Vec<String>,
    /// Namespaces in which it is allowed, if it is not in all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_in: Vec<String>,
    /// What may be done in a namespace, as `get, list: pods, services`, if nothing in particular was asked about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// Our groups, where they may explain the answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// Who we are, and whether we may do something: with a verb and a kind, whether that is allowed, and where; with a
/// kind alone, which verbs are; with neither, every right in a namespace. It is the API server that says so; where
/// this server's own mode or rules refuse what the API server allows, a note does.
#[operation("access.check", read)]
pub async fn check(
    cx: &Cx,
    /// As RBAC says it, e.g. `delete`; or what is done to a pod, e.g. `exec`.
    verb: Option<String>,
    /// Name, plural or short name, with a subresource if one is meant, e.g. `pods/exec`; `*` is every kind.
    kind: Option<KindRef>,
    /// Only this object.
    name: Option<String>,
    /// All of them if left out, and then each of them; the context's where an object is named or nothing is asked about.
    namespace: Option<String>,
) -> Result<output::Record<Rights>> {
    let me = cx.whoami().await?;
    let mut rights = Rights::default();
    let Some(kind) = kind else {
        if let Some(verb) = verb {
            return Err(Error::invalid(format!("kind: expected what to {verb}, e.g. kind=pods")).into());
        }
        let namespace = namespace.as_deref().unwrap_or(cx.default_namespace());
        let (lines, incomplete) = rules::read(cx, namespace).await?;
        let heading = match lines.is_empty() {
            true => format!("{} has no rights in namespace {namespace}", me.user),
            false => format!("{} may, in namespace {namespace}", me.user),
        };
        rights.rules = lines;
        rights.groups = me.groups;
        let mut record = output::Record::new(heading, rights);
        record.notes.extend(incomplete);
        return Ok(record);
    };
    let mut question = Question::read(cx, verb.as_deref(), &kind).await?;
    question.place(cx, name, namespace.as_deref());
    let mut notes = Vec::new();
    let heading = match &question.verb {
        None => {
            rights.allowed_there = allowed_verbs(cx, &question).await?;
            let what = question.what();
            match rights.allowed_there.is_empty() {
                true => format!("{} may do nothing to {what}{}", me.user, question.at()),
                false => format!("{} may do to {what}{}", me.user, question.at()),
            }
        }
        Some(verb) => {
            let asked = question.info(verb);
            let decision = cx.client().may(&asked).await?;
            rights.allowed = Some(decision.allowed);
            if decision.allowed {
                notes.extend(refused_here(cx, &question, &asked));
            } else {
                rights.groups = me.groups;
                rights.allowed_there = allowed_verbs(cx, &question).await?;
                if question.namespaced {
                    let (allowed, note) = allowed::namespaces(cx, &asked).await?;
                    rights.allowed_in = allowed;
                    notes.extend(note);
                }
            }
            answer(&me.user, &question, &asked, &decision, &rights.allowed_in)
        }
    };
    // The API server answers for a namespace that does not exist, too.
    let named = namespace.as_deref().filter(|_| question.namespaced);
    if let Err(missing) = names::check_namespace(cx, named, Next::op("access.check")).await {
        notes.push(missing.message);
    }
    let mut record = output::Record::new(heading, rights);
    record.notes = notes;
    Ok(record)
}

/// `No: dana may not delete pods in payments (no rule allows it)`
fn answer(
    user: &str,
    question: &Question,
    asked: &RequestInfo,
    decision: &Decision,
    elsewhere: &[String],
) -> String {
    let what = format!("{} {}", asked.verb, question.what());
    let at = question.at();
    let reason = decision
        .reason
        .strip_prefix("RBAC: allowed by ")
        .unwrap_or(&decision.reason);
    let reason = match (reason, decision.allowed) {
        ("", true) => String::new(),
        ("", false) => " (no rule allows it)".to_owned(),
        (reason, _) => format!(" ({reason})"),
    };
    match decision.allowed {
        true => format!("Yes: {user} may {what}{at}{reason}"),
        false if !elsewhere.is_empty() && question.namespace.is_none() => {
            format!(
                "In part: {user} may {what} in {}, not in all namespaces",
                names::listed(elsewhere)
            )
        }
        false => format!("No: {user} may not {what}{at}{reason}"),
    }
}

/// That this server refuses what the API server allows.
fn refused_here(cx: &Cx, question: &Question, asked: &RequestInfo) -> Option<String> {
    let refused = cx.cluster().permits(asked, !question.namespaced).err()?;
    Some(format!("but this server would not send it: {}", refused.message))
}

/// The verbs that are allowed of those that the kind has.
async fn allowed_verbs(cx: &Cx, question: &Question) -> Result<Vec<String>, Error> {
    let others = question
        .verbs
        .iter()
        .filter(|verb| question.verb.as_ref() != Some(*verb));
    allowed::among(cx, others.map(|verb| (verb.clone(), question.info(verb)))).await
}
