//! `resources.wait`.

mod answer;
mod judge;
mod tally;
mod until;

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use tokio::time::{MissedTickBehavior, interval, sleep_until};

use self::{
    answer::{Ended, Waited},
    tally::Tally,
    until::Until,
};
use crate::{
    Error,
    call::{Cx, KindRef, Result},
    cluster::{ObjectKey, WatchEvent, WatchScope},
    operation,
    operations::{allowed::refused, locate::Wanted, names, selection::Selection},
    output::Table,
};

/// How long it waits where nothing else was said, in seconds.
const TIMEOUT: u64 = 60;
/// The longest wait, in seconds.
const LONGEST: u64 = 600;
/// A call answers this long before its deadline, with what it has.
const MARGIN: Duration = Duration::from_millis(1_500);
/// How often a change is told as progress, at most.
const TICK: Duration = Duration::from_secs(1);
/// Progress is told after so many ticks without a change, too: it shows that the wait goes on.
const QUIET: u32 = 10;

/// Waits until an object, or all that a selector selects, are in a state. When the time is over, the answer is the
/// state that they are in, and so it is at once where waiting cannot help. `rows` are those that are not there yet.
#[operation("resources.wait", read, long, needs("get $kind", "list $kind", "watch $kind"))]
pub async fn wait(
    cx: &Cx,
    /// Name, plural or short name, e.g. `deploy`, `widgets.example.com`.
    kind: KindRef,
    /// The object's name; else a selector.
    name: Option<String>,
    /// With a name the context's if left out, or the only one that has such an object; with a selector all.
    namespace: Option<String>,
    /// Labels of the objects, in place of a name.
    selector: Option<String>,
    /// `ready` (if left out), `rollout`, `delete`, `create`, `condition=NAME[=VALUE]`, or `path=value` such as
    /// `status.phase=Running`.
    until: Option<String>,
    /// In seconds, at most 600; 60 if left out.
    timeout: Option<u64>,
) -> Result<Table> {
    let start = Instant::now();
    let until = Until::parse(until.as_deref().unwrap_or("ready"))?;
    let resource = cx.resolve(&kind).await?;
    let mut waited = Waited {
        until: &until,
        resource: &resource,
        namespace: namespace.filter(|_| resource.namespaced),
        name,
        selection: Selection::parse(selector.as_deref(), None)?,
        timeout,
        notes: Vec::new(),
    };
    let uid = match (waited.name.clone(), &selector) {
        (Some(name), None) => find(cx, &mut waited, &name).await?,
        (None, Some(_)) => None,
        (Some(_), Some(_)) => return Err(Error::invalid("expected name or selector, not both").into()),
        (None, None) => {
            let error = Error::invalid("expected name or selector: what is to be waited for");
            return Err(error.next(waited.list()).into());
        }
    };
    let seconds = timeout.unwrap_or(TIMEOUT).clamp(1, LONGEST);
    // The call's deadline may be nearer: where a spec gives no timeout, say.
    let last = cx.call().deadline.checked_sub(MARGIN).unwrap_or(start);
    let end = (start + Duration::from_secs(seconds)).min(last);
    let mut tally = Tally::new(&until, &resource, waited.name.is_some(), uid);
    let ended = match watch(cx, &waited, &mut tally, start, end).await {
        Ok(ended) => ended,
        Err(error) => {
            let namespace = waited.namespace.as_deref();
            return Err(refused(cx, &resource, namespace, waited.again(), error)
                .await
                .into());
        }
    };
    if ended == Ended::Empty {
        return Err(none_selected(cx, &waited).await.into());
    }
    Ok(waited.answer(cx, tally, ended, start.elapsed()).await?)
}

/// Finds the one object that is meant, and where it is or would be; none if it is not there and need not be. Gives
/// its uid.
async fn find(cx: &Cx, waited: &mut Waited<'_>, name: &str) -> Result<Option<String>, Error> {
    let Waited { until, resource, .. } = *waited;
    let namespace = waited.namespace.take();
    let wanted = Wanted {
        again: waited.again(),
        resource,
        namespace: namespace.as_deref(),
        name,
    };
    let found = match until {
        Until::Gone | Until::There => wanted.if_there(cx).await?,
        _ => Some(wanted.for_read(cx).await?),
    };
    let Some(found) = found else {
        let place = || namespace.unwrap_or_else(|| cx.default_namespace().to_owned());
        waited.namespace = resource.namespaced.then(place);
        return Ok(None);
    };
    waited.namespace = found.id.namespace;
    waited.notes.extend(found.note);
    Ok(Some(ObjectKey::of(&found.object).uid))
}

/// Watches until all are as waited for, or waiting cannot help, or the time is over.
async fn watch(
    cx: &Cx,
    waited: &Waited<'_>,
    tally: &mut Tally<'_>,
    start: Instant,
    end: Instant,
) -> Result<Ended, Error> {
    let mut events = cx.client().watch(WatchScope {
        resource: waited.resource.clone(),
        namespace: waited.namespace.clone(),
        name: waited.name.clone(),
        query: waited.selection.query(),
    });
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut told, mut quiet) = (String::new(), 0);
    loop {
        tokio::select! {
            // However short the time is, it looks once.
            () = sleep_until(end.into()), if tally.synced => return Ok(Ended::TimeOver),
            event = events.next() => {
                let mut event = event.unwrap_or_else(|| Err(Error::internal("a watch ended without an error")))?;
                // What is compared must be no more than the caller may see.
                if let WatchEvent::Applied(object) = &mut event {
                    cx.redactor().object(object);
                }
                let was_synced = tally.synced;
                match event {
                    WatchEvent::Interrupted(error) if !was_synced => return Err(error),
                    WatchEvent::Deleted(key) if is_still_there(cx, waited, &key).await => {
                        tally.no_longer_selected(key);
                    }
                    event => tally.take(event)?,
                }
                if !tally.synced {
                    continue;
                }
                if tally.is_done() {
                    return Ok(if was_synced { Ended::Done } else { Ended::AtOnce });
                }
                if tally.is_over() {
                    return Ok(Ended::Over);
                }
                if !was_synced && waited.needs_some() && tally.total() == 0 {
                    return Ok(Ended::Empty);
                }
            }
            _ = tick.tick(), if tally.synced => {
                let state = tally.progress();
                quiet = if state == told { quiet + 1 } else { QUIET };
                if quiet >= QUIET {
                    quiet = 0;
                    // Of the time, because that grows whatever happens.
                    let total = end.saturating_duration_since(start);
                    cx.progress(start.elapsed().as_secs_f64(), Some(total.as_secs_f64()), &state);
                    told = state;
                }
            }
        }
    }
}

/// Whether an object that a watch no longer tells of only lost its labels: that is no deletion.
async fn is_still_there(cx: &Cx, waited: &Waited<'_>, key: &ObjectKey) -> bool {
    if waited.name.is_some() || !matches!(waited.until, Until::Gone) {
        return false;
    }
    let object = cx
        .client()
        .get(waited.resource, key.namespace.as_deref(), &key.name)
        .await;
    object.is_ok_and(|object| ObjectKey::of(&object).uid == key.uid)
}

/// The error where a selector selects nothing that could become ready.
async fn none_selected(cx: &Cx, waited: &Waited<'_>) -> Error {
    if let Err(error) = names::check_namespace(cx, waited.namespace.as_deref(), waited.again()).await {
        return error;
    }
    let message = "nothing to wait for; until=create waits until there is one";
    Error::not_found(format!("there are no {}: {message}", waited.subject())).next(waited.list())
}
