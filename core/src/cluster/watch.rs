//! Watches: what becomes of objects, told as it happens.
//!
//! A watch lists, and then goes on from the list's resource version. A connection that ends is taken up where it
//! stopped. Where the API server has forgotten that place (410), the list is read anew and compared with what was told
//! before: each change is told once, and none that there was not. Who may not watch is told what a look every two
//! seconds shows.

use std::{
    collections::{HashMap, VecDeque},
    ops::ControlFlow,
    pin::Pin,
    time::{Duration, Instant},
};

use futures::{Stream, stream};
use serde::Deserialize;
use serde_json::Value;
use tokio::io::AsyncBufRead;

use super::{Client, ListQuery, Resource, layers::retry::jittered, list};
use crate::{Error, ErrorKind};

/// How often it looks where it may not watch.
const LOOK: Duration = Duration::from_secs(2);
/// After this the API server is to end a watch, which is then taken up again.
const SPAN: Duration = Duration::from_secs(290);
/// Bookmarks come every minute: a connection that is silent for longer than this is dead.
const SILENCE: Duration = Duration::from_secs(100);
/// The pause after a first failure; it doubles with each further one.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// A connection that ends earlier, and without a word, counts as a failure.
const SHORT: Duration = Duration::from_secs(5);
/// The most that one event may take.
const EVENT: usize = 64 << 20;

/// Which objects are watched.
#[derive(Clone, Debug)]
pub struct WatchScope {
    /// Their kind.
    pub resource: Resource,
    /// All namespaces if none; not looked at for a cluster-scoped kind.
    pub namespace: Option<String>,
    /// Only the object of this name. With it, who may neither list nor watch but get is served too.
    pub name: Option<String>,
    /// Selectors; pages and tokens are the watch's own affair.
    pub query: ListQuery,
}

/// What a watch tells.
#[derive(Clone, Debug)]
pub enum WatchEvent {
    /// The object is there, or is not any more as it was last told. Without its `managedFields`.
    Applied(Value),
    /// The object is gone, or is no longer selected. An object that was replaced by another of its name is told as
    /// gone, and the other then as applied.
    Deleted(ObjectKey),
    /// All that there is has been told: once after the first list, and after each that had to be read anew.
    Synced,
    /// Watching is not allowed, for this reason: it looks every two seconds, and what happens in between is not seen.
    Polling(Error),
    /// There is no connection, for this reason; it is tried again until the grant ends.
    Interrupted(Error),
    /// There is a connection again, and what happened meanwhile is told.
    Resumed,
}

/// Which object is meant, and which of those that had its name one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ObjectKey {
    /// The namespace, none for a cluster-scoped object.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// What no other object ever has.
    pub uid: String,
}

impl ObjectKey {
    /// The key of an object.
    pub fn of(object: &Value) -> Self {
        let text = |field: &str| object["metadata"][field].as_str().map(str::to_owned);
        Self {
            namespace: text("namespace"),
            name: text("name").unwrap_or_default(),
            uid: text("uid").unwrap_or_default(),
        }
    }
}

impl Client {
    /// Watches objects until the grant's deadline passes or its call is cancelled, which are errors, or until the
    /// stream is dropped: the connection is closed then. After an error there is nothing more.
    ///
    /// What goes by (no connection, 410, an API server that restarts) is no error. What does not go by is one: the
    /// API server refuses the list, or does not serve the kind.
    pub fn watch(
        &self,
        scope: WatchScope,
    ) -> Pin<Box<dyn Stream<Item = Result<WatchEvent, Error>> + Send + 'static>> {
        let watcher = Watcher::new(self.clone(), scope);
        Box::pin(stream::unfold(Some(watcher), async |watcher| {
            let mut watcher = watcher?;
            let told = watcher.next().await;
            let rest = told.is_ok().then_some(watcher);
            Some((told, rest))
        }))
    }
}

type Lines = Pin<Box<dyn AsyncBufRead + Send>>;

/// What is to be done next.
enum Phase {
    /// Read a page of the list: the first, or the one that the former page named.
    List(Option<String>),
    /// Open a watch from the last resource version on.
    Connect,
    /// Read an event.
    Read { lines: Lines, since: Instant },
}

/// How it finds out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    Watch,
    List,
    Get,
}

struct Watcher {
    client: Client,
    scope: WatchScope,
    phase: Phase,
    means: Means,
    /// Up to where everything has been told.
    resource_version: String,
    told: Told,
    /// What is to be told before anything else is done.
    events: VecDeque<WatchEvent>,
    /// How often it failed since it last succeeded.
    failures: u32,
    interrupted: bool,
    /// What has to pass before the next step.
    pause: Duration,
}

impl Watcher {
    fn new(client: Client, mut scope: WatchScope) -> Self {
        if let Some(name) = &scope.name {
            let field = format!("metadata.name={name}");
            let fields = scope.query.field_selector.take();
            scope.query.field_selector =
                Some(fields.map_or_else(|| field.clone(), |fields| format!("{fields},{field}")));
        }
        let can_watch = scope.resource.verbs.is_empty() || scope.resource.can("watch");
        Self {
            client,
            scope,
            phase: Phase::List(None),
            means: if can_watch { Means::Watch } else { Means::List },
            resource_version: String::new(),
            told: Told::default(),
            events: VecDeque::new(),
            failures: 0,
            interrupted: false,
            pause: Duration::ZERO,
        }
    }

    async fn next(&mut self) -> Result<WatchEvent, Error> {
        let (cancel, deadline) = (self.client.grant.cancel.clone(), self.client.grant.deadline);
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            let step = tokio::select! {
                biased;
                () = cancel.cancelled() => {
                    return Err(Error::new(ErrorKind::Cancelled, "the call was cancelled"));
                }
                () = tokio::time::sleep_until(deadline.into()) => {
                    let what = self.scope.resource.qualified();
                    return Err(Error::new(ErrorKind::Timeout, format!("the deadline of the watch of {what} passed")));
                }
                step = self.step() => step,
            };
            if let Err(error) = step {
                self.recover(error)?;
            }
        }
    }

    async fn step(&mut self) -> Result<(), Error> {
        let pause = std::mem::take(&mut self.pause);
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        match &mut self.phase {
            Phase::List(next) => {
                let next = next.take();
                self.list(next).await
            }
            Phase::Connect => self.connect().await,
            Phase::Read { lines, since } => {
                let (read, since) = (list::line(lines, EVENT), *since);
                match tokio::time::timeout(SILENCE, read).await {
                    Ok(Ok(Some(line))) => self.take(&line),
                    // It ended, broke or went silent: nothing is lost, it goes on from where it was.
                    Ok(Ok(None) | Err(_)) | Err(_) => {
                        match since.elapsed() < SHORT {
                            true => self.fail(),
                            false => self.failures = 0,
                        }
                        self.phase = Phase::Connect;
                        Ok(())
                    }
                }
            }
        }
    }

    /// Reads the first page, or the next one.
    async fn list(&mut self, next: Option<String>) -> Result<(), Error> {
        if next.is_none() {
            self.told.begin();
        }
        let WatchScope {
            resource,
            namespace,
            name,
            query,
        } = &self.scope;
        let namespace = namespace.as_deref();
        let (told, events) = (&mut self.told, &mut self.events);
        let mut next_page = None;
        if let (Means::Get, Some(name)) = (self.means, name) {
            match self.client.get(resource, namespace, name).await {
                Ok(mut object) => {
                    if let Some(metadata) = object["metadata"].as_object_mut() {
                        metadata.remove("managedFields");
                    }
                    told.applied(object, events);
                }
                Err(error) if error.kind == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        } else {
            let query = ListQuery {
                continue_token: next,
                ..query.clone()
            };
            let mut each = |object| {
                told.applied(object, events);
                ControlFlow::Continue(())
            };
            let end = self.client.page(resource, namespace, &query, &mut each).await?;
            self.resource_version = end.resource_version;
            next_page = end.next;
        }
        if next_page.is_some() {
            self.phase = Phase::List(next_page);
            return Ok(());
        }
        self.told.end(&mut self.events);
        self.resumed();
        self.events.push_back(WatchEvent::Synced);
        if self.means == Means::Watch {
            self.phase = Phase::Connect;
        } else {
            self.phase = Phase::List(None);
            self.pause = LOOK;
            self.failures = 0;
        }
        Ok(())
    }

    async fn connect(&mut self) -> Result<(), Error> {
        let left = self
            .client
            .grant
            .deadline
            .saturating_duration_since(Instant::now());
        let lines = self
            .client
            .open_watch(
                &self.scope.resource,
                self.scope.namespace.as_deref(),
                &self.scope.query,
                &self.resource_version,
                SPAN.min(left + Duration::from_secs(1)),
            )
            .await?;
        self.resumed();
        self.phase = Phase::Read {
            lines: Box::pin(lines),
            since: Instant::now(),
        };
        Ok(())
    }

    /// Takes in an event.
    fn take(&mut self, line: &str) -> Result<(), Error> {
        /// An event as the API server writes it.
        #[derive(Deserialize)]
        struct Line {
            #[serde(rename = "type")]
            kind: String,
            #[serde(deserialize_with = "list::row_object")]
            object: Option<Value>,
        }
        let unreadable = |why: String| {
            let what = self.scope.resource.qualified();
            Error::new(
                ErrorKind::Server,
                format!("an event of the watch of {what} cannot be read: {why}"),
            )
        };
        let Line { kind, object } =
            serde_json::from_str(line).map_err(|error| unreadable(error.to_string()))?;
        let object = object.ok_or_else(|| unreadable("it has no object".to_owned()))?;
        if kind == "ERROR" {
            return Err(told_by(&object));
        }
        if let Some(version) = object["metadata"]["resourceVersion"].as_str() {
            version.clone_into(&mut self.resource_version);
        }
        self.failures = 0;
        match kind.as_str() {
            "ADDED" | "MODIFIED" => self.told.applied(object, &mut self.events),
            "DELETED" => self.told.deleted(&object, &mut self.events),
            // BOOKMARK, and what later versions may think of.
            _ => {}
        }
        Ok(())
    }

    /// Decides how to go on after an error, if there is a way.
    fn recover(&mut self, error: Error) -> Result<(), Error> {
        let is_list = matches!(self.phase, Phase::List(_));
        match error.kind {
            // It may not watch; who may list can look.
            ErrorKind::Forbidden if !is_list => {
                self.means = Means::List;
                self.phase = Phase::List(None);
                self.pause = LOOK;
                self.events.push_back(WatchEvent::Polling(error));
            }
            ErrorKind::Forbidden if self.means != Means::Get && self.scope.name.is_some() => {
                self.means = Means::Get;
                self.phase = Phase::List(None);
                self.events.push_back(WatchEvent::Polling(error));
            }
            // 410: the place where it was is forgotten, or the pages are.
            ErrorKind::Conflict => {
                self.pause = self.next_pause();
                self.failures += 1;
                self.phase = Phase::List(None);
            }
            ErrorKind::Unreachable | ErrorKind::Timeout | ErrorKind::Server => {
                self.fail();
                self.phase = if is_list {
                    Phase::List(None)
                } else {
                    Phase::Connect
                };
                self.interrupted = true;
                self.events.push_back(WatchEvent::Interrupted(error));
            }
            _ => return Err(error),
        }
        Ok(())
    }

    fn fail(&mut self) {
        self.failures += 1;
        self.pause = self.next_pause();
    }

    /// What to wait after so many failures.
    fn next_pause(&self) -> Duration {
        match self.failures {
            0 => Duration::ZERO,
            failures => jittered((PAUSE * 2_u32.pow((failures - 1).min(8))).min(LONGEST_PAUSE)),
        }
    }

    fn resumed(&mut self) {
        if std::mem::take(&mut self.interrupted) {
            self.events.push_back(WatchEvent::Resumed);
        }
    }
}

/// The error that an event of a watch tells: a Status.
fn told_by(status: &Value) -> Error {
    let message = status["message"].as_str().unwrap_or("no reason given");
    match status["code"].as_u64() {
        Some(410) => Error::new(
            ErrorKind::Conflict,
            format!("the watch is too far behind (410): {message}"),
        ),
        Some(code) => Error::new(
            ErrorKind::Server,
            format!("the API server ended the watch ({code}): {message}"),
        ),
        None => Error::new(
            ErrorKind::Server,
            format!("the API server ended the watch: {message}"),
        ),
    }
}

/// What has been told of which object.
#[derive(Default)]
struct Told {
    objects: HashMap<(Option<String>, String), Last>,
    /// Counts the lists.
    list: u64,
}

/// How an object was last told.
struct Last {
    uid: String,
    resource_version: String,
    /// The list that it was last in.
    list: u64,
}

impl Told {
    /// A list begins.
    fn begin(&mut self) {
        self.list += 1;
    }

    /// The list is over: what was not in it is gone.
    fn end(&mut self, events: &mut VecDeque<WatchEvent>) {
        let list = self.list;
        let gone = self.objects.extract_if(|_, last| last.list != list);
        events.extend(gone.map(|((namespace, name), Last { uid, .. })| {
            WatchEvent::Deleted(ObjectKey { namespace, name, uid })
        }));
    }

    /// The object is there.
    fn applied(&mut self, object: Value, events: &mut VecDeque<WatchEvent>) {
        let ObjectKey { namespace, name, uid } = ObjectKey::of(&object);
        let version = object["metadata"]["resourceVersion"].as_str().unwrap_or_default();
        let last = Last {
            uid: uid.clone(),
            resource_version: version.to_owned(),
            list: self.list,
        };
        let before = self.objects.insert((namespace.clone(), name.clone()), last);
        match before {
            Some(before) if before.uid != uid => events.push_back(WatchEvent::Deleted(ObjectKey {
                namespace,
                name,
                uid: before.uid,
            })),
            Some(before) if !version.is_empty() && before.resource_version == version => return,
            _ => {}
        }
        events.push_back(WatchEvent::Applied(object));
    }

    /// The object is gone.
    fn deleted(&mut self, object: &Value, events: &mut VecDeque<WatchEvent>) {
        let key = ObjectKey::of(object);
        let place = (key.namespace.clone(), key.name.clone());
        if self.objects.get(&place).is_some_and(|last| last.uid == key.uid) {
            self.objects.remove(&place);
            events.push_back(WatchEvent::Deleted(key));
        }
    }
}

#[cfg(test)]
mod tests;
