//! What all requests share.

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use fastrand::Rng;
use tokio_util::sync::CancellationToken;

use super::{
    kinds::{Kind, Kinds},
    status::{Failure, Result},
    store::Store,
    token::Tokens,
};
use crate::{
    clock::Clock,
    controllers::events::Told,
    kubelet::{images::Images, runs::Runtime},
};

/// What names that are made up consist of: no vowels, nothing that is read as another letter.
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// The API server.
#[derive(Debug)]
pub(crate) struct Api {
    /// All objects.
    pub(crate) store: Store,
    /// The time.
    pub(crate) clock: Clock,
    /// Ends the streams.
    pub(crate) stop: CancellationToken,
    /// The tokens of service accounts.
    pub(super) tokens: Tokens,
    pub(super) kinds: RwLock<Kinds>,
    /// What runs on the nodes.
    pub(crate) runtime: Runtime,
    /// The events that were told.
    pub(crate) told: Told,
    random: Mutex<Rng>,
}

impl Api {
    /// An API without objects, for nodes on which the images do this. What it makes up (names, uids) follows from the
    /// seed.
    pub(crate) fn new(clock: Clock, images: Images, seed: u64) -> Self {
        Self {
            store: Store::default(),
            clock,
            stop: CancellationToken::new(),
            tokens: Tokens::default(),
            kinds: RwLock::new(Kinds::built_in()),
            runtime: Runtime::new(images),
            told: Told::default(),
            random: Mutex::new(Rng::with_seed(seed)),
        }
    }

    /// The kinds that are served now.
    pub(crate) fn kinds(&self) -> RwLockReadGuard<'_, Kinds> {
        self.kinds.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The kind of a resource such as `deployments.apps`.
    ///
    /// # Errors
    /// If none is served under that name.
    pub(crate) fn kind(&self, resource: &str) -> Result<Arc<Kind>> {
        self.kinds()
            .named(resource)
            .cloned()
            .ok_or_else(Failure::nothing_here)
    }

    /// A made-up end of a name: so many letters and digits.
    pub(crate) fn suffix(&self, length: usize) -> String {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        (0..length)
            .map(|_| char::from(LETTERS[random.usize(..LETTERS.len())]))
            .collect()
    }

    /// A made-up number below this one.
    pub(crate) fn pick(&self, below: u32) -> u32 {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        random.u32(..below)
    }

    /// A made-up uid (RFC 4122, version 4).
    pub(crate) fn uid(&self) -> String {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        let (high, low) = (random.u64(..), random.u64(..));
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            0x8000 | low >> 48 & 0x3fff,
            low & 0xffff_ffff_ffff
        )
    }
}
