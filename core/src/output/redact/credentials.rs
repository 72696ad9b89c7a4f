//! Class 2: what this process connects with. It belongs to the process and not to a call: a credential is read
//! once and must stay hidden in every answer after that, and in the log.

use std::{
    borrow::Cow,
    collections::VecDeque,
    sync::{LazyLock, PoisonError, RwLock},
};

use super::known::Known;

/// A plugin gives a new token every few minutes; those of yesterday open nothing any more.
const KEPT: usize = 256;

static CREDENTIALS: LazyLock<RwLock<Credentials>> = LazyLock::new(RwLock::default);

#[derive(Default)]
struct Credentials {
    recent: VecDeque<Vec<u8>>,
    known: Known,
}

/// Remembers a credential of a kubeconfig or an exec plugin: a token, a password, a private key. From now on no
/// answer shows it.
pub fn remember_credential(value: impl AsRef<[u8]>) {
    let value = value.as_ref();
    let mut all = CREDENTIALS.write().unwrap_or_else(PoisonError::into_inner);
    if all.recent.iter().any(|recent| recent == value) {
        return;
    }
    if all.recent.len() >= KEPT {
        all.recent.drain(..KEPT / 2);
        let known = Known::default();
        all.recent.iter().for_each(|value| known.remember(value));
        all.known = known;
    }
    all.known.remember(value);
    all.recent.push_back(value.to_vec());
}

/// The text without the credentials of this process.
pub(super) fn hide(text: &str) -> Cow<'_, str> {
    CREDENTIALS
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .known
        .hide(text)
}
