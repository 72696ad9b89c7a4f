//! What a rule says.

use std::borrow::Cow;

use crate::output::Health;

/// The severity of what is on its way because someone wants it so.
pub(super) const MEANT: u8 = 8;

/// What the status rule of a kind says of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// Healthy or not.
    pub health: Health,
    /// How urgent it is among those of the same health; 0 is the most urgent.
    pub severity: u8,
    /// The status word; empty where the kind has no state.
    pub word: Cow<'a, str>,
    /// Why, where the rule can tell; empty otherwise.
    pub reason: Cow<'a, str>,
    /// Ready and desired, where the kind has them.
    pub ready: Option<(u32, u32)>,
}

impl<'a> Verdict<'a> {
    pub(super) fn new(health: Health, severity: u8, word: impl Into<Cow<'a, str>>) -> Self {
        Self {
            health,
            severity,
            word: word.into(),
            ..Self::default()
        }
    }

    pub(super) fn healthy(word: impl Into<Cow<'a, str>>) -> Self {
        Self::new(Health::Healthy, 0, word)
    }

    pub(super) fn because(mut self, reason: impl Into<Cow<'a, str>>) -> Self {
        self.reason = reason.into();
        self
    }

    pub(super) fn with_ready(mut self, ready: Option<(u32, u32)>) -> Self {
        self.ready = ready;
        self
    }

    /// Whether something is wrong: not so for what someone has stopped on purpose, a suspended job or a cordoned
    /// node, though a list shows it among the unhealthy.
    pub fn is_trouble(&self) -> bool {
        self.health.is_unhealthy() && self.severity < MEANT
    }

    /// The place in a list: smaller comes first.
    pub fn rank(&self) -> u8 {
        (self.health as u8) * 16 + self.severity.min(15)
    }

    /// The same verdict on its own.
    pub fn into_owned(self) -> Verdict<'static> {
        Verdict {
            health: self.health,
            severity: self.severity,
            word: Cow::Owned(self.word.into_owned()),
            reason: Cow::Owned(self.reason.into_owned()),
            ready: self.ready,
        }
    }
}
