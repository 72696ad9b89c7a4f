//! The time that the simulation lives in.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use tokio::sync::watch;

/// What time it is in the cluster. It stands still until it is moved, so that a test or a story decides how long
/// things take; released, it goes with the clock on the wall.
#[derive(Debug)]
pub(crate) struct Clock {
    state: Mutex<State>,
    /// Tells those who wait that time was moved or released.
    moved: watch::Sender<()>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// It stands.
    Held(Timestamp),
    /// It goes.
    Released,
}

impl Clock {
    /// A clock that stands at this time.
    pub(crate) fn held(at: Timestamp) -> Self {
        Self {
            state: Mutex::new(State::Held(at)),
            moved: watch::Sender::new(()),
        }
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        match *self.state() {
            State::Held(at) => at,
            State::Released => Timestamp::now(),
        }
    }

    /// Moves a clock that stands; one that goes is left alone, and so is one that is already past it.
    pub(crate) fn move_to(&self, to: Timestamp) {
        let mut state = self.state();
        if let State::Held(at) = *state {
            *state = State::Held(at.max(to));
        }
        drop(state);
        self.moved.send_replace(());
    }

    /// Lets the clock go with the one on the wall.
    pub(crate) fn release(&self) {
        *self.state() = State::Released;
        self.moved.send_replace(());
    }

    /// How long until then in real time: nothing if it is past, `None` if the clock stands.
    pub(crate) fn until(&self, then: Timestamp) -> Option<Duration> {
        match *self.state() {
            State::Held(_) => None,
            State::Released => Some(
                then.duration_since(Timestamp::now())
                    .try_into()
                    .unwrap_or_default(),
            ),
        }
    }

    /// Waits until then.
    pub(crate) async fn reach(&self, then: Timestamp) {
        let mut moved = self.moved.subscribe();
        while self.now() < then {
            // While the clock stands, only its being moved is waited for.
            let left = self.until(then).unwrap_or(Duration::from_secs(3600));
            drop(tokio::time::timeout(left, moved.changed()).await);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A time as Kubernetes writes it (`metav1.Time`): RFC 3339, UTC, whole seconds.
pub(crate) fn seconds(at: Timestamp) -> String {
    let whole = TimestampRound::new()
        .smallest(Unit::Second)
        .mode(RoundMode::Trunc);
    at.round(whole).unwrap_or(at).to_string()
}

/// A time as Kubernetes writes it with microseconds (`metav1.MicroTime`).
pub(crate) fn micros(at: Timestamp) -> String {
    format!("{at:.6}")
}
