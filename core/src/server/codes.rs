//! Confirmation codes, kept in memory.
//!
//! A code is short enough for a person to read out, so guessing has to be hopeless for another reason: five
//! wrong codes void every live code of the caller. What counts as wrong is a guess: something of a code's shape
//! that is not live, or another caller's code. A live code presented for other arguments, another plan or
//! another tool is an honest mistake: it is refused with the difference named, is not burnt and does not count,
//! since it could never have carried anything out but what it was given for. Neither does `yes` or `true`, which
//! models like to pass, count as a guess.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::call::{Binding, CodeError, Codes};

#[cfg(test)]
mod tests;

/// How long a code counts.
const LIFETIME: Duration = Duration::from_secs(5 * 60);
/// Wrong codes after which a caller's live ones are void.
const WRONG_LIMIT: u32 = 5;
/// Live codes of one caller; the oldest goes.
const CALLER_LIMIT: usize = 32;
/// Live codes altogether; the oldest goes.
const LIMIT: usize = 1024;
/// Characters of a code, without the dash.
const LENGTH: usize = 6;
/// Digits and letters that are not taken for one another: 32 of them, 30 bits in a code.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Codes in memory: single use, five minutes, bound to all that the [`Binding`] says.
pub struct MemoryCodes {
    now: Box<dyn Fn() -> Instant + Send + Sync>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    live: HashMap<String, Live>,
    /// Wrong codes by caller, of callers that have live ones.
    wrong: HashMap<String, u32>,
}

struct Live {
    binding: Binding,
    issued: Instant,
}

impl MemoryCodes {
    /// No codes yet.
    pub fn new() -> Self {
        Self::with_clock(Instant::now)
    }

    /// The same with another clock.
    pub fn with_clock(now: impl Fn() -> Instant + Send + Sync + 'static) -> Self {
        Self {
            now: Box::new(now),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of the state is whole before anything can panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryCodes {
    fn default() -> Self {
        Self::new()
    }
}

impl Codes for MemoryCodes {
    fn issue(&self, binding: Binding) -> String {
        let issued = (self.now)();
        let mut state = self.state();
        state.expire(issued);
        state.make_room(&binding.caller);
        loop {
            let Some(key) = random_key() else {
                tracing::error!("no randomness from the system: the code given cannot be redeemed");
                return "unavailable".to_owned();
            };
            if let Entry::Vacant(free) = state.live.entry(key) {
                let shown = shown(free.key());
                free.insert(Live { binding, issued });
                return shown;
            }
        }
    }

    fn redeem(&self, code: &str, binding: &Binding) -> Result<(), CodeError> {
        let now = (self.now)();
        let mut state = self.state();
        state.expire(now);
        let Some(key) = key(code) else {
            return Err(CodeError::Unknown);
        };
        let Some(live) = state.live.get(&key) else {
            state.count_wrong(&binding.caller);
            return Err(CodeError::Unknown);
        };
        match difference(&live.binding, binding) {
            None => {
                state.live.remove(&key);
                state.wrong.remove(&binding.caller);
                Ok(())
            }
            Some(error) => {
                if error == CodeError::Caller {
                    state.count_wrong(&binding.caller);
                }
                Err(error)
            }
        }
    }
}

impl State {
    fn expire(&mut self, now: Instant) {
        self.live
            .retain(|_, live| now.saturating_duration_since(live.issued) < LIFETIME);
        let live = &self.live;
        self.wrong
            .retain(|caller, _| live.values().any(|live| live.binding.caller == *caller));
    }

    fn make_room(&mut self, caller: &str) {
        let of_caller = self
            .live
            .values()
            .filter(|live| live.binding.caller == caller)
            .count();
        if of_caller >= CALLER_LIMIT {
            self.drop_oldest(|live| live.binding.caller == caller);
        } else if self.live.len() >= LIMIT {
            self.drop_oldest(|_| true);
        }
    }

    fn drop_oldest(&mut self, of: impl Fn(&Live) -> bool) {
        let oldest = self
            .live
            .iter()
            .filter(|(_, live)| of(live))
            .min_by_key(|(_, live)| live.issued)
            .map(|(key, _)| key.clone());
        if let Some(key) = oldest {
            self.live.remove(&key);
        }
    }

    fn count_wrong(&mut self, caller: &str) {
        // A caller without live codes can guess nothing, and an entry for it would never be removed.
        if !self.live.values().any(|live| live.binding.caller == caller) {
            return;
        }
        let wrong = self.wrong.entry(caller.to_owned()).or_default();
        *wrong += 1;
        if *wrong >= WRONG_LIMIT {
            self.live.retain(|_, live| live.binding.caller != caller);
            self.wrong.remove(caller);
            tracing::warn!(
                caller,
                "{WRONG_LIMIT} wrong confirmation codes: all of this caller's are void"
            );
        }
    }
}

/// The first thing in which a use differs from what the code was given for.
fn difference(given: &Binding, used: &Binding) -> Option<CodeError> {
    if given.caller != used.caller {
        return Some(CodeError::Caller);
    }
    if given.cluster != used.cluster {
        return Some(CodeError::Cluster);
    }
    if given.tool != used.tool {
        return Some(CodeError::Tool);
    }
    let argument = given
        .arguments
        .keys()
        .chain(used.arguments.keys())
        .find(|name| given.arguments.get(*name) != used.arguments.get(*name));
    if let Some(name) = argument {
        return Some(CodeError::Argument(name.clone()));
    }
    (given.plan != used.plan).then_some(CodeError::Plan)
}

fn random_key() -> Option<String> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).ok()?;
    // 256 is a multiple of 32, so no character is likelier than another.
    Some(
        bytes
            .iter()
            .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
            .collect(),
    )
}

/// A key as it is shown: `k7-4F2Q`.
fn shown(key: &str) -> String {
    let (head, tail) = key.split_at(2);
    format!("{}-{tail}", head.to_ascii_lowercase())
}

/// The key of what has a code's shape; letter case, spaces around it and the dash do not count.
fn key(code: &str) -> Option<String> {
    let key: String = code
        .trim()
        .chars()
        .filter(|c| *c != '-')
        .map(|c| c.to_ascii_uppercase())
        .collect();
    (key.len() == LENGTH && key.bytes().all(|byte| ALPHABET.contains(&byte))).then_some(key)
}
