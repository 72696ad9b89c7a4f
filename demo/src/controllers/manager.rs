//! Runs the controllers: one after another, on one thread, in an order that follows from the changes alone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::api::{
    Api,
    store::{Change, Key},
};

/// How many rounds of reconciling are made before changes are taken for two controllers that undo each other's work.
const ROUNDS: usize = 10_000;

/// One controller: told of changes, it brings objects towards what they are meant to be.
pub(crate) trait Controller: Send {
    /// The objects to look at after this change, by the address that [`reconcile`](Self::reconcile) takes.
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key>;

    /// Looks at one object, which may be gone. Gives when to look again although nothing has changed.
    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp>;
}

/// All controllers, and what they have yet to look at.
pub(crate) struct Manager {
    controllers: Vec<Box<dyn Controller>>,
    /// The last change that they were told of.
    revision: u64,
    /// What to look at when, by controller.
    timers: BTreeSet<(Timestamp, usize, Key)>,
    /// The timer of each.
    due: BTreeMap<(usize, Key), Timestamp>,
}

impl Manager {
    /// These controllers, which have seen nothing yet.
    pub(crate) fn new(controllers: Vec<Box<dyn Controller>>) -> Self {
        Self {
            controllers,
            revision: 1,
            timers: BTreeSet::new(),
            due: BTreeMap::new(),
        }
    }

    /// Works until nothing is left to do at this time. Gives when there is, if ever.
    pub(crate) fn settle(&mut self, api: &Api) -> Option<Timestamp> {
        for _ in 0..ROUNDS {
            let mut work = self.told(api);
            work.extend(self.timed(api.clock.now()));
            if work.is_empty() {
                return self.timers.first().map(|(at, _, _)| *at);
            }
            for (controller, key) in work {
                let again = self.controllers[controller].reconcile(api, &key);
                self.look_again(controller, key, again);
            }
        }
        tracing::error!("the controllers of the embedded cluster do not come to rest");
        self.timers.first().map(|(at, _, _)| *at)
    }

    /// What changes ask for, once each.
    fn told(&mut self, api: &Api) -> BTreeSet<(usize, Key)> {
        let mut work = BTreeSet::new();
        let Some(changes) = api.store.changes(self.revision, usize::MAX) else {
            tracing::error!("the controllers of the embedded cluster fell behind");
            self.revision = api.store.revision();
            return work;
        };
        for change in changes {
            for (number, controller) in self.controllers.iter().enumerate() {
                work.extend(
                    controller
                        .affected(api, &change)
                        .into_iter()
                        .map(|key| (number, key)),
                );
            }
            self.revision = change.revision;
        }
        work
    }

    /// What is due.
    fn timed(&mut self, now: Timestamp) -> Vec<(usize, Key)> {
        let mut work = Vec::new();
        while self.timers.first().is_some_and(|(at, _, _)| *at <= now) {
            if let Some((_, controller, key)) = self.timers.pop_first() {
                self.due.remove(&(controller, key.clone()));
                work.push((controller, key));
            }
        }
        work
    }

    fn look_again(&mut self, controller: usize, key: Key, at: Option<Timestamp>) {
        let slot = (controller, key.clone());
        if let Some(old) = self.due.remove(&slot) {
            self.timers.remove(&(old, controller, key.clone()));
        }
        if let Some(at) = at {
            self.timers.insert((at, controller, key));
            self.due.insert(slot, at);
        }
    }
}
