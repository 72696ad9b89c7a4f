//! One container on a node, from its first pull to its last exit: what the kubelet does with it, and what its status is.

use std::{collections::HashSet, time::Duration};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    environment::{self, Named as _, expand},
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

/// How often the kubelet tries again, and tells of it, what does not work.
const SYNC: Duration = Duration::from_secs(13);

/// How often it tells of it when it has told of it often, and after how many tellings that is.
const SELDOM: (Duration, u32) = (Duration::from_mins(5), 20);

/// The first wait before a restart or another pull, and the longest: each is twice the one before.
const BACK_OFF: [Duration; 2] = [Duration::from_secs(10), Duration::from_mins(5)];

/// A container that ran so long begins anew with its waits.
const RECOVERED: Duration = Duration::from_mins(10);

/// How long the status of a container that ended says so before it says that its restart is waited for.
const SHOWN: Duration = Duration::from_secs(70);

const SECOND: Duration = Duration::from_secs(1);

/// A container's place, and the time.
pub(super) struct Site<'a> {
    pub(super) api: &'a Api,
    pub(super) pod: &'a Value,
    pub(super) spec: &'a Value,
    pub(super) role: Role,
    pub(super) node: &'a str,
    pub(super) address: &'a str,
    pub(super) now: Timestamp,
}

/// The images that are on nodes.
pub(super) type Present = HashSet<(String, String)>;

/// What a container is in its pod.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Role {
    /// It runs before the others, to its end.
    Init,
    /// It starts before the others, and runs on.
    Sidecar,
    /// It is what the pod is for.
    Main,
}

/// A container.
#[derive(Debug, Default)]
pub(super) struct Container {
    state: State,
    restarts: i64,
    /// How it ended before.
    last: Option<Value>,
    /// The wait before the next restart, and before the next pull.
    delay: Duration,
    pull_delay: Duration,
    /// How often what does not work was told, and when last.
    told: u32,
    told_at: Option<Timestamp>,
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
        at: Timestamp,
        /// How long its restart is waited for, if it is restarted.
        delay: Option<Duration>,
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
        let list = if self.role == Role::Main {
            "containers"
        } else {
            "initContainers"
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
        self.spec.name_of()
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
        match present.contains(&self.image_here()) {
            true => Duration::from_millis(380),
            false => self
                .api
                .runtime
                .images
                .pull(self.image())
                .takes
                .map_or(Duration::from_millis(900), |takes| takes.0),
        }
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
                    reason,
                    message,
                    until,
                } if *until <= now => match *reason {
                    "ErrImagePull" => {
                        let message = format!(
                            "Back-off pulling image {:?}: ErrImagePull: {message}",
                            site.image()
                        );
                        self.pull_delay = (self.pull_delay * 2).clamp(BACK_OFF[0], BACK_OFF[1]);
                        self.state = State::Held {
                            reason: "ImagePullBackOff",
                            message,
                            until: now + self.pull_delay,
                        };
                        self.told_at = None;
                    }
                    _ => self.begin(site, present),
                },
                State::Held { until, reason, .. } if *reason == "ImagePullBackOff" => {
                    let next = self.next_telling(site, SYNC);
                    if next > now {
                        return Some(next.min(*until));
                    }
                    let times = self.missed(now, SYNC);
                    site.news(
                        false,
                        "BackOff",
                        &format!("Back-off pulling image {:?}", site.image()),
                        times,
                    );
                    site.news(true, "Failed", "Error: ImagePullBackOff", times);
                }
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
                State::Ended { delay: None, .. } => return None,
                State::Ended {
                    at,
                    delay: Some(delay),
                    ..
                } => {
                    let (again, waits) = (*at + (*delay).max(SECOND), waits(*at, *delay));
                    if again <= now {
                        self.restarts += 1;
                        self.begin(site, present);
                    } else if let Some(waits) =
                        waits.filter(|waits| self.told_at.is_none_or(|last| last < *waits))
                    {
                        if waits > now {
                            return Some(waits);
                        }
                        self.tell_back_off(site);
                    } else {
                        return Some(again);
                    }
                }
            }
        }
    }

    /// Sees to it that the image is there, and starts.
    fn begin(&mut self, site: &Site<'_>, present: &mut Present) {
        if let State::Ended { terminated, .. } = &self.state {
            self.last = Some(terminated.clone());
        }
        let image = site.image();
        image.clone_into(&mut self.image);
        if let Some(mistake) = names::mistake(image) {
            let message = format!("Failed to apply default image tag {image:?}: {mistake}");
            site.warn("InspectFailed", &message);
            return self.hold(site, "InvalidImageName", message);
        }
        let is_there = present.contains(&site.image_here());
        match site.spec.text("/imagePullPolicy") {
            "Never" if !is_there => {
                let message = format!("Container image {image:?} is not present with pull policy of Never");
                site.warn("ErrImageNeverPull", &message);
                self.hold(site, "ErrImageNeverPull", message);
            }
            policy if is_there && policy != "Always" => {
                let message = format!(
                    "Container image {image:?} already present on machine and can be accessed by the pod"
                );
                site.tell("Pulled", &message);
                self.create(site);
            }
            _ => {
                site.tell("Pulling", &format!("Pulling image {image:?}"));
                self.state = State::Pulling(site.now + site.pull_takes(present));
            }
        }
    }

    fn pulled(&mut self, site: &Site<'_>, present: &mut Present) {
        let image = site.image();
        let pull = site.api.runtime.images.pull(image);
        if let Some(error) = pull.error {
            let message = names::refusal(image, error);
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
        self.pull_delay = Duration::ZERO;
        self.create(site);
    }

    /// Cannot go on.
    fn hold(&mut self, site: &Site<'_>, reason: &'static str, message: String) {
        let told = if reason == "CreateContainerConfigError" {
            &message
        } else {
            reason
        };
        let times = self.missed(site.now, SYNC);
        site.news(true, "Failed", &format!("Error: {told}"), times);
        self.state = State::Held {
            reason,
            message,
            until: self.next_telling(site, SYNC),
        };
    }

    fn create(&mut self, site: &Site<'_>) {
        let (uid, name, spec) = (site.pod.uid(), site.name(), site.spec);
        let env = match environment::of(site.api, site.pod, spec) {
            Ok(env) => env,
            Err(missing) => return self.hold(site, "CreateContainerConfigError", missing),
        };
        let words = spec.list("/command").iter().chain(spec.list("/args"));
        let argv: Vec<String> = words
            .filter_map(|word| Some(expand(word.as_str()?, &env)))
            .collect();
        let memory = quantity::milli(spec.text("/resources/limits/memory")).map(|milli| milli / 1000);
        self.id = format!(
            "containerd://{}",
            names::digest(&format!("{uid}/{name}/{}", self.restarts))
        );
        (self.told, self.told_at) = (0, None);
        site.tell("Created", "Container created");
        let start = (self.id.clone(), site.now);
        let Err(command) = site
            .api
            .runtime
            .start((uid, name), site.image(), &argv, (env, memory), start)
        else {
            site.tell("Started", "Container started");
            let probes = site.run(|run| Probes::of(spec, run, site.now, site.address));
            self.state = State::Running(Box::new(probes.unwrap_or_default()));
            return;
        };
        let message = format!(
            "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: \
             unable to start container process: exec: {command:?}: executable file not found in $PATH: unknown"
        );
        site.warn("Failed", &format!("Error: {message}"));
        let terminated = json!({
            "exitCode": 128, "reason": "StartError", "message": message, "startedAt": seconds(Timestamp::UNIX_EPOCH),
            "finishedAt": seconds(site.now), "containerID": self.id,
        });
        self.wait_for_restart(site, terminated, Duration::ZERO);
    }

    /// Looks at a container that runs. Gives when to look again, if it does then.
    fn watch(&mut self, site: &Site<'_>) -> Option<Timestamp> {
        let State::Running(probes) = &self.state else {
            return None;
        };
        let (now, probes) = (site.now, probes.clone());
        let mut next = probes.next(now);
        match site.run(|run| run.end(now))? {
            End::At(at, code, reason) if at <= now => {
                self.ended(site, at, code, &reason);
                return None;
            }
            End::At(at, ..) | End::After(at) => next = next.into_iter().chain([at]).min(),
            End::Never => {}
        }
        if self.image != site.image() {
            let message = format!("Container {} definition changed, will be restarted", site.name());
            self.stop(site, &message, None);
        } else if let Some(probe) = probes.kills(now) {
            site.warn(
                "Unhealthy",
                &format!("{} probe failed: {}", probe.name, probe.message),
            );
            let what = probe.name.to_lowercase();
            let message = format!("Container {} failed {what} probe, will be restarted", site.name());
            self.stop(site, &message, None);
        } else if let Some(probe) = probes.failing(now) {
            if self.next_telling(site, probe.period) <= now {
                let times = self.missed(now, probe.period);
                site.news(
                    true,
                    "Unhealthy",
                    &format!("{} probe failed: {}", probe.name, probe.message),
                    times,
                );
            }
            next = next
                .into_iter()
                .chain([self.next_telling(site, probe.period)])
                .min();
        }
        next
    }

    /// Ends it for good, by then or as late as its pod allows.
    pub(super) fn leave(&mut self, site: &Site<'_>, end: Option<Timestamp>) {
        self.leaves = true;
        if let State::Ended { delay, .. } = &mut self.state {
            *delay = None;
        }
        self.stop(site, &format!("Stopping container {}", site.name()), end);
    }

    /// Asks it to stop, if it runs, by then or as late as its pod allows.
    fn stop(&mut self, site: &Site<'_>, message: &str, end: Option<Timestamp>) {
        let grace = site
            .pod
            .number("/spec/terminationGracePeriodSeconds")
            .unwrap_or(30)
            .unsigned_abs();
        let end = end.unwrap_or(site.now + Duration::from_secs(grace));
        match &mut self.state {
            State::Running(_) => {
                site.tell("Killing", message);
                let stops = site.run(|run| run.stops(site.now)).flatten();
                let heeded = stops
                    .map(|(takes, code)| (site.now + takes, code))
                    .filter(|(at, _)| *at <= end);
                let (at, code) = heeded.unwrap_or((end, 137));
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
        let restarts = match (site.role, site.pod.text("/spec/restartPolicy")) {
            _ if self.leaves => false,
            (Role::Sidecar, _) | (Role::Main, "Always") => true,
            (_, "Never") => false,
            _ => code != 0,
        };
        match restarts {
            true => self.wait_for_restart(
                site,
                terminated,
                at.duration_since(started).try_into().unwrap_or_default(),
            ),
            false => {
                self.state = State::Ended {
                    terminated,
                    at,
                    delay: None,
                }
            }
        }
    }

    fn wait_for_restart(&mut self, site: &Site<'_>, terminated: Value, ran: Duration) {
        let delay = if ran < RECOVERED {
            self.delay
        } else {
            Duration::ZERO
        };
        self.delay = (delay * 2).clamp(BACK_OFF[0], BACK_OFF[1]);
        self.state = State::Ended {
            terminated,
            at: site.now,
            delay: Some(delay),
        };
        if !delay.is_zero() {
            self.tell_back_off(site);
        }
    }

    fn tell_back_off(&mut self, site: &Site<'_>) {
        self.told_at = Some(site.now);
        let message = format!(
            "Back-off restarting failed container {} in pod {}",
            site.name(),
            site.pod_name()
        );
        site.warn("BackOff", &message);
    }

    /// When to tell again what does not work, and happens so often.
    fn next_telling(&self, site: &Site<'_>, period: Duration) -> Timestamp {
        let period = if self.told < SELDOM.1 { period } else { SELDOM.0 };
        self.told_at.map_or(site.now, |last| last + period)
    }

    /// How often that happened since it was told last; notes that it is told now.
    fn missed(&mut self, now: Timestamp, period: Duration) -> u64 {
        let since = self
            .told_at
            .replace(now)
            .map_or(0, |last| now.duration_since(last).as_secs());
        self.told += 1;
        (since.unsigned_abs() / period.as_secs().max(1)).max(1)
    }

    /// The exit code, if it ended and is not started again.
    pub(super) fn is_done(&self) -> Option<i64> {
        match &self.state {
            State::Ended {
                terminated,
                delay: None,
                ..
            } => terminated["exitCode"].as_i64(),
            _ => None,
        }
    }

    /// Whether no process of it is left.
    pub(super) fn is_still(&self) -> bool {
        !matches!(self.state, State::Running(_) | State::Stopping(..))
    }

    /// Whether it has been started more than once.
    pub(super) fn restarted(&self) -> bool {
        self.restarts > 0
    }

    /// Whether what it is to find when it starts is not there.
    pub(super) fn lacks(&self) -> bool {
        matches!(&self.state, State::Held { reason, .. } if *reason == "CreateContainerConfigError")
    }

    /// Whether its startup probe, if it has one, succeeded.
    pub(super) fn is_started(&self, now: Timestamp) -> bool {
        match &self.state {
            State::Running(probes) => probes.started(now),
            State::Stopping(..) => true,
            _ => false,
        }
    }

    /// Whether it is ready.
    pub(super) fn is_ready(&self, now: Timestamp, role: Role) -> bool {
        match &self.state {
            State::Running(probes) => role != Role::Init && probes.ready(now),
            _ => role == Role::Init && self.is_done() == Some(0),
        }
    }

    /// Whether it runs or ran: its pod is no longer pending then.
    pub(super) fn has_run(&self) -> bool {
        !self.id.is_empty()
    }

    /// Its status, as `status.containerStatuses[]` has it. What has not started waits for this reason.
    pub(super) fn status(&self, site: &Site<'_>, waiting: &str) -> Value {
        let (state, last) = self.states(site, waiting);
        let (image, spec) = (site.image(), site.spec);
        let mut status = json!({
            "name": site.name(),
            "state": state,
            "lastState": last.map_or(json!({}), |last| json!({"terminated": last})),
            "ready": self.is_ready(site.now, site.role),
            "restartCount": self.restarts,
            "image": image,
            "imageID": "",
            "started": self.is_started(site.now),
        });
        if self.has_run() {
            status["image"] = names::reference(image).into();
            status["imageID"] =
                format!("{}@sha256:{}", names::repository(image), names::digest(image)).into();
            status["containerID"] = self.id.as_str().into();
            status["resources"] = spec["resources"]
                .as_object()
                .map_or(json!({}), |resources| json!(resources));
            if let Some(requests) = spec["resources"].get("requests") {
                status["allocatedResources"] = requests.clone();
            }
        }
        let mounts: Vec<Value> = spec.list("/volumeMounts").iter().map(mount_status).collect();
        if !mounts.is_empty() {
            status["volumeMounts"] = mounts.into();
        }
        status
    }

    /// What state it is in, and how it ended before.
    fn states(&self, site: &Site<'_>, waiting: &str) -> (Value, Option<Value>) {
        let waits_for =
            |reason: &str, message: &str| json!({"waiting": {"reason": reason, "message": message}});
        let last = self.last.clone();
        match &self.state {
            State::Waiting | State::Pulling(_) => (json!({"waiting": {"reason": waiting}}), last),
            State::Held { reason, message, .. } => (waits_for(reason, message), last),
            State::Running(_) | State::Stopping(..) => (
                json!({"running": {"startedAt": site.run(|run| seconds(run.started))}}),
                last,
            ),
            State::Ended {
                terminated,
                at,
                delay,
            } => {
                let (delay, ended) = (delay.unwrap_or_default(), Some(terminated.clone()));
                if waits(*at, delay).is_some_and(|waits| waits <= site.now) {
                    let delay = go_duration(delay);
                    let (name, pod) = (site.name(), site.pod_name());
                    let message = format!("back-off {delay} restarting failed container={name} pod={pod}");
                    (waits_for("CrashLoopBackOff", &message), ended)
                } else if terminated["reason"] == "StartError" {
                    (waits_for("RunContainerError", terminated.text("/message")), ended)
                } else {
                    (json!({"terminated": terminated}), last)
                }
            }
        }
    }
}

/// When the status of a container that ended says that its restart is waited for so long.
fn waits(at: Timestamp, delay: Duration) -> Option<Timestamp> {
    (!delay.is_zero()).then(|| at + SHOWN.min(delay.saturating_sub(SECOND)))
}

/// A `volumeMounts[]` of a status.
fn mount_status(mount: &Value) -> Value {
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
