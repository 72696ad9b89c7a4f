//! Who is as waited for, and who is not yet.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde_json::Value;

use super::{
    judge::{Outlook, Sight, judge},
    until::Until,
};
use crate::{
    Error,
    cluster::{ObjectKey, Resource, WatchEvent},
    output::ObjectId,
};

/// The objects that are waited for.
#[derive(Debug)]
pub(super) struct Tally<'a> {
    until: &'a Until,
    resource: &'a Resource,
    /// Whether one object is meant, and which, if it was there at the start.
    is_named: bool,
    uid: Option<String>,
    /// Those that are so, by uid, with what is worth saying.
    so: HashMap<String, String>,
    /// Those that are not so yet, by uid.
    pub(super) not_yet: BTreeMap<String, Pending>,
    /// Whether all that there is has been seen once.
    pub(super) synced: bool,
    /// What went wrong with watching, if it still does.
    pub(super) lost: Option<Error>,
    /// Why it looks now and then, and does not watch.
    pub(super) polling: Option<Error>,
    /// Whether the named object is gone, and nobody is to make it anew.
    pub(super) is_gone: bool,
    /// Whether another took its name, or came later.
    pub(super) is_replaced: bool,
    /// Objects that are still there, but no longer selected.
    pub(super) unselected: Vec<String>,
}

/// An object that is not so yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) id: ObjectId,
    /// As it was last seen: what is said of it at the end depends on the time, too.
    pub(super) object: Value,
    pub(super) sight: Sight,
}

impl<'a> Tally<'a> {
    /// Nothing seen yet. `uid` is that of the one object that is meant by name, if it is there.
    pub(super) fn new(until: &'a Until, resource: &'a Resource, is_named: bool, uid: Option<String>) -> Self {
        Self {
            until,
            resource,
            is_named,
            uid,
            so: HashMap::new(),
            not_yet: BTreeMap::new(),
            synced: false,
            lost: None,
            polling: None,
            is_gone: false,
            is_replaced: false,
            unselected: Vec::new(),
        }
    }

    /// Takes in what a watch tells.
    ///
    /// # Errors
    /// If an object can never be as it is waited for.
    pub(super) fn take(&mut self, event: WatchEvent) -> Result<(), Error> {
        match event {
            WatchEvent::Applied(object) => self.applied(object)?,
            WatchEvent::Deleted(key) => self.deleted(&key),
            WatchEvent::Synced => {
                // The one that is meant may have gone between the look that found it and the watch.
                if let Some(uid) = self.uid.clone().filter(|_| !self.synced && self.total() == 0) {
                    self.is_gone = true;
                    self.gone(uid);
                }
                self.synced = true;
            }
            WatchEvent::Polling(error) => self.polling = Some(error),
            WatchEvent::Interrupted(error) => self.lost = Some(error),
            WatchEvent::Resumed => self.lost = None,
        }
        Ok(())
    }

    fn applied(&mut self, object: Value) -> Result<(), Error> {
        let uid = ObjectKey::of(&object).uid;
        if matches!(self.until, Until::Gone) {
            let is_another = self.uid.as_ref().is_some_and(|meant| *meant != uid);
            let is_later = self.synced && !self.not_yet.contains_key(&uid);
            if is_another || is_later {
                self.is_replaced = true;
                return Ok(());
            }
        }
        let sight = judge(self.until, self.resource, &object, Timestamp::now())?;
        if sight.is_so {
            self.not_yet.remove(&uid);
            self.so.insert(uid, sight.words);
        } else {
            self.so.remove(&uid);
            let id = ObjectId::of(&self.resource.kind, &object);
            self.not_yet.insert(uid, Pending { id, object, sight });
        }
        Ok(())
    }

    /// An object that was there is gone.
    fn gone(&mut self, uid: String) {
        if matches!(self.until, Until::Gone) {
            self.so.insert(uid, String::new());
        }
    }

    fn deleted(&mut self, key: &ObjectKey) {
        self.so.remove(&key.uid);
        if let Some(pending) = self.not_yet.remove(&key.uid) {
            // A stateful set's pod comes back under its name.
            self.is_gone = pending.object["metadata"]["ownerReferences"].is_null();
            self.gone(key.uid.clone());
        }
    }

    /// An object that was told as gone is only no longer selected.
    pub(super) fn no_longer_selected(&mut self, key: ObjectKey) {
        self.not_yet.remove(&key.uid);
        self.unselected.push(key.name);
    }

    /// How many are so.
    pub(super) fn done(&self) -> usize {
        self.so.len()
    }

    /// How many there are.
    pub(super) fn total(&self) -> usize {
        self.so.len() + self.not_yet.len()
    }

    /// What is worth saying of the only one that is so.
    pub(super) fn words(&self) -> &str {
        self.so.values().next().map_or("", String::as_str)
    }

    /// Whether there is nothing to wait for any more, once all that there is has been seen.
    pub(super) fn is_done(&self) -> bool {
        match self.until {
            Until::There => !self.so.is_empty(),
            Until::Gone => self.not_yet.is_empty(),
            _ => self.not_yet.is_empty() && !self.so.is_empty(),
        }
    }

    /// Whether waiting cannot help: the object is gone, or will not be as waited for.
    pub(super) fn is_over(&self) -> bool {
        let is_lost = self.is_named && self.is_gone && self.not_yet.is_empty() && self.so.is_empty();
        let waits_for_life = !matches!(self.until, Until::Gone | Until::There);
        (is_lost && waits_for_life)
            || self
                .not_yet
                .values()
                .any(|pending| pending.sight.outlook == Outlook::Over)
    }

    /// `1 of 3 ready`, or of one object why it is not so.
    pub(super) fn progress(&self) -> String {
        if self.total() == 0 {
            return "not there yet".to_owned();
        }
        let only = self.not_yet.values().next().filter(|_| self.total() == 1);
        match only.map(|pending| &pending.sight.verdict) {
            Some(verdict) if !verdict.reason.is_empty() => verdict.reason.to_string(),
            Some(verdict) if !verdict.word.is_empty() => verdict.word.to_string(),
            _ => format!("{} of {} {}", self.done(), self.total(), self.until.state()),
        }
    }

    /// Those that are not so yet as they are now, the worst first, and at most so many.
    pub(super) fn into_worst(self, most: usize) -> Result<Vec<Pending>, Error> {
        let now = Timestamp::now();
        let mut pending: Vec<Pending> = self.not_yet.into_values().collect();
        for pending in &mut pending {
            pending.sight = judge(self.until, self.resource, &pending.object, now)?;
        }
        pending.sort_by(|a, b| {
            (b.sight.outlook.cmp(&a.sight.outlook))
                .then_with(|| a.sight.verdict.rank().cmp(&b.sight.verdict.rank()))
                .then_with(|| a.id.cmp(&b.id))
        });
        pending.truncate(most);
        Ok(pending)
    }
}
