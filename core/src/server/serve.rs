//! Serving a transport until it ends.

use std::{io, sync::Arc, time::Duration};

use rmcp::{ServiceExt as _, transport::stdio_pipes};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime::Builder,
};
use tokio_util::sync::CancellationToken;

use super::{
    handler::Handler,
    stdio::StdioTransport,
    stopping::{CLOSE, Stopping},
};
use crate::{config::Config, engine::Engine};

/// How long what is left may take to be dropped, e.g. to kill a credential plugin.
const DROP: Duration = Duration::from_millis(50);
/// More than a few threads are of no use to one client.
const MOST_THREADS: usize = 4;

/// Why a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitReason {
    /// The client closed the server's input.
    InputClosed,
    /// The client closed the server's output.
    OutputClosed,
    /// SIGTERM or SIGINT came.
    Signal,
}

/// Runs a future on a runtime of its own, and lets nothing that it started outlive it by more than a moment: a
/// blocked read of stdin or a hung lookup does not keep the process alive, and its children are killed.
///
/// # Errors
/// If the system gives no threads.
pub fn block_on<T>(future: impl Future<Output = T>) -> io::Result<T> {
    let threads =
        std::thread::available_parallelism().map_or(2, |threads| threads.get().clamp(2, MOST_THREADS));
    let runtime = Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()?;
    let result = runtime.block_on(future);
    runtime.shutdown_timeout(DROP);
    Ok(result)
}

/// Serves stdin and stdout until the client closes them or a signal comes. Then calls under way have 800 ms to
/// answer; the rest is cancelled. Call it within [`block_on`], and end the process with its return: nothing else
/// may write to stdout.
pub async fn serve_stdio(engine: Arc<Engine>, config: &Config) -> ExitReason {
    let (read, write) = stdio_pipes();
    let signal = CancellationToken::new();
    let watch = tokio::spawn(signals(signal.clone()));
    let reason = tokio::select! {
        reason = serve_streams(engine, config, read, write, signal) => reason,
        _ = watch => ExitReason::Signal,
    };
    tracing::debug!(?reason, "ended");
    reason
}

/// Serves any pair of streams as [`serve_stdio`] serves stdin and stdout; `stop` stands for the signal.
pub async fn serve_streams(
    engine: Arc<Engine>,
    config: &Config,
    read: impl AsyncRead + Send + Unpin + 'static,
    write: impl AsyncWrite + Send + Unpin + 'static,
    stop: CancellationToken,
) -> ExitReason {
    let stopping = Stopping::default();
    let handler = Handler::new(engine, config, "stdio", stopping.clone());
    let transport = StdioTransport::new(read, write, stopping.clone());
    run(handler, transport, &stopping, stop).await
}

/// Runs rmcp's service over the transport until the steps of the end are through.
pub(super) async fn run<H, R>(
    handler: H,
    transport: StdioTransport<R>,
    stopping: &Stopping,
    stop: CancellationToken,
) -> ExitReason
where
    H: rmcp::ServerHandler,
    R: AsyncRead + Send + Unpin + 'static,
{
    let protocol = async {
        match handler.serve(transport).await {
            Ok(running) => {
                // Its reason is ours already, or a bug of rmcp's that it has logged.
                let _ = running.waiting().await;
            }
            // The input ended before the first request.
            Err(error) => tracing::debug!(%error, "no session"),
        }
    };
    let mut protocol = std::pin::pin!(protocol);
    let mut signalled = false;
    loop {
        tokio::select! {
            biased;
            () = &mut protocol => break,
            () = stop.cancelled(), if !signalled => {
                signalled = true;
                stopping.ended.cancel();
            }
            // What rmcp still waits for is a call that does not heed its cancellation.
            () = async { stopping.closed.cancelled().await; tokio::time::sleep(CLOSE).await } => break,
        }
    }
    if stopping.broken.is_cancelled() {
        ExitReason::OutputClosed
    } else if signalled {
        ExitReason::Signal
    } else {
        ExitReason::InputClosed
    }
}

/// Cancels `stop` with the first signal and returns with the second one, which is in a hurry.
pub(super) async fn signals(stop: CancellationToken) {
    terminated().await;
    stop.cancel();
    terminated().await;
}

/// Waits for a signal that asks the process to end: SIGTERM or SIGINT.
pub async fn terminated() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let Ok(mut terminate) = signal(SignalKind::terminate()) else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
