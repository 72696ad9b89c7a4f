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
    decode,
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

#[derive(Debug)]
struct Token {
    user: User,
    account: Key,
    audiences: Vec<String>,
    expires: Timestamp,
}

impl Tokens {
    /// Whose token it is, while it lasts, is meant for us, and the account is there.
    pub(crate) fn bearer(&self, api: &Api, token: &str) -> Option<User> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let token = tokens
            .get(token)
            .filter(|token| token.expires > api.clock.now())?;
        let account = api.store.get(&token.account)?;
        let is_ours = token.audiences.iter().any(|audience| audience == AUDIENCE);
        (is_ours && account.uid() == token.user.uid).then(|| token.user.clone())
    }
}

/// `POST` of a `TokenRequest`.
pub(crate) fn create(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let (namespace, name) = (target.place(), target.name());
    let account = api.get(&target.kind, namespace, name)?;
    let request = decode::body(asked, &target.spoken())?;
    let lasts = request.number("/spec/expirationSeconds").unwrap_or(3600);
    if lasts < 600 {
        let why = "may not specify a duration less than 10 minutes";
        let causes = vec![Cause::invalid("spec.expirationSeconds", &json!(lasts), why)];
        return Err(Failure::invalid_of(
            "authentication.k8s.io",
            "TokenRequest",
            "",
            causes,
        ));
    }
    let asked_for = request.list("/spec/audiences").iter().filter_map(Value::as_str);
    let mut audiences: Vec<String> = asked_for.map(str::to_owned).collect();
    if audiences.is_empty() {
        audiences.push(AUDIENCE.into());
    }
    let (now, id) = (api.clock.now(), api.uid());
    let expires = now + SignedDuration::from_secs(lasts);
    let mut user = User::account(namespace, name);
    account.uid().clone_into(&mut user.uid);
    let credential = json!([format!("JTI={id}")]);
    user.extra
        .insert("authentication.kubernetes.io/credential-id".into(), credential);
    let claims = json!({
        "aud": audiences,
        "exp": expires.as_second(),
        "iat": now.as_second(),
        "iss": AUDIENCE,
        "jti": id,
        "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": name, "uid": account.uid()}},
        "nbf": now.as_second(),
        "sub": user.name,
    });
    let header = json!({"alg": "none", "kid": "simulation"});
    let parts = [header.to_string(), claims.to_string(), api.suffix(64)];
    let text = parts.map(|part| BASE64_URL_SAFE_NO_PAD.encode(part)).join(".");
    let answer = json!({
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {
            "name": name, "namespace": namespace, "uid": account.uid(), "creationTimestamp": seconds(now),
        },
        "spec": {"audiences": audiences, "expirationSeconds": lasts},
        "status": {"token": text, "expirationTimestamp": seconds(expires)},
    });
    if !asked.write(target).dry_run {
        let account = Key::new("serviceaccounts", namespace, name);
        let mut tokens = api.tokens.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|_, token| token.expires > now);
        let token = Token {
            user,
            account,
            audiences,
            expires,
        };
        tokens.insert(text, token);
    }
    Ok(json_response(201, answer.to_string().into()))
}
