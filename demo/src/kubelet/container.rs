//! One container on a node, from its first pull to its last exit: what the kubelet does with it, and what its status is.

use std::{collections::HashSet, ops::Deref, time::Duration};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    environment::{self, expand},
    names,
    probes::Probes,
    runs::{End, Run, hash},
};
use crate::{
    api::{Api, object::Meta as _},
    clock::seconds,
    controllers::{
        events::{News, Teller},
        quantity,
    },
};

/// How long the status of a container that ended says so before it says that its restart is waited for.
const SHOWN: Duration = Duration::from_secs(70);
/// The first wait before something is tried again, and the longest: each is twice the one before.
const BACK_OFF: [Duration; 2] = [Duration::from_secs(10), Duration::from_mins(5)];

/// A container that ran so long begins anew with its waits.
const RECOVERED: Duration = Duration::from_mins(10);

/// How often it is told that a probe fails.
const TOLD: Duration = Duration::from_mins(5);

const SECOND: Duration = Duration::from_secs(1);

/// A look at a pod.
#[derive(Clone, Copy)]
pub(super) struct Visit<'a> {
    pub(super) api: &'a Api,
    pub(super) pod: &'a Value,
    pub(super) node: &'a str,
    pub(super) address: &'a str,
    pub(super) now: Timestamp,
}

/// A look at one of its containers.
pub(super) struct Site<'a> {
    pub(super) visit: Visit<'a>,
    pub(super) spec: &'a Value,
    /// Whether it runs before the others, to its end.
    pub(super) is_init: bool,
}

impl<'a> Deref for Site<'a> {
    type Target = Visit<'a>;

    fn deref(&self) -> &Self::Target {
        &self.visit
    }
}

/// The images that are on nodes.
pub(super) type Present = HashSet<(String, String)>;

/// A container.
#[derive(Debug, Default)]
pub(super) struct Container {
    state: State,
    restarts: i64,
    /// How it ended before.
    last: Option<Value>,
    /// The wait before the next restart, and before what it needs to start is looked for again.
    delay: Duration,
    held: Duration,
    /// When it was last told that a probe fails.
    told: Option<Timestamp>,
    /// Whether its pod has no work for it any more.
    leaves: bool,
    /// Of its last start.
    id: String,
    /// The image that it was last tried with.
    image: String,
}

#[derive(Clone, Debug, Default)]
enum State {
    /// It is not yet its turn.
    #[default]
    Waiting,
    /// Its image comes.
    Pulling(Timestamp),
    /// Something has to change first.
    Held {
        reason: &'static str,
        message: String,
        until: Timestamp,
    },
    Running(Box<Probes>),
    /// It was asked to stop, and will end then with this code.
    Stopping(Timestamp, i32),
    Ended {
        terminated: Value,
        /// When it is restarted, if it is, and how long that is waited for.
        again: Option<(Timestamp, Duration)>,
    },
}

impl Site<'_> {
    fn tell(&self, reason: &str, message: &str) {
        self.news(false, reason, message, 1);
    }

    fn warn(&self, reason: &str, message: &str) {
        self.news(true, reason, message, 1);
    }

    fn news(&self, warns: bool, reason: &str, message: &str, times: u64) {
        let list = if self.is_init {
            "initContainers"
        } else {
            "containers"
        };
        let path = format!("spec.{list}{{{}}}", self.name());
        let news = News {
            path: &path,
            times,
            ..News::new(warns, reason, message)
        };
        Teller {
            component: "kubelet",
            host: self.node,
        }
        .tell(self.api, self.pod, news);
    }

    /// The container's name.
    pub(super) fn name(&self) -> &str {
        self.spec.text("/name")
    }

    fn image(&self) -> &str {
        self.spec.text("/image")
    }

    /// The pod as messages name it.
    fn pod_name(&self) -> String {
        format!("{}_{}({})", self.pod.name(), self.pod.namespace(), self.pod.uid())
    }

    /// Asks the last start of the container.
    fn run<T>(&self, ask: impl FnOnce(&mut Run) -> T) -> Option<T> {
        self.api.runtime.with(self.pod.uid(), self.name(), false, ask)
    }

    /// How long the image takes to come.
    fn pull_takes(&self, present: &Present) -> Duration {
        if present.contains(&self.image_here()) {
            return Duration::from_millis(380);
        }
        let pull = self.api.runtime.images.pull(self.image());
        pull.takes.map_or(Duration::from_millis(900), |takes| takes.0)
    }

    fn image_here(&self) -> (String, String) {
        (self.node.to_owned(), self.image().to_owned())
    }
}

impl Container {
    /// Does what there is to do now. Gives when there is something to do next.
    pub(super) fn step(&mut self, site: &Site<'_>, present: &mut Present) -> Option<Timestamp> {
        let now = site.now;
        loop {
            match &self.state {
                State::Waiting => self.begin(site, present),
                State::Pulling(until) if *until <= now => self.pulled(site, present),
                State::Pulling(until) => return Some(*until),
                State::Held { .. } if self.image != site.image() => self.begin(site, present),
                State::Held { .. }
                    if self.lacks() && environment::of(site.api, site.pod, site.spec).is_ok() =>
                {
                    self.begin(site, present);
                }
                State::Held {
                    reason: "ErrImagePull",
                    message,
                    until,
                } if *until <= now => {
                    let told = format!("Back-off pulling image {:?}", site.image());
                    site.tell("BackOff", &told);
                    let message = format!("{told}: ErrImagePull: {message}");
                    self.hold(site, "ImagePullBackOff", "ImagePullBackOff", &message);
                }
                State::Held { until, .. } if *until <= now => self.begin(site, present),
                State::Held { until, .. } => return Some(*until),
                State::Running(_) => {
                    let due = self.watch(site);
                    if let State::Running(_) = self.state {
                        return due;
                    }
                }
                State::Stopping(until, code) if *until <= now => {
                    let reason = if *code == 0 { "Completed" } else { "Error" };
                    self.ended(site, *until, *code, reason);
                }
                State::Stopping(until, _) => return Some(*until),
                State::Ended { again, .. } => match again {
                    Some((at, _)) if *at <= now => {
                        self.restarts += 1;
                        self.begin(site, present);
                    }
                    // The status says after a while that the restart is waited for.
                    again => {
                        let (at, delay) = (*again)?;
                        return Some(told(at, delay)).filter(|told| *told > now).or(Some(at));
                    }
                },
            }
        }
    }

    /// Sees to it that the image is there, and starts.
    fn begin(&mut self, site: &Site<'_>, present: &Present) {
        if let State::Ended { terminated, .. } = &self.state {
            self.last = Some(terminated.clone());
        }
        let image = site.image();
        image.clone_into(&mut self.image);
        if present.contains(&site.image_here()) && site.spec["imagePullPolicy"] != "Always" {
            let there = "already present on machine and can be accessed by the pod";
            site.tell("Pulled", &format!("Container image {image:?} {there}"));
            return self.create(site);
        }
        site.tell("Pulling", &format!("Pulling image {image:?}"));
        self.state = State::Pulling(site.now + site.pull_takes(present));
    }

    fn pulled(&mut self, site: &Site<'_>, present: &mut Present) {
        let image = site.image();
        let pull = site.api.runtime.images.pull(image);
        if pull.error {
            let message = names::refusal(image);
            site.warn("Failed", &format!("Failed to pull image {image:?}: {message}"));
            site.warn("Failed", "Error: ErrImagePull");
            self.state = State::Held {
                reason: "ErrImagePull",
                message,
                until: site.now + SECOND,
            };
            return;
        }
        let takes = format!("{:?}", site.pull_takes(present));
        present.insert(site.image_here());
        let guess = 4_000_000 + hash(image.as_bytes()) % 90_000_000;
        let size = pull.size.map_or(guess, |size| size.0.unsigned_abs() / 1000);
        let message = format!(
            "Successfully pulled image {image:?} in {takes} ({takes} including waiting). Image size: {size} bytes."
        );
        site.tell("Pulled", &message);
        self.create(site);
    }

    /// Cannot go on.
    fn hold(&mut self, site: &Site<'_>, reason: &'static str, told: &str, message: &str) {
        site.warn("Failed", &format!("Error: {told}"));
        self.held = (self.held * 2).clamp(BACK_OFF[0], BACK_OFF[1]);
        self.state = State::Held {
            reason,
            message: message.to_owned(),
            until: site.now + self.held,
        };
    }

    fn create(&mut self, site: &Site<'_>) {
        let (uid, name, spec) = (site.pod.uid(), site.name(), site.spec);
        let env = match environment::of(site.api, site.pod, spec) {
            Ok(env) => env,
            Err(missing) => return self.hold(site, "CreateContainerConfigError", &missing, &missing),
        };
        let words = spec.list("/command").iter().chain(spec.list("/args"));
        let argv: Vec<String> = words.map(|word| expand(word.text(""), &env)).collect();
        let memory = quantity::milli(spec.text("/resources/limits/memory")).map(|milli| milli / 1000);
        let id = names::digest(&format!("{uid}/{name}/{}", self.restarts));
        self.id = format!("containerd://{id}");
        (self.held, self.told) = (Duration::ZERO, None);
        let start = (self.id.clone(), site.now);
        let runtime = &site.api.runtime;
        runtime.start((uid, name), site.image(), &argv, (env, memory), start);
        site.tell("Created", "Container created");
        site.tell("Started", "Container started");
        let probes = site.run(|run| Probes::of(spec, run, site.now, site.address));
        self.state = State::Running(Box::new(probes.unwrap_or_default()));
    }

    /// Looks at a container that runs. Gives when to look again, if it does then.
    fn watch(&mut self, site: &Site<'_>) -> Option<Timestamp> {
        let State::Running(probes) = &self.state else {
            return None;
        };
        let (now, probes) = (site.now, probes.clone());
        let ends = match site.run(|run| run.end(now))? {
            End::At(at, code, reason) if at <= now => {
                self.ended(site, at, code, reason);
                return None;
            }
            End::At(at, ..) | End::After(at) => Some(at),
            End::Never => None,
        };
        let mut told = None;
        if self.image != site.image() {
            let message = format!("Container {} definition changed, will be restarted", site.name());
            self.stop(site, &message, None);
        } else if let Some(probe) = probes.kills(now) {
            site.warn("Unhealthy", &probe.message);
            let message = format!(
                "Container {} failed liveness probe, will be restarted",
                site.name()
            );
            self.stop(site, &message, None);
        } else if let Some(probe) = probes.failing(now) {
            let last = self.told.filter(|last| *last + TOLD > now);
            if last.is_none() {
                let since = self.told.map_or(0, |last| now.duration_since(last).as_secs());
                let times = since.unsigned_abs() / probe.period.as_secs();
                site.news(true, "Unhealthy", &probe.message, times.max(1));
                self.told = Some(now);
            }
            told = Some(last.unwrap_or(now) + TOLD);
        }
        [ends, told, probes.next(now)].into_iter().flatten().min()
    }

    /// Ends it for good, by then.
    pub(super) fn leave(&mut self, site: &Site<'_>, end: Timestamp) {
        self.leaves = true;
        if let State::Ended { again, .. } = &mut self.state {
            *again = None;
        }
        self.stop(site, &format!("Stopping container {}", site.name()), Some(end));
    }

    /// Asks it to stop, if it runs, by then or as late as its pod allows.
    fn stop(&mut self, site: &Site<'_>, message: &str, end: Option<Timestamp>) {
        let grace = site
            .pod
            .number("/spec/terminationGracePeriodSeconds")
            .unwrap_or(30);
        let grace = Duration::from_secs(grace.unsigned_abs().min(1 << 32));
        let end = end.unwrap_or(site.now + grace);
        match &mut self.state {
            State::Running(_) => {
                site.tell("Killing", message);
                let stops = site.run(|run| run.stops(site.now)).flatten();
                let heeded = stops.map(|takes| site.now + takes).filter(|at| *at <= end);
                let (at, code) = heeded.map_or((end, 137), |at| (at, 0));
                self.state = State::Stopping(at, code);
            }
            State::Stopping(at, code) if *at > end => (*at, *code) = (end, 137),
            _ => {}
        }
    }

    /// It ended.
    fn ended(&mut self, site: &Site<'_>, at: Timestamp, code: i32, reason: &str) {
        let started = site.run(|run| {
            run.ended = Some(at);
            run.started
        });
        let started = started.unwrap_or(at);
        let terminated = json!({
            "exitCode": code, "reason": reason, "startedAt": seconds(started), "finishedAt": seconds(at),
            "containerID": self.id,
        });
        let restarts = match site.pod.text("/spec/restartPolicy") {
            _ if self.leaves => false,
            "Always" if !site.is_init => true,
            "Never" => false,
            _ => code != 0,
        };
        let again = restarts.then(|| {
            if at.duration_since(started).unsigned_abs() > RECOVERED {
                self.delay = Duration::ZERO;
            }
            let delay = self.delay;
            self.delay = (delay * 2).clamp(BACK_OFF[0], BACK_OFF[1]);
            if !delay.is_zero() {
                let (name, pod) = (site.name(), site.pod_name());
                let message = format!("Back-off restarting failed container {name} in pod {pod}");
                site.warn("BackOff", &message);
            }
            (site.now + delay.max(SECOND), delay)
        });
        self.state = State::Ended { terminated, again };
    }

    /// The exit code, if it ended and is not started again.
    pub(super) fn is_done(&self) -> Option<i64> {
        match &self.state {
            State::Ended {
                terminated,
                again: None,
            } => terminated["exitCode"].as_i64(),
            _ => None,
        }
    }

    /// Whether no process of it is left.
    pub(super) fn is_still(&self) -> bool {
        !matches!(self.state, State::Running(_) | State::Stopping(..))
    }

    /// Whether what it is to find when it starts is not there.
    pub(super) fn lacks(&self) -> bool {
        matches!(&self.state, State::Held { reason, .. } if *reason == "CreateContainerConfigError")
    }

    /// Whether it is ready.
    pub(super) fn is_ready(&self, site: &Site<'_>) -> bool {
        match &self.state {
            State::Running(probes) => !site.is_init && probes.ready(site.now),
            _ => site.is_init && self.is_done() == Some(0),
        }
    }

    /// Whether it runs or ran: its pod is no longer pending then.
    pub(super) fn has_run(&self) -> bool {
        !self.id.is_empty()
    }

    /// Its status, as `status.containerStatuses[]` has it. What has not started waits for this reason.
    pub(super) fn status(&self, site: &Site<'_>, waiting: &str) -> Value {
        let image = site.image();
        let mut status = json!({
            "name": site.name(),
            "state": {},
            "lastState": {},
            "ready": self.is_ready(site),
            "restartCount": self.restarts,
            "image": image,
            "imageID": "",
            "started": !self.is_still(),
        });
        if self.has_run() {
            let id = format!("{}@sha256:{}", names::repository(image), names::digest(image));
            status["image"] = names::reference(image).into();
            status["imageID"] = id.into();
            status["containerID"] = self.id.as_str().into();
            let resources = &site.spec["resources"];
            status["resources"] = resources.as_object().map_or(json!({}), |all| json!(all));
            if let Some(requests) = resources.get("requests") {
                status["allocatedResources"] = requests.clone();
            }
        }
        let mounts: Vec<Value> = site.spec.list("/volumeMounts").iter().map(mounted).collect();
        if !mounts.is_empty() {
            status["volumeMounts"] = mounts.into();
        }
        let mut last = self.last.as_ref();
        status["state"] = match &self.state {
            State::Waiting | State::Pulling(_) => json!({"waiting": {"reason": waiting}}),
            State::Held { reason, message, .. } => {
                json!({"waiting": {"reason": reason, "message": message}})
            }
            State::Running(_) | State::Stopping(..) => {
                json!({"running": {"startedAt": site.run(|run| seconds(run.started))}})
            }
            State::Ended {
                terminated,
                again: Some((at, delay)),
            } if !delay.is_zero() && told(*at, *delay) <= site.now => {
                last = Some(terminated);
                let (delay, name, pod) = (go_duration(*delay), site.name(), site.pod_name());
                let message = format!("back-off {delay} restarting failed container={name} pod={pod}");
                json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}})
            }
            State::Ended { terminated, .. } => json!({"terminated": terminated}),
        };
        if let Some(last) = last {
            status["lastState"] = json!({"terminated": last});
        }
        status
    }
}

/// When the status of a container that ended, and starts again then, says that it waits.
fn told(again: Timestamp, delay: Duration) -> Timestamp {
    again - delay + SHOWN.min(delay.saturating_sub(Duration::from_secs(1)))
}

/// A `volumeMounts[]` of a status.
fn mounted(mount: &Value) -> Value {
    let mut status = json!({"name": mount["name"], "mountPath": mount["mountPath"]});
    if mount["readOnly"] == true {
        status["readOnly"] = true.into();
        status["recursiveReadOnly"] = "Disabled".into();
    }
    status
}

/// A duration as Go writes it: `10s`, `1m20s`, `5m0s`.
fn go_duration(duration: Duration) -> String {
    match (duration.as_secs() / 60, duration.as_secs() % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, seconds) => format!("{minutes}m{seconds}s"),
    }
}
