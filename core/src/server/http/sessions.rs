//! Sessions of the revisions that have them, and how many there may be.

use std::{cell::Cell, sync::Arc};

use futures::Stream;
use rmcp::{
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage},
    transport::streamable_http_server::{
        SessionId, SessionManager,
        session::{
            ServerSseMessage,
            local::{LocalSessionManager, LocalSessionManagerError},
        },
    },
};
use tokio::sync::Mutex;

use crate::config::HttpSection;

tokio::task_local! {
    /// Whether the request that is being answered was refused a session. rmcp tells every error of a session
    /// manager as one of the server's own; this tells them apart.
    static REFUSED: Cell<bool>;
}

/// rmcp's sessions in memory, up to a number.
pub(super) struct Sessions {
    inner: LocalSessionManager,
    most: usize,
    /// Held from counting to adding one.
    adding: Mutex<()>,
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub(super) enum SessionsError {
    #[error("all sessions are taken")]
    Full,
    #[error(transparent)]
    Inner(#[from] LocalSessionManagerError),
}

impl Sessions {
    pub(super) fn new(config: &HttpSection) -> Arc<Self> {
        let mut inner = LocalSessionManager::default();
        inner.session_config.keep_alive = Some(config.session_idle);
        Arc::new(Self {
            inner,
            most: config.sessions,
            adding: Mutex::default(),
        })
    }

    /// Runs what answers a request, and says whether it was refused a session because all are taken.
    pub(super) async fn noting_refusal<T>(answer: impl Future<Output = T>) -> (T, bool) {
        REFUSED
            .scope(Cell::new(false), async {
                let answer = answer.await;
                (answer, REFUSED.with(Cell::get))
            })
            .await
    }
}

impl SessionManager for Sessions {
    type Error = SessionsError;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), SessionsError> {
        let _adding = self.adding.lock().await;
        if self.inner.sessions.read().await.len() >= self.most {
            tracing::warn!(sessions = self.most, "a session was refused: all are taken");
            // Outside of a request there is nobody to tell.
            let _ = REFUSED.try_with(|refused| refused.set(true));
            return Err(SessionsError::Full);
        }
        Ok(self.inner.create_session().await?)
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, SessionsError> {
        Ok(self.inner.initialize_session(id, message).await?)
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, SessionsError> {
        Ok(self.inner.has_session(id).await?)
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), SessionsError> {
        Ok(self.inner.close_session(id).await?)
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionsError> {
        Ok(self.inner.create_stream(id, message).await?)
    }

    async fn accept_message(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<(), SessionsError> {
        Ok(self.inner.accept_message(id, message).await?)
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionsError> {
        Ok(self.inner.create_standalone_stream(id).await?)
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, SessionsError> {
        Ok(self.inner.resume(id, last_event_id).await?)
    }
}
