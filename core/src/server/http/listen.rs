//! Listening, and the end of it.

use std::{
    convert::Infallible,
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{net::TcpStream, sync::Semaphore, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    authority::Authority,
    respond::{ENDPOINT, Responder},
    token::{Token, TokenSource, configured},
};
use crate::{
    Error,
    config::{Config, HttpAuth, HttpSection},
    engine::Engine,
    server::{
        handler::Handler,
        serve::signals,
        stopping::{DRAIN, FLUSH, Stopping},
    },
};

/// How long a client may take from one request to the end of the next one's head.
const IDLE: Duration = Duration::from_secs(120);
/// Connections at once; the next ones wait. A process may usually open 1024 files, and API servers need some of them.
const CONNECTIONS: usize = 512;
/// How long calls that were cancelled at the end may still say so: longer than on stdio, for an answer passes more
/// tasks, and only those who do not heed it make the server wait.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// How long to wait after the system had no room for a connection.
const PAUSE: Duration = Duration::from_millis(500);

/// A server that listens on loopback.
pub struct HttpServer {
    listener: TcpListener,
    address: SocketAddr,
    responder: Responder,
    stopping: Stopping,
    token: Token,
}

impl HttpServer {
    /// Listens, and writes the token's file if there is to be one. No cluster is contacted.
    ///
    /// # Errors
    /// If the address is not one of loopback or is taken, or the token cannot be obtained.
    pub fn bind(engine: Arc<Engine>, config: &Config) -> Result<Self, Error> {
        let wanted = config.http.listen;
        check_loopback(wanted)?;
        let failed = |error: io::Error| {
            let hint = match error.kind() {
                io::ErrorKind::AddrInUse => "; port 0 takes any free one",
                _ => "",
            };
            Error::invalid(format!("http.listen {wanted}: {error}{hint}"))
        };
        let listener = TcpListener::bind(wanted).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let token = Token::obtain(&config.http, address.port())?;
        let stopping = Stopping::default();
        let responder = Responder::new(
            Handler::new(engine, config, "http", stopping.clone()),
            Authority::new(&config.http, token.digest),
            &config.http,
            stopping.ended.clone(),
            stopping.closed.clone(),
        );
        Ok(Self {
            listener,
            address,
            responder,
            stopping,
            token,
        })
    }

    /// Finds out what can be known of [`bind`](Self::bind) without listening, and without a token being made.
    ///
    /// # Errors
    /// If the address is not one of loopback, or the configured token will not do.
    pub fn check(config: &HttpSection) -> Result<(), Error> {
        check_loopback(config.listen)?;
        match config.auth {
            HttpAuth::Token => configured(config).map(drop),
            HttpAuth::None => Ok(()),
        }
    }

    /// Where MCP is spoken.
    pub fn url(&self) -> String {
        format!("http://{}{ENDPOINT}", self.address)
    }

    /// Where a client finds the token.
    pub fn token(&self) -> &TokenSource {
        &self.token.source
    }

    /// Serves until a signal comes. Then nothing new is taken, streams end, calls under way have 800 ms to answer,
    /// and the rest is cancelled; a second signal ends it at once. Call it within
    /// [`block_on`](crate::server::block_on).
    ///
    /// # Errors
    /// If the listener fails.
    pub async fn serve(self) -> Result<(), Error> {
        let stop = CancellationToken::new();
        let watch = tokio::spawn(signals(stop.clone()));
        tokio::select! {
            result = self.serve_until(stop) => result,
            _ = watch => Ok(()),
        }
    }

    /// Serves until `stop` is cancelled and what follows is through.
    async fn serve_until(self, stop: CancellationToken) -> Result<(), Error> {
        let Self {
            listener,
            responder,
            stopping,
            // Its file goes at the end.
            token: _token,
            ..
        } = self;
        let listener = tokio::net::TcpListener::from_std(listener)
            .map_err(|error| Error::internal(format!("the listener failed: {error}")))?;
        let connections = GracefulShutdown::new();
        let responder = Arc::new(responder);
        tokio::select! {
            () = accept(&listener, &connections, &responder) => {}
            () = stop.cancelled() => {}
        }
        drop(listener);
        stopping.ended.cancel();
        end(connections, &stopping).await;
        Ok(())
    }
}

fn check_loopback(wanted: SocketAddr) -> Result<(), Error> {
    if wanted.ip().is_loopback() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "http.listen {wanted}: expected a loopback address such as 127.0.0.1:{port}: there is no TLS, so the token and \
         every answer would cross the network for anyone to read; listen on loopback and come in by \
         `ssh -L {port}:127.0.0.1:{port}` or through a reverse proxy on this machine that has TLS, with its name in \
         http.allowed_hosts",
        port = wanted.port()
    )))
}

/// Takes connections for ever.
async fn accept(
    listener: &tokio::net::TcpListener,
    connections: &GracefulShutdown,
    responder: &Arc<Responder>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    // It is never closed.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // The client's doing; the next may fare better.
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                tracing::error!(%error, "no connection could be taken");
                sleep(PAUSE).await;
                continue;
            }
        };
        let connection = connections.watch(connection(stream, Arc::clone(responder)));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke");
            }
            drop(place);
        });
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset
    )
}

/// One connection, with as many requests as it brings.
fn connection(
    stream: TcpStream,
    responder: Arc<Responder>,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> {
    // Otherwise the parts of an answer wait for the acknowledgements of those before: 40 ms.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "answers may be slow");
    }
    let service = service_fn(move |request| {
        let responder = Arc::clone(&responder);
        async move { Ok::<_, Infallible>(responder.respond(request).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(stream), service)
}

/// Ends connections: each once the answer under way has been sent. What does not come to its end is cancelled.
async fn end(connections: GracefulShutdown, stopping: &Stopping) {
    let patience = async {
        sleep(DRAIN).await;
        stopping.cancel_calls.cancel();
        sleep(LAST_WORDS).await;
        stopping.closed.cancel();
        sleep(FLUSH).await;
    };
    tokio::select! {
        () = connections.shutdown() => {}
        () = patience => {}
    }
    // Sessions whose client has gone end, too.
    stopping.cancel_calls.cancel();
    stopping.closed.cancel();
}
