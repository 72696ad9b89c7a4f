//! How a server ends: in three steps, each a token.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How long calls under way may still answer once the client has gone or a signal has come.
pub(super) const DRAIN: Duration = Duration::from_millis(800);
/// How long calls that were cancelled then may still say so.
pub(super) const LAST_WORDS: Duration = Duration::from_millis(50);
/// How long a client may take to read what is still to be written.
pub(super) const FLUSH: Duration = Duration::from_millis(30);
/// How long what is left of the protocol may take.
pub(super) const CLOSE: Duration = Duration::from_millis(20);

/// The steps of a server's end, in order. All clones are one.
#[derive(Clone, Debug, Default)]
pub(super) struct Stopping {
    /// Nothing more is read: the client has closed its side, or a signal has come. Nobody can be asked any more.
    pub(super) ended: CancellationToken,
    /// Calls that are still under way are cancelled.
    pub(super) cancel_calls: CancellationToken,
    /// Nothing more is written, or can be.
    pub(super) closed: CancellationToken,
    /// The client does not read what is written.
    pub(super) broken: CancellationToken,
}
