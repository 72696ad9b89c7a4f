//! The objects, and the log of their changes.
//!
//! One number counts all writes, the revision, as etcd's does: it is what `resourceVersion` says. The last
//! [`KEPT`] changes are kept; a watch is a place in that log. Who fell behind its beginning has to list again (410).

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    iter,
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
    /// As a watch tells it: as it is now, or as it was last, with the revision of its end.
    pub(crate) told: Arc<Object>,
}

/// Which objects are listed.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    /// Of which resource, as `deployments.apps`.
    pub(crate) resource: &'a str,
    /// Of which namespace; `None` for all.
    pub(crate) namespace: Option<&'a str>,
    /// After which one; `None` to begin at the beginning.
    pub(crate) after: Option<&'a Place>,
    /// As they were at which revision; `None` for now.
    pub(crate) at: Option<u64>,
    /// How many at most.
    pub(crate) limit: usize,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Found {
    /// In the order of namespace and name.
    pub(crate) objects: Vec<Arc<Object>>,
    /// The revision that they are of.
    pub(crate) revision: u64,
    /// How many there are after them; at least how many, of a selection.
    pub(crate) remaining: usize,
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

impl State {
    /// The changes after a revision; `None` if they are no longer all kept.
    fn since(&self, revision: u64) -> Option<impl Iterator<Item = &Change>> {
        let first = self
            .log
            .front()
            .map_or(self.revision + 1, |change| change.revision);
        // Every revision is one change, so a place in the log is a difference.
        let skip = revision.saturating_add(1).checked_sub(first)?;
        Some(self.log.iter().skip(usize::try_from(skip).ok()?))
    }

    /// What has changed of a resource since a revision, as it was then; nothing for what is new since. `None` if the
    /// changes are no longer all kept.
    fn changed_since(&self, revision: u64, resource: &str) -> Option<BTreeMap<Place, Option<Arc<Object>>>> {
        let mut earlier = BTreeMap::new();
        for change in self
            .since(revision)?
            .filter(|change| *change.key.resource == *resource)
        {
            let place = (change.key.namespace.clone(), change.key.name.clone());
            earlier.entry(place).or_insert_with(|| change.before.clone());
        }
        Some(earlier)
    }
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

    /// All objects of a resource, of one namespace or of all, in the order of namespace and name.
    pub(crate) fn all(&self, resource: &str, namespace: Option<&str>) -> Vec<Arc<Object>> {
        let everything = Page {
            resource,
            namespace,
            after: None,
            at: None,
            limit: usize::MAX,
        };
        self.page(&everything, None)
            .map_or_else(Vec::new, |found| found.objects)
    }

    /// Some objects; `None` if the changes since the revision that is asked for are no longer all kept.
    pub(crate) fn page(&self, page: &Page<'_>, wanted: Option<&dyn Fn(&Value) -> bool>) -> Option<Found> {
        let state = self.state();
        let revision = page.at.unwrap_or(state.revision);
        let earlier = state.changed_since(revision, page.resource)?;
        let first = page
            .namespace
            .map(|namespace| (namespace.to_owned(), String::new()));
        let from = match (page.after, &first) {
            (Some(place), _) => Bound::Excluded(place),
            (None, Some(first)) => Bound::Included(first),
            (None, None) => Bound::Unbounded,
        };
        let range = (from, Bound::Unbounded);
        let mut now = state
            .objects
            .get(page.resource)
            .into_iter()
            .flat_map(|objects| objects.range::<Place, _>(range))
            .filter(|(place, _)| !earlier.contains_key(*place))
            .peekable();
        let mut then = earlier
            .range::<Place, _>(range)
            .filter_map(|(place, object)| Some((place, object.as_ref()?)))
            .peekable();
        let mut found = iter::from_fn(|| match (now.peek(), then.peek()) {
            (Some((one, _)), Some((other, _))) if other < one => then.next(),
            (None, _) => then.next(),
            _ => now.next(),
        })
        .take_while(|(place, _)| page.namespace.is_none_or(|namespace| namespace == place.0))
        .filter(|(_, object)| wanted.is_none_or(|wanted| wanted(object)))
        .map(|(_, object)| object);
        let objects = found.by_ref().take(page.limit).cloned().collect();
        let remaining = match wanted {
            // Who selects is told only whether there is more.
            Some(_) => found.next().into_iter().count(),
            None => found.count(),
        };
        Some(Found {
            objects,
            revision,
            remaining,
        })
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
                    if value == ***before && !managed.as_ref().is_some_and(|managed| managed.differ(before)) {
                        return Ok(before.clone());
                    }
                }
                value["metadata"]["resourceVersion"] = json!(revision.to_string());
                let managed = managed.or_else(|| before.as_ref().map(|before| before.managed().clone()));
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
                    told: object.clone(),
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
                let last = Arc::new(Object::managed_by(last, revision, before.managed().clone()));
                state.log.push_back(Change {
                    revision,
                    key: key.clone(),
                    now: None,
                    before: Some(before),
                    told: last.clone(),
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
        Some(self.state().since(after)?.take(most).cloned().collect())
    }

    /// The oldest revision after which the changes are all kept.
    pub(crate) fn oldest(&self) -> u64 {
        let state = self.state();
        state
            .log
            .front()
            .map_or(state.revision, |change| change.revision - 1)
    }

    /// Waits for changes: the receiver is told of each revision.
    pub(crate) fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
