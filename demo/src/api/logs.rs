//! `GET pods/NAME/log`.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{Response, header};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    front::{Asked, Body},
    list,
    object::Meta as _,
    route::{Parameters, Target},
    server::Api,
    status::{Cause, Failure, Result},
};
use crate::kubelet::runs::Line;

/// How often a log that is followed is looked at.
const TICK: SignedDuration = SignedDuration::from_millis(200);

/// What is asked for (`PodLogOptions`).
struct Options {
    container: String,
    follow: bool,
    previous: bool,
    timestamps: bool,
    since: Option<Timestamp>,
    tail: Option<usize>,
    limit: Option<usize>,
}

/// `GET` of the log of a container.
pub(crate) fn get(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let pod = api.get(&target.kind, target.place(), target.name())?;
    let options = Options::of(api, &asked.parameters, &pod)?;
    let mut response = Response::new(Body::default());
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("text/plain"),
    );
    if pod.text("/spec/nodeName").is_empty() {
        // No kubelet could be asked.
        *response.status_mut() = http::StatusCode::NO_CONTENT;
        response.headers_mut().remove(header::CONTENT_TYPE);
        return Ok(response);
    }
    let (container, uid) = (&options.container, pod.uid().to_owned());
    let status = ["/status/containerStatuses", "/status/initContainerStatuses"];
    let mut statuses = status.iter().flat_map(|list| pod.list(list));
    let status = statuses
        .find(|status| status["name"] == **container)
        .unwrap_or(&Value::Null);
    let waiting = status.text("/state/waiting/reason");
    let has_last = status["lastState"]["terminated"].is_object();
    if options.previous && !has_last {
        return Err(Failure::bad_request(format!(
            "previous terminated container {container:?} in pod {:?} not found",
            pod.name()
        )));
    }
    if !options.previous && !has_last && (!waiting.is_empty() || status.is_null()) {
        let why = match waiting {
            "ErrImagePull" | "ImagePullBackOff" => "trying and failing to pull image",
            "" => "ContainerCreating",
            reason => reason,
        };
        return Err(Failure::bad_request(format!(
            "container {container:?} in pod {:?} is waiting to start: {why}",
            pod.name()
        )));
    }
    let run = api.runtime.id(&uid, container);
    // What waits for its restart is the last that ran; what runs has one before it.
    let previous = options.previous && waiting.is_empty();
    let lines = stream::unfold(
        Reader {
            api: api.clone(),
            uid,
            run,
            previous,
            last: None,
            left: options.limit,
            options,
            over: false,
        },
        |mut reader| async move { Some((reader.next().await?, reader)) },
    );
    let frames = lines.map(|text| Ok::<_, Infallible>(Frame::data(Bytes::from(text))));
    *response.body_mut() = StreamBody::new(frames).boxed_unsync();
    Ok(response)
}

/// Reads a log, and follows it.
struct Reader {
    api: Arc<Api>,
    uid: String,
    /// The start that is read: when another follows, this one is over.
    run: Option<String>,
    previous: bool,
    options: Options,
    /// The time of the last line that was read, and how many of that time were.
    last: Option<(Timestamp, usize)>,
    left: Option<usize>,
    over: bool,
}

impl Reader {
    /// The next lines; `None` at the end.
    async fn next(&mut self) -> Option<Vec<u8>> {
        while !self.over && self.left != Some(0) {
            let text = self.read();
            self.over |= !self.options.follow;
            if !text.is_empty() || self.over {
                return Some(text);
            }
            let stopped = self.api.stop.clone();
            let next = self.api.clock.now() + TICK;
            tokio::select! {
                () = stopped.cancelled() => return None,
                () = self.api.clock.reach(next) => {}
            }
        }
        None
    }

    /// The lines since the last that were read.
    fn read(&mut self) -> Vec<u8> {
        let (api, now) = (&self.api, self.api.clock.now());
        let is_same = api.runtime.id(&self.uid, &self.options.container) == self.run;
        let previous = self.previous || !is_same;
        let found = api
            .runtime
            .with(&self.uid, &self.options.container, previous, |run| {
                (run.lines(now), run.ended.is_some_and(|ended| ended <= now))
            });
        let Some((lines, ended)) = found else {
            self.over = true;
            return vec![];
        };
        self.over |= ended;
        let skipped = match self.last {
            Some((last, count)) => lines.partition_point(|line| line.at < last) + count,
            None => {
                let first = self
                    .options
                    .since
                    .map_or(0, |since| lines.partition_point(|line| line.at < since));
                let tail = self
                    .options
                    .tail
                    .map_or(0, |tail| lines.len().saturating_sub(tail));
                first.max(tail)
            }
        };
        if let Some(line) = lines.last() {
            let same = lines.iter().rev().take_while(|other| other.at == line.at).count();
            self.last = Some((line.at, same));
        } else if self.last.is_none() {
            self.last = Some((Timestamp::MIN, 0));
        }
        let mut text: Vec<u8> = lines
            .iter()
            .skip(skipped)
            .flat_map(|line| self.told(line))
            .collect();
        if let Some(left) = &mut self.left {
            text.truncate(*left);
            *left -= text.len();
        }
        text
    }

    fn told(&self, line: &Line) -> Vec<u8> {
        match self.options.timestamps {
            true => format!("{:.9} {}\n", line.at, line.text),
            false => format!("{}\n", line.text),
        }
        .into_bytes()
    }
}

impl Options {
    fn of(api: &Api, parameters: &Parameters, pod: &Value) -> Result<Self> {
        let numbers = ["sinceSeconds", "tailLines", "limitBytes"].map(|name| list::number(parameters, name));
        let [seconds, tail, limit] = numbers;
        let (seconds, tail, limit) = (seconds?, tail?, limit?);
        let since = match parameters.get("sinceTime") {
            Some(time) => Some(time.parse::<Timestamp>().map_err(|_| {
                Failure::bad_request(format!(
                    "parsing time {time:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse {time:?} as \"2006\""
                ))
            })?),
            None => None,
        };
        let mut causes = vec![];
        let mut refuse = |reason, field: &str, message: String| {
            let field = field.to_owned();
            causes.push(Cause {
                reason,
                message,
                field,
            });
        };
        let invalid = |value: i64, must: &str| format!("Invalid value: {value}: must be greater than {must}");
        if let Some(tail) = tail.filter(|tail| *tail < 0) {
            refuse("FieldValueInvalid", "tailLines", invalid(tail, "or equal to 0"));
        }
        if let Some(limit) = limit.filter(|limit| *limit < 1) {
            refuse("FieldValueInvalid", "limitBytes", invalid(limit, "0"));
        }
        match (seconds, since) {
            (Some(_), Some(_)) => refuse(
                "FieldValueForbidden",
                "[]",
                "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified".into(),
            ),
            (Some(seconds @ ..1), _) => refuse("FieldValueInvalid", "sinceSeconds", invalid(seconds, "0")),
            _ => {}
        }
        if parameters.get("stream").is_some_and(|stream| stream != "All") {
            refuse(
                "FieldValueForbidden",
                "stream",
                "Forbidden: may not be specified".into(),
            );
        }
        if !causes.is_empty() {
            return Err(Failure::invalid_of("", "PodLogOptions", pod.name(), causes));
        }
        let ago = seconds.map(|seconds| api.clock.now() - SignedDuration::from_secs(seconds));
        let count = |number: Option<i64>| number.and_then(|number| usize::try_from(number).ok());
        Ok(Self {
            container: container(parameters, pod)?,
            follow: parameters.flag("follow"),
            previous: parameters.flag("previous"),
            timestamps: parameters.flag("timestamps"),
            since: since.or(ago),
            tail: count(tail),
            limit: count(limit),
        })
    }
}

/// The container that is meant.
fn container(parameters: &Parameters, pod: &Value) -> Result<String> {
    let names = |list: &str| -> Vec<&str> {
        pod.list(list)
            .iter()
            .filter_map(|spec| spec["name"].as_str())
            .collect()
    };
    let (mains, inits) = (names("/spec/containers"), names("/spec/initContainers"));
    match (parameters.get("container"), mains.as_slice()) {
        (Some(name), _) if mains.contains(&name) || inits.contains(&name) => Ok(name.to_owned()),
        (Some(name), _) => Err(Failure::bad_request(format!(
            "container {name} is not valid for pod {}",
            pod.name()
        ))),
        (None, [only]) => Ok((*only).to_owned()),
        (None, _) => {
            let mut message = format!(
                "a container name must be specified for pod {}, choose one of: [{}]",
                pod.name(),
                mains.join(" ")
            );
            if !inits.is_empty() {
                message += &format!(" or one of the init containers: [{}]", inits.join(" "));
            }
            Err(Failure::bad_request(message))
        }
    }
}
