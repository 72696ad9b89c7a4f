//! What is written: one task holds the output, so that a message is never half written.

use rmcp::model::{ErrorData, RequestId};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    sync::{mpsc, oneshot},
};
use tokio_util::sync::CancellationToken;

/// Messages that wait for a client that reads slowly. Beyond that nothing more is read of it.
const WAITING: usize = 64;

/// A line to write, and who wants to know when that is done.
pub(super) struct Outgoing {
    line: Vec<u8>,
    written: Option<oneshot::Sender<()>>,
}

impl Outgoing {
    pub(super) fn new(message: &impl Serialize) -> serde_json::Result<Self> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        Ok(Self { line, written: None })
    }

    /// Nothing: what is written before it is written when it is.
    pub(super) fn nothing() -> Self {
        Self {
            line: Vec::new(),
            written: None,
        }
    }

    /// Tells when it is written; an error if it never will be.
    pub(super) fn written(&mut self) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        self.written = Some(sender);
        receiver
    }
}

/// Starts the task that writes. It ends when all senders are gone; it cancels `broken` if the output is closed,
/// and drops all that comes after.
pub(super) fn start(
    mut write: impl AsyncWrite + Send + Unpin + 'static,
    broken: CancellationToken,
) -> mpsc::Sender<Outgoing> {
    let (sender, mut receiver) = mpsc::channel::<Outgoing>(WAITING);
    tokio::spawn(async move {
        let mut done = Vec::new();
        while let Some(first) = receiver.recv().await {
            let mut bytes = first.line;
            done.extend(first.written);
            // What else is ready goes out with it.
            while let Ok(next) = receiver.try_recv() {
                bytes.extend_from_slice(&next.line);
                done.extend(next.written);
            }
            let result = match write.write_all(&bytes).await {
                Ok(()) => write.flush().await,
                Err(error) => Err(error),
            };
            if let Err(error) = result {
                // Nobody is left to be told: a client that has gone is no error of ours.
                tracing::debug!(%error, "the output is closed");
                broken.cancel();
                return;
            }
            for written in done.drain(..) {
                // Whoever asked may have gone meanwhile.
                let _ = written.send(());
            }
        }
    });
    sender
}

/// An error response as JSON. Without an id it is null, as JSON-RPC says; from 2026-07-28 it is left out.
pub(super) fn error_response(id: Option<RequestId>, error: &ErrorData, modern: bool) -> Value {
    match id {
        None if modern => json!({"jsonrpc": "2.0", "error": error}),
        id => json!({"jsonrpc": "2.0", "id": id, "error": error}),
    }
}
