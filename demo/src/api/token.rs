//! Tokens of service accounts (`POST serviceaccounts/NAME/token`).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::Response;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    access::User,
    front::{Asked, Body, json_response},
    object::Meta as _,
    route::Target,
    server::Api,
    status::{Cause, Failure, Result},
    store::Key,
};
use crate::clock::seconds;

/// Whom tokens are for where nobody says: the API server; and who gives them out.
pub(crate) const AUDIENCE: &str = "https://kubernetes.default.svc";

/// The tokens that were given out. They look as a real one does (a JWT), but nothing is signed: a token is good if
/// it was given out here.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<HashMap<String, Token>>);

#[derive(Clone, Debug)]
struct Token {
    namespace: String,
    account: String,
    uid: String,
    id: String,
    audiences: Vec<String>,
    expires: Timestamp,
}

impl Tokens {
    /// Whose token it is, while it lasts and the account is there; and for whom it is meant.
    pub(crate) fn bearer(&self, api: &Api, token: &str) -> Option<(User, Vec<String>)> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let token = tokens
            .get(token)
            .filter(|token| token.expires > api.clock.now())?;
        let account = api
            .store
            .get(&Key::new("serviceaccounts", &token.namespace, &token.account))?;
        if account.uid() != token.uid {
            return None;
        }
        let mut user = User::account(&token.namespace, &token.account);
        user.uid.clone_from(&token.uid);
        let id = json!([format!("JTI={}", token.id)]);
        user.extra
            .insert("authentication.kubernetes.io/credential-id".into(), id);
        Some((user, token.audiences.clone()))
    }

    /// Gives one out.
    fn give(&self, api: &Api, token: Token) -> String {
        let now = api.clock.now();
        let claims = json!({
            "aud": token.audiences,
            "exp": token.expires.as_second(),
            "iat": now.as_second(),
            "iss": AUDIENCE,
            "jti": token.id,
            "kubernetes.io": {
                "namespace": token.namespace,
                "serviceaccount": {"name": token.account, "uid": token.uid},
            },
            "nbf": now.as_second(),
            "sub": format!("system:serviceaccount:{}:{}", token.namespace, token.account),
        });
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let header = json!({"alg": "none", "kid": "simulation"});
        let text = format!(
            "{}.{}.{}",
            part(&header.to_string()),
            part(&claims.to_string()),
            part(&api.suffix(64))
        );
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, token| token.expires > now);
        tokens.insert(text.clone(), token);
        text
    }
}

/// `POST` of a `TokenRequest`.
pub(crate) fn create(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let account = api.get(&target.kind, target.place(), target.name())?;
    let mut request = asked.object()?;
    let lasts = request.number("/spec/expirationSeconds").unwrap_or(3600);
    let refuse = |why: &str| {
        Failure::invalid_of(
            "authentication.k8s.io",
            "TokenRequest",
            "",
            vec![Cause {
                reason: "FieldValueInvalid",
                message: format!("Invalid value: {lasts}: {why}"),
                field: "spec.expirationSeconds".into(),
            }],
        )
    };
    match lasts {
        ..600 => return Err(refuse("may not specify a duration less than 10 minutes")),
        0x1_0000_0001.. => return Err(refuse("may not specify a duration larger than 2^32 seconds")),
        _ => {}
    }
    let audiences: Vec<String> = match request.list("/spec/audiences") {
        [] => vec![AUDIENCE.into()],
        given => given
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    };
    let now = api.clock.now();
    let expires = now + SignedDuration::from_secs(lasts);
    request["apiVersion"] = "authentication.k8s.io/v1".into();
    request["kind"] = "TokenRequest".into();
    request["metadata"] = json!({
        "name": account.name(),
        "namespace": account.namespace(),
        "uid": account.uid(),
        "creationTimestamp": seconds(now),
    });
    request["spec"] = json!({
        "audiences": audiences,
        "expirationSeconds": lasts,
        "boundObjectRef": request["spec"]["boundObjectRef"],
    });
    let token = Token {
        namespace: account.namespace().into(),
        account: account.name().into(),
        uid: account.uid().into(),
        id: api.uid(),
        audiences,
        expires,
    };
    let text = match asked.write(target).dry_run {
        true => String::new(),
        false => api.tokens.give(api, token),
    };
    request["status"] = json!({"token": text, "expirationTimestamp": seconds(expires)});
    Ok(json_response(201, request.to_string().into()))
}
