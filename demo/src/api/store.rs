//! The objects, and the log of their changes.
//!
//! One number counts all writes, the revision, as etcd's does: it is what `resourceVersion` says. The last
//! [`KEPT`] changes are kept; a watch is a place in that log. Who fell behind its beginning has to list again (410).

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde_json::{Value, json};
use tokio::sync::watch;

use super::{managed::Managed, object::Object, status::Result};

/// How many changes are kept for watches.
const KEPT: usize = 32_768;

/// Where an object is kept: its namespace (empty for a cluster's own) and its name.
pub(crate) type Place = (String, String);

/// An object's whole address.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Key {
    /// As `deployments.apps`.
    pub(crate) resource: Arc<str>,
    /// Empty for a cluster's own.
    pub(crate) namespace: String,
    /// The name.
    pub(crate) name: String,
}

impl Key {
    /// The address of an object.
    pub(crate) fn new(resource: &str, namespace: &str, name: &str) -> Self {
        Self {
            resource: resource.into(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
        }
    }
}

/// What became of an object.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The revision that did it.
    pub(crate) revision: u64,
    /// Which object.
    pub(crate) key: Key,
    /// As it is now; nothing if it is gone.
    pub(crate) now: Option<Arc<Object>>,
    /// As it was; nothing if it is new.
    pub(crate) before: Option<Arc<Object>>,
}

/// What a write makes of an object.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is written, if it differs from what is there. Its fields are owned as before.
    Put(Value),
    /// The same; its fields are owned so.
    PutBy(Value, Managed),
    /// It is removed.
    Remove,
}

/// All objects.
#[derive(Debug)]
pub(crate) struct Store {
    state: Mutex<State>,
    /// The last revision, for those who wait for changes.
    revision: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    revision: u64,
    objects: HashMap<Arc<str>, BTreeMap<Place, Arc<Object>>>,
    log: VecDeque<Change>,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            // 0 means "any" to a client, so nothing is ever written at it.
            state: Mutex::new(State {
                revision: 1,
                ..State::default()
            }),
            revision: watch::Sender::new(1),
        }
    }
}

impl Store {
    /// The last revision.
    pub(crate) fn revision(&self) -> u64 {
        self.state().revision
    }

    /// An object.
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Object>> {
        let state = self.state();
        let place = (key.namespace.clone(), key.name.clone());
        state.objects.get(&key.resource)?.get(&place).cloned()
    }

    /// Objects in the order of namespace and name, of one namespace or of all, after this place; with the revision
    /// that they are of.
    pub(crate) fn list(
        &self,
        resource: &str,
        namespace: Option<&str>,
        after: Option<&Place>,
    ) -> (Vec<Arc<Object>>, u64) {
        let state = self.state();
        let first = namespace.map(|namespace| (namespace.to_owned(), String::new()));
        let from = match (after, &first) {
            (Some(place), _) => Bound::Excluded(place),
            (None, Some(first)) => Bound::Included(first),
            (None, None) => Bound::Unbounded,
        };
        let objects = state.objects.get(resource).into_iter();
        let found = objects
            .flat_map(|objects| objects.range::<Place, _>((from, Bound::Unbounded)))
            .take_while(|((of, _), _)| namespace.is_none_or(|namespace| namespace == of))
            .map(|(_, object)| object.clone())
            .collect();
        (found, state.revision)
    }

    /// Writes one object, alone with it: the function sees it as it is, if it is there, and says what is to become
    /// of it. The object's `resourceVersion` is set here. What equals the object that is there is not written.
    /// Gives the object as it is then, or as it was before it was removed.
    ///
    /// # Errors
    /// The function's own; nothing is written then.
    pub(crate) fn write(
        &self,
        key: &Key,
        decide: impl FnOnce(Option<&Arc<Object>>) -> Result<Outcome>,
    ) -> Result<Arc<Object>> {
        let mut state = self.state();
        let place = (key.namespace.clone(), key.name.clone());
        let before = state
            .objects
            .get(&key.resource)
            .and_then(|objects| objects.get(&place))
            .cloned();
        let outcome = decide(before.as_ref())?;
        let revision = state.revision + 1;
        let (outcome, managed) = match outcome {
            Outcome::PutBy(value, managed) => (Outcome::Put(value), Some(managed)),
            other => (other, None),
        };
        let object = match outcome {
            Outcome::Put(mut value) | Outcome::PutBy(mut value, _) => {
                if let Some(before) = &before {
                    value["metadata"]["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
                    if value == ***before && !managed.as_ref().is_some_and(|managed| managed.differs(before))
                    {
                        return Ok(before.clone());
                    }
                }
                value["metadata"]["resourceVersion"] = json!(revision.to_string());
                let managed = managed.or_else(|| before.as_ref().map(Managed::of));
                let object = Arc::new(match managed {
                    Some(managed) => Object::managed_by(value, revision, managed),
                    None => Object::new(value, revision),
                });
                let objects = state.objects.entry(key.resource.clone()).or_default();
                objects.insert(place, object.clone());
                state.log.push_back(Change {
                    revision,
                    key: key.clone(),
                    now: Some(object.clone()),
                    before,
                });
                object
            }
            Outcome::Remove => {
                let Some(before) = before else {
                    return Ok(Arc::new(Object::new(Value::Null, state.revision)));
                };
                if let Some(objects) = state.objects.get_mut(&key.resource) {
                    objects.remove(&place);
                }
                // A deletion is a change of its own: the last that a watch sees carries its revision.
                let mut last = before.value().clone();
                last["metadata"]["resourceVersion"] = json!(revision.to_string());
                let last = Arc::new(Object::managed_by(last, revision, Managed::of(&before)));
                state.log.push_back(Change {
                    revision,
                    key: key.clone(),
                    now: None,
                    before: Some(last.clone()),
                });
                last
            }
        };
        state.revision = revision;
        if state.log.len() > KEPT {
            state.log.pop_front();
        }
        drop(state);
        self.revision.send_replace(revision);
        Ok(object)
    }

    /// The changes after a revision, at most so many; `None` if they are no longer all kept.
    pub(crate) fn changes(&self, after: u64, most: usize) -> Option<Vec<Change>> {
        let state = self.state();
        let first = state
            .log
            .front()
            .map_or(state.revision + 1, |change| change.revision);
        // Every revision is one change, so a place in the log is a difference.
        let skip = usize::try_from((after + 1).checked_sub(first)?).ok()?;
        Some(state.log.iter().skip(skip).take(most).cloned().collect())
    }

    /// Waits for changes: the receiver is told of each revision.
    pub(crate) fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
