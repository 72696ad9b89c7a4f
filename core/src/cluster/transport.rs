//! The innermost service of a cluster: connects when it is first used, authenticates, and gets new credentials
//! when the old ones expire or are not accepted.

use std::{
    sync::{Arc, PoisonError, RwLock},
    task::{Context, Poll},
    time::Instant,
};

use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response, StatusCode, header::AUTHORIZATION};
use jiff::Timestamp;
use tower::{BoxError, Service, ServiceExt as _};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{
    connect::{self, Connecting, HttpService, RequestBody, ResponseBody},
    kubeconfig::Entry,
    plugin::{Credential, Plugin},
};
use crate::Error;

/// A cluster's connections and credentials. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Transport(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Where to, or why nowhere: a mistake in the kubeconfig is told by each call.
    entry: Result<(Entry, Option<Plugin>), Error>,
    how: Connecting,
    /// What requests use.
    current: RwLock<Option<Arc<Session>>>,
    /// Held while connecting and while a plugin runs: one at a time, with what the last one failed with.
    renewal: tokio::sync::Mutex<Option<(Instant, Error)>>,
}

/// Connections and the credential that goes over them.
struct Session {
    service: HttpService,
    token: Option<HeaderValue>,
    renew: Option<Timestamp>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("renew", &self.renew)
            .finish_non_exhaustive()
    }
}

impl Transport {
    /// The transport to a kubeconfig entry. Nothing is read or contacted.
    pub(super) fn new(entry: Result<(Entry, Option<Plugin>), Error>, how: Connecting) -> Self {
        Self(Arc::new(Shared {
            entry,
            how,
            current: RwLock::new(None),
            renewal: tokio::sync::Mutex::new(None),
        }))
    }

    /// The kubeconfig's entry and its plugin, or what is wrong with the entry.
    pub(super) fn entry(&self) -> Result<(&Entry, Option<&Plugin>), Error> {
        match &self.0.entry {
            Ok((entry, plugin)) => Ok((entry, plugin.as_ref())),
            Err(error) => Err(error.clone()),
        }
    }

    /// Reads certificates and gets credentials, as the first request does. Connects to nothing.
    pub(super) async fn prepare(&self) -> Result<(), Error> {
        self.0.session(None).await.map(drop)
    }
}

impl Service<Request<RequestBody>> for Transport {
    type Response = Response<ResponseBody>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        let shared = self.0.clone();
        Box::pin(async move {
            let session = shared.session(None).await?;
            let response = session.send(request.clone()).await?;
            let refused = response.status() == StatusCode::UNAUTHORIZED;
            // A credential may be revoked before it expires. One more is asked for, once.
            if !refused || !matches!(&shared.entry, Ok((_, Some(_)))) {
                return Ok(response);
            }
            drop(response);
            let session = shared.session(Some(&session)).await?;
            session.send(request).await
        })
    }
}

impl Session {
    async fn send(&self, mut request: Request<RequestBody>) -> Result<Response<ResponseBody>, BoxError> {
        if let Some(token) = &self.token {
            request.headers_mut().insert(AUTHORIZATION, token.clone());
        }
        self.service.clone().oneshot(request).await
    }

    fn is_fresh(&self) -> bool {
        self.renew.is_none_or(|renew| Timestamp::now() < renew)
    }
}

impl Shared {
    fn usable(&self, refused: Option<&Arc<Session>>) -> Option<Arc<Session>> {
        let current = self
            .current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()?;
        let other = refused.is_none_or(|refused| !Arc::ptr_eq(refused, &current));
        (other && current.is_fresh()).then_some(current)
    }

    /// A session that may be used: not expired, and not the one that was refused.
    async fn session(&self, refused: Option<&Arc<Session>>) -> Result<Arc<Session>, Error> {
        if let Some(session) = self.usable(refused) {
            return Ok(session);
        }
        let asked = Instant::now();
        let mut failure = self.renewal.lock().await;
        if let Some(session) = self.usable(refused) {
            return Ok(session);
        }
        // Those who waited for a run that failed share its failure: running it again for each would take minutes.
        if let Some((at, error)) = &*failure
            && *at >= asked
        {
            return Err(error.clone());
        }
        match self.open().await {
            Ok(session) => {
                let session = Arc::new(session);
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(session.clone());
                *failure = None;
                Ok(session)
            }
            Err(error) => {
                *failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn open(&self) -> Result<Session, Error> {
        let (entry, plugin) = self.entry.as_ref().map_err(Clone::clone)?;
        let credential = match plugin {
            Some(plugin) => Some(plugin.run(entry).await?),
            None => None,
        };
        let Some(Credential {
            token,
            certificate,
            renew,
        }) = credential
        else {
            return Ok(Session {
                service: self.connect(entry, None).await?,
                token: None,
                renew: None,
            });
        };
        let token = match token {
            None => None,
            Some(token) => {
                let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| {
                    Error::invalid(format!(
                        "{}: the credential plugin gave a token that is none",
                        entry.place
                    ))
                })?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        // A new token goes over the old connections.
        let old = match &certificate {
            None => self
                .current
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            Some(_) => None,
        };
        let service = match old {
            Some(old) => old.service.clone(),
            None => self.connect(entry, certificate).await?,
        };
        Ok(Session {
            service,
            token,
            renew,
        })
    }

    async fn connect(
        &self,
        entry: &Entry,
        certificate: Option<(String, String)>,
    ) -> Result<HttpService, Error> {
        let mut user = entry.user.clone();
        if let Some((certificate, key)) = certificate {
            user.client_certificate_data = Some(BASE64_STANDARD.encode(certificate));
            user.client_key_data = Some(BASE64_STANDARD.encode(key).into());
        }
        let (entry, how) = (entry.clone(), self.how.clone());
        tokio::task::spawn_blocking(move || connect::connect(&entry, user, &how))
            .await
            .map_err(|error| Error::internal(format!("connecting failed: {error}")))?
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
