//! Repeats what may be repeated, within the deadline of its call.
//!
//! The loop is tower's; the policy is ours, because kube's repeats every verb. A read is repeated on 429, 502, 503,
//! 504 and on a connection that broke. A change is repeated only where it certainly did not happen: 429 with a
//! Retry-After (the API server turned it away before looking at it), or a connection that was refused.

use std::{
    io,
    time::{Duration, Instant},
};

use http::{HeaderMap, Request, Response, StatusCode, header::RETRY_AFTER};
use tower::{BoxError, retry::Policy};

use super::request::RequestInfo;
use crate::{
    call::Access,
    cluster::{
        Grant,
        connect::{RequestBody, ResponseBody},
    },
};

/// How often, and how soon. One stands for one request and its repetitions.
#[derive(Clone, Debug)]
pub(crate) struct Repeat {
    left: u32,
    pause: Duration,
}

impl Default for Repeat {
    fn default() -> Self {
        Self {
            left: 4,
            pause: Duration::from_millis(100),
        }
    }
}

/// The longest Retry-After that is waited for: beyond it the caller is told instead.
const PATIENCE: Duration = Duration::from_secs(10);

impl Policy<Request<RequestBody>, Response<ResponseBody>, BoxError> for Repeat {
    type Future = tokio::time::Sleep;

    fn retry(
        &mut self,
        request: &mut Request<RequestBody>,
        result: &mut Result<Response<ResponseBody>, BoxError>,
    ) -> Option<Self::Future> {
        if self.left == 0 {
            return None;
        }
        let reads = RequestInfo::read(request.method(), request.uri())
            .is_ok_and(|info| info.access() == Access::Read);
        let pause = match result {
            Ok(response) => self.after_status(reads, response.status(), response.headers())?,
            Err(error) => self.after_error(reads, error.as_ref())?,
        };
        let deadline = request.extensions().get::<Grant>()?.deadline;
        // Better the answer that there is than a deadline that passes.
        if Instant::now() + pause >= deadline {
            return None;
        }
        self.left -= 1;
        self.pause *= 2;
        Some(tokio::time::sleep(pause))
    }

    fn clone_request(&mut self, request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
        Some(request.clone())
    }
}

impl Repeat {
    fn after_status(&self, reads: bool, status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
        let asked = retry_after(headers);
        let repeats = match status {
            StatusCode::TOO_MANY_REQUESTS => reads || asked.is_some(),
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => reads,
            _ => false,
        };
        if !repeats || asked.is_some_and(|asked| asked > PATIENCE) {
            return None;
        }
        Some(asked.unwrap_or_default().max(jittered(self.pause)))
    }

    fn after_error(&self, reads: bool, error: &(dyn std::error::Error + 'static)) -> Option<Duration> {
        let kind = io_kind(error)?;
        let repeats = match kind {
            // Whatever is refused now is hardly there a moment later: one more try is for a restart.
            io::ErrorKind::ConnectionRefused => self.left > 3,
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
                reads
            }
            _ => false,
        };
        repeats.then(|| jittered(self.pause))
    }
}

/// Retry-After in seconds; the API server sends no dates.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// What went wrong with a connection, if that is what went wrong.
pub(crate) fn io_kind(error: &(dyn std::error::Error + 'static)) -> Option<io::ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        if let Some(hyper) = error.downcast_ref::<hyper::Error>()
            && hyper.is_incomplete_message()
        {
            return Some(io::ErrorKind::UnexpectedEof);
        }
        next = error.source();
    }
    None
}

/// Half to all of a pause, so that many do not come back at once.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let mut byte = [0u8];
    // Without randomness the pause is merely not jittered.
    if getrandom::fill(&mut byte).is_err() {
        return pause;
    }
    pause / 2 + pause.mul_f64(f64::from(byte[0]) / 512.0)
}

#[cfg(test)]
mod tests;
