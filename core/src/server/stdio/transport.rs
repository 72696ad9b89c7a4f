//! rmcp's transport over our lines.

use std::{
    collections::VecDeque,
    future::Future,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rmcp::{
    RoleServer,
    model::{
        ClientJsonRpcMessage, ClientNotification, ClientRequest, ErrorData, GetMeta as _, JsonRpcMessage,
        ProtocolVersion, RequestId, ServerJsonRpcMessage, ServerResult,
    },
    transport::Transport,
};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
    time::Instant,
};

use super::{
    lines::{LIMIT, Line, Lines},
    message::{Incoming, read, read_value},
    output::{self, Outgoing, error_response},
    pending::{Answered, Pending},
};
use crate::server::stopping::{DRAIN, FLUSH, LAST_WORDS, Stopping};

/// Requests that may be under way at once.
const CONCURRENT: usize = 128;

/// Lines in, lines out.
pub(in crate::server) struct StdioTransport<R> {
    lines: Lines<R>,
    out: mpsc::Sender<Outgoing>,
    shared: Arc<Shared>,
    stopping: Stopping,
    /// Messages of a batch that are still to be delivered.
    queue: VecDeque<ClientJsonRpcMessage>,
    /// Answers of our own that are still to be written.
    owed: VecDeque<Value>,
    /// Since when nothing more is read.
    ended: Option<Instant>,
}

/// What reading and writing both have to know.
struct Shared(Mutex<Session>);

struct Session {
    pending: Pending,
    /// Whether the client has chosen its era: before, rmcp takes nothing but requests.
    established: bool,
    /// The revision that was agreed on, or that the requests name.
    version: Option<ProtocolVersion>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Session> {
        // Every change of the session is whole before anything can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn is_modern(&self) -> bool {
        self.version
            .as_ref()
            .is_some_and(|version| !version.has_initialize())
    }

    /// Whether a first request is one: rmcp's own rules, told to the client in other words.
    fn establish(&mut self, request: &ClientRequest) -> bool {
        match request {
            ClientRequest::InitializeRequest(_) => {
                self.established = true;
                true
            }
            ClientRequest::PingRequest(_) => true,
            request => {
                let meta = request.get_meta();
                let complete = meta.missing_required_keys(&ProtocolVersion::LATEST).is_empty();
                let version = meta
                    .protocol_version()
                    .filter(|version| ProtocolVersion::KNOWN_VERSIONS.contains(version));
                // A request that only asks what the server is does not choose an era, and one of an unknown
                // revision is answered with those that are known.
                let chooses = !matches!(request, ClientRequest::DiscoverRequest(_));
                if complete && chooses && version.is_some() {
                    self.established = true;
                    self.version = version;
                }
                complete
            }
        }
    }
}

impl<R: AsyncRead + Send + Unpin> StdioTransport<R> {
    /// A transport over a pair of streams. Must be called within a runtime.
    pub(in crate::server) fn new(
        read: R,
        write: impl AsyncWrite + Send + Unpin + 'static,
        stopping: Stopping,
    ) -> Self {
        Self {
            lines: Lines::new(read, LIMIT),
            out: output::start(write, stopping.broken.clone()),
            shared: Arc::new(Shared(Mutex::new(Session {
                pending: Pending::new(),
                established: false,
                version: None,
            }))),
            stopping,
            queue: VecDeque::new(),
            owed: VecDeque::new(),
            ended: None,
        }
    }

    fn take(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Nothing => {}
            Incoming::Refused(id, error) => self.refuse(id, &error),
            Incoming::Batch(batch) => self.take_batch(batch),
            Incoming::Message(message) => match self.admit(&message, None) {
                Ok(true) => self.queue.push_back(*message),
                Ok(false) => {}
                Err((id, error)) => self.refuse(Some(id), &error),
            },
        }
    }

    fn refuse(&mut self, id: Option<RequestId>, error: &ErrorData) {
        let modern = self.shared.lock().is_modern();
        self.owed.push_back(error_response(id, error, modern));
    }

    /// Decides whether a message is delivered, and notes what it means for the session.
    fn admit(
        &mut self,
        message: &ClientJsonRpcMessage,
        batch: Option<u64>,
    ) -> Result<bool, (RequestId, ErrorData)> {
        let mut session = self.shared.lock();
        match message {
            JsonRpcMessage::Request(request) => {
                let id = &request.id;
                let refuse = |error| Err((id.clone(), error));
                if session.pending.contains(id) {
                    return refuse(ErrorData::invalid_request(
                        format!("id {id} is that of a request under way"),
                        None,
                    ));
                }
                if session.pending.len() >= CONCURRENT {
                    return refuse(ErrorData::internal_error(
                        format!("{CONCURRENT} requests are under way already; wait for their answers"),
                        None,
                    ));
                }
                if !session.established && !session.establish(&request.request) {
                    return refuse(ErrorData::invalid_params(
                        "not initialized: send initialize first or, from 2026-07-28, requests whose _meta has \
                         io.modelcontextprotocol/protocolVersion and io.modelcontextprotocol/clientCapabilities",
                        None,
                    ));
                }
                session.pending.add(id.clone(), batch);
                Ok(true)
            }
            JsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(cancelled) = &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                    && let Answered::Batch(answers) = session.pending.cancel(id)
                {
                    self.owed.push_back(Value::Array(answers));
                }
                // rmcp ends when one comes before the first request.
                Ok(session.established)
            }
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => Ok(session.established),
        }
    }

    /// Batches were part of one revision only.
    fn take_batch(&mut self, batch: Vec<Value>) {
        let allowed = self.shared.lock().version == Some(ProtocolVersion::V_2025_03_26);
        if !allowed {
            return self.refuse(
                None,
                &ErrorData::invalid_request(
                    "batches are part of revision 2025-03-26 only; send one message a line",
                    None,
                ),
            );
        }
        if batch.is_empty() {
            return self.refuse(None, &ErrorData::invalid_request("an empty batch", None));
        }
        let mut answers = Vec::new();
        let mut messages = Vec::new();
        for incoming in batch.into_iter().map(read_value) {
            match incoming {
                Incoming::Nothing => {}
                Incoming::Refused(id, error) => answers.push(error_response(id, &error, false)),
                Incoming::Batch(_) => {
                    let error = ErrorData::invalid_request("a batch within a batch", None);
                    answers.push(error_response(None, &error, false));
                }
                Incoming::Message(message) => messages.push(*message),
            }
        }
        let requests = messages
            .iter()
            .filter(|message| matches!(message, JsonRpcMessage::Request(_)))
            .count();
        if requests == 0 {
            if !answers.is_empty() {
                self.owed.push_back(Value::Array(answers));
            }
            self.queue.extend(messages);
            return;
        }
        let id = self.shared.lock().pending.add_batch(requests, answers);
        for message in messages {
            match self.admit(&message, Some(id)) {
                Ok(true) => self.queue.push_back(message),
                Ok(false) => {}
                Err((request, error)) => {
                    let answer = error_response(Some(request), &error, false);
                    if let Answered::Batch(answers) = self.shared.lock().pending.answer(id, answer) {
                        self.owed.push_back(Value::Array(answers));
                    }
                }
            }
        }
    }

    /// Whether nothing is under way any more before `until`.
    async fn idle(&mut self, until: Instant) -> bool {
        let mut under_way = self.shared.lock().pending.watch();
        tokio::select! {
            biased;
            // The sender lives as long as the session.
            _ = under_way.wait_for(|count| *count == 0) => true,
            () = self.stopping.broken.cancelled() => true,
            () = tokio::time::sleep_until(until) => false,
        }
    }

    /// Waits until what is under way has answered, first patiently, then not.
    async fn wind_down(&mut self, since: Instant) {
        if !self.idle(since + DRAIN).await {
            self.stopping.cancel_calls.cancel();
            self.idle(since + DRAIN + LAST_WORDS).await;
        }
        self.stopping.cancel_calls.cancel();
        self.flush().await;
        self.stopping.closed.cancel();
    }

    /// Gives the answers of our own to the output. A client that does not read them is not read either, but the
    /// server's end is not kept waiting. Nothing if the output is closed.
    async fn pay(&mut self) -> Option<()> {
        while !self.owed.is_empty() {
            let ended = self.ended;
            let given_up = async {
                match ended {
                    Some(since) => tokio::time::sleep_until(since + DRAIN).await,
                    None => self.stopping.ended.cancelled().await,
                }
            };
            let permit = tokio::select! {
                biased;
                permit = self.out.reserve() => permit.ok()?,
                () = given_up => {
                    if ended.is_some() {
                        self.owed.clear();
                    } else {
                        self.ended = Some(Instant::now());
                    }
                    continue;
                }
            };
            if let Some(answer) = self.owed.pop_front() {
                match Outgoing::new(&answer) {
                    Ok(outgoing) => permit.send(outgoing),
                    Err(error) => tracing::error!(%error, "an answer could not be written as JSON"),
                }
            }
        }
        Some(())
    }

    /// Waits until what was given to the output is written, unless the client does not read it.
    async fn flush(&mut self) {
        let mut nothing = Outgoing::nothing();
        let written = nothing.written();
        let flush = async {
            // An error is an output that is closed.
            if self.out.send(nothing).await.is_ok() {
                let _ = written.await;
            }
        };
        let _ = tokio::time::timeout(FLUSH, flush).await;
    }
}

impl<R: AsyncRead + Send + Unpin> Transport<RoleServer> for StdioTransport<R> {
    type Error = io::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let out = self.out.clone();
        let shared = Arc::clone(&self.shared);
        async move {
            let answered = match &message {
                JsonRpcMessage::Response(response) => Some(response.id.clone()),
                JsonRpcMessage::Error(error) => error.id.clone(),
                JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => None,
            };
            let outgoing = {
                let mut session = shared.lock();
                if let JsonRpcMessage::Response(response) = &message
                    && let ServerResult::InitializeResult(result) = &response.result
                {
                    session.version = Some(result.protocol_version.clone());
                }
                match answered.as_ref().and_then(|id| session.pending.batch_of(id)) {
                    None => Some(Outgoing::new(&message)?),
                    Some(batch) => match session.pending.answer(batch, serde_json::to_value(&message)?) {
                        Answered::Batch(answers) => Some(Outgoing::new(&answers)?),
                        Answered::Waits => None,
                    },
                }
            };
            let result = match outgoing {
                None => Ok(()),
                Some(mut outgoing) => {
                    let written = outgoing.written();
                    match out.send(outgoing).await {
                        Ok(()) => written.await.map_err(|_| closed()),
                        Err(_) => Err(closed()),
                    }
                }
            };
            if let Some(id) = answered {
                shared.lock().pending.remove(&id);
            }
            result
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        // It is dropped and called again whenever rmcp has something else to do: between an await and the change
        // of state that belongs to it there must be no other await.
        loop {
            if !self.owed.is_empty() {
                self.pay().await?;
            }
            if let Some(message) = self.queue.pop_front() {
                return Some(message);
            }
            if let Some(since) = self.ended {
                self.wind_down(since).await;
                return None;
            }
            let ended = tokio::select! {
                biased;
                () = self.stopping.broken.cancelled() => true,
                () = self.stopping.ended.cancelled() => true,
                line = self.lines.next() => match line {
                    Ok(Line::Text(line)) => {
                        self.take(read(&line));
                        false
                    }
                    Ok(Line::TooLong) => {
                        let error = format!("the message is longer than {} MiB and was skipped", LIMIT >> 20);
                        self.refuse(None, &ErrorData::invalid_request(error, None));
                        false
                    }
                    Ok(Line::End) => true,
                    Err(error) => {
                        tracing::warn!(%error, "the input cannot be read any more");
                        true
                    }
                },
            };
            if ended {
                self.ended = Some(Instant::now());
                self.stopping.ended.cancel();
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the output is closed")
}
