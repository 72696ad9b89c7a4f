//! One container on a node, from its first pull to its last exit: what the kubelet does with it, and what its status is.

use std::{collections::HashSet, time::Duration};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    environment::{self, Named as _, expand},
    events::{News, Teller},
    images::PullError,
    probes::Probes,
    quantity,
    runs::{End, Run, hash},
};
use crate::{
    api::{Api, object::Meta as _},
    clock::seconds,
};

/// How often the kubelet tries again, and tells of it, what does not work.
const SYNC: Duration = Duration::from_secs(13);

/// How often it tells of it at most, when it has told of it often.
const SELDOM: Duration = Duration::from_mins(5);

/// After how many tellings that is.
const OFTEN: u32 = 10;

/// The first wait before a restart or another pull, and the longest: each is twice the one before.
const BACK_OFF: [Duration; 2] = [Duration::from_secs(10), Duration::from_mins(5)];

/// A container that ran so long begins anew with its waits.
const RECOVERED: Duration = Duration::from_mins(10);

/// How long the status of a container that ended says so before it says that its restart is waited for.
const SHOWN: Duration = Duration::from_secs(70);

/// Where a container is, and when.
pub(super) struct Site<'a> {
    pub(super) api: &'a Api,
    pub(super) pod: &'a Value,
    pub(super) node: &'a str,
    pub(super) address: &'a str,
    pub(super) now: Timestamp,
    /// The images that are on nodes.
    pub(super) present: &'a mut HashSet<(String, String)>,
}

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
    /// The wait before the next restart.
    delay: Duration,
    /// The wait before the next pull.
    pull_delay: Duration,
    /// How often what does not work was told.
    told: u32,
    told_at: Option<Timestamp>,
    image_id: String,
    /// Whether its pod has no work for it any more.
    leaves: bool,
    /// Of its last start.
    id: String,
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
    Running(Probes),
    /// It was asked to stop.
    Stopping {
        since: Timestamp,
        until: Timestamp,
        code: i32,
    },
    Ended {
        terminated: Value,
        /// When its status says that the restart is waited for.
        waits: Option<Timestamp>,
        again: Option<Timestamp>,
    },
}

impl Container {
    /// Does what there is to do now. Gives when there is something to do next.
    pub(super) fn step(&mut self, site: &mut Site<'_>, spec: &Value, role: Role) -> Option<Timestamp> {
        let now = site.now;
        loop {
            match &mut self.state {
                State::Waiting => self.begin(site, spec),
                State::Pulling(until) if *until <= now => self.pulled(site, spec),
                State::Pulling(until) => return Some(*until),
                State::Held { reason, .. } if *reason == "CreateContainerConfigError" => {
                    if environment::of(site.api, site.pod, spec).is_err()
                        && self.told_last() + self.patience() > now
                    {
                        return Some(self.told_last() + self.patience());
                    }
                    self.begin(site, spec);
                }
                State::Held { reason, until, .. } if *until <= now => match *reason {
                    "ErrImagePull" => self.back_off_pull(site, spec),
                    _ => self.begin(site, spec),
                },
                State::Held { until, reason, .. } => {
                    let until = *until;
                    if *reason != "ImagePullBackOff" {
                        return Some(until);
                    }
                    let next = self.told_last() + self.patience();
                    if next > now {
                        return Some(next.min(until));
                    }
                    self.tell_pull_back_off(site, spec);
                }
                State::Running(_) => match self.run(site, spec, role) {
                    Some(due) => return due,
                    None => {}
                },
                State::Stopping { until, code, .. } if *until <= now => {
                    let (until, code) = (*until, *code);
                    let reason = if code == 0 { "Completed" } else { "Error" };
                    self.ended(site, spec, role, (until, code, reason));
                }
                State::Stopping { until, .. } => return Some(*until),
                State::Ended {
                    again: Some(again), ..
                } if *again <= now => {
                    self.restarts += 1;
                    self.begin(site, spec);
                }
                State::Ended { again, waits, .. } => {
                    let again = *again;
                    let Some(shown) = waits.filter(|_| again.is_some()) else {
                        return again;
                    };
                    if shown > now {
                        return Some(shown);
                    }
                    if self.told_last() >= shown {
                        return again;
                    }
                    self.tell_back_off(site, spec, role);
                }
            }
        }
    }

    /// Sees to it that the image is there, and starts.
    fn begin(&mut self, site: &mut Site<'_>, spec: &Value) {
        if let State::Ended { terminated, .. } = &self.state {
            self.last = Some(terminated.clone());
        }
        let image = spec.text("/image");
        let is_there = site.present.contains(&(site.node.to_owned(), image.to_owned()));
        let policy = match spec.text("/imagePullPolicy") {
            "" if tag(image) == "latest" => "Always",
            policy => policy,
        };
        if image
            .rsplit_once(':')
            .map_or(image, |(name, _)| name)
            .contains(|c: char| c.is_uppercase())
        {
            let message = format!(
                "Failed to apply default image tag {image:?}: couldn't parse image name {image:?}: invalid reference \
                 format: repository name ({}) must be lowercase",
                repository(image).trim_start_matches("docker.io/")
            );
            self.tell(site, spec, true, "InspectFailed", &message, 1);
            return self.hold(site, spec, "InvalidImageName", message);
        }
        match (is_there, policy) {
            (false, "Never") => {
                let message = format!("Container image {image:?} is not present with pull policy of Never");
                self.tell(site, spec, true, "ErrImageNeverPull", &message, 1);
                self.hold(site, spec, "ErrImageNeverPull", message);
            }
            (true, "IfNotPresent" | "" | "Never") => {
                let message = format!(
                    "Container image {image:?} already present on machine and can be accessed by the pod"
                );
                self.tell(site, spec, false, "Pulled", &message, 1);
                self.create(site, spec);
            }
            _ => {
                self.tell(
                    site,
                    spec,
                    false,
                    "Pulling",
                    &format!("Pulling image {image:?}"),
                    1,
                );
                self.state = State::Pulling(site.now + pull_takes(site, image));
            }
        }
    }

    fn pulled(&mut self, site: &mut Site<'_>, spec: &Value) {
        let image = spec.text("/image");
        let pull = site.api.runtime.images.pull(image);
        if let Some(error) = pull.error {
            let told = refusal(image, error);
            self.tell(
                site,
                spec,
                true,
                "Failed",
                &format!("Failed to pull image {image:?}: {told}"),
                1,
            );
            self.tell(site, spec, true, "Failed", "Error: ErrImagePull", 1);
            let until = site.now + Duration::from_secs(1);
            self.state = State::Held {
                reason: "ErrImagePull",
                message: told,
                until,
            };
            return;
        }
        let takes = format!("{:?}", pull_takes(site, image));
        site.present.insert((site.node.to_owned(), image.to_owned()));
        let size = pull
            .size
            .map_or(4_000_000 + hash(image.as_bytes()) % 90_000_000, |size| {
                size.0.unsigned_abs() / 1000
            });
        let message = format!(
            "Successfully pulled image {image:?} in {takes} ({takes} including waiting). Image size: {size} bytes."
        );
        self.pull_delay = Duration::ZERO;
        self.tell(site, spec, false, "Pulled", &message, 1);
        self.create(site, spec);
    }

    /// Waits before it pulls again.
    fn back_off_pull(&mut self, site: &Site<'_>, spec: &Value) {
        let State::Held { message, .. } = &self.state else {
            return;
        };
        let message = format!(
            "Back-off pulling image {:?}: ErrImagePull: {message}",
            spec.text("/image")
        );
        self.pull_delay = (self.pull_delay * 2).clamp(BACK_OFF[0], BACK_OFF[1]);
        self.state = State::Held {
            reason: "ImagePullBackOff",
            message,
            until: site.now + self.pull_delay,
        };
        self.told_at = Some(site.now);
        self.tell_pull_back_off(site, spec);
    }

    fn tell_pull_back_off(&mut self, site: &Site<'_>, spec: &Value) {
        let times = self.missed(site.now);
        let message = format!("Back-off pulling image {:?}", spec.text("/image"));
        self.tell(site, spec, false, "BackOff", &message, times);
        self.tell(site, spec, true, "Failed", "Error: ImagePullBackOff", times);
    }

    /// Cannot go on.
    fn hold(&mut self, site: &Site<'_>, spec: &Value, reason: &'static str, message: String) {
        let times = self.missed(site.now);
        let told = if reason == "CreateContainerConfigError" {
            &message
        } else {
            reason
        };
        self.tell(site, spec, true, "Failed", &format!("Error: {told}"), times);
        let until = site.now + self.patience();
        self.state = State::Held {
            reason,
            message,
            until,
        };
    }

    fn create(&mut self, site: &Site<'_>, spec: &Value) {
        let (uid, name, image) = (site.pod.uid(), spec.name_of(), spec.text("/image"));
        let env = match environment::of(site.api, site.pod, spec) {
            Ok(env) => env,
            Err(missing) => return self.hold(site, spec, "CreateContainerConfigError", missing),
        };
        let words = spec.list("/command").iter().chain(spec.list("/args"));
        let argv: Vec<String> = words
            .filter_map(|word| Some(expand(word.as_str()?, &env)))
            .collect();
        let memory = quantity::milli(spec.text("/resources/limits/memory")).map(|milli| milli / 1000);
        let id = format!(
            "containerd://{}",
            digest(&format!("{uid}/{name}/{}", self.restarts))
        );
        self.image_id = format!("{}@sha256:{}", repository(image), digest(image));
        self.told = 0;
        self.told_at = None;
        self.tell(site, spec, false, "Created", "Container created", 1);
        self.id.clone_from(&id);
        let (env, started) = ((env, memory), (id.clone(), site.now));
        match site.api.runtime.start((uid, name), image, &argv, env, started) {
            Ok(()) => {
                self.tell(site, spec, false, "Started", "Container started", 1);
                let (now, address) = (site.now, site.address);
                let probes = site
                    .api
                    .runtime
                    .with(uid, name, false, |run| Probes::of(spec, run, now, address));
                self.state = State::Running(probes.unwrap_or_default());
            }
            Err(command) => {
                let message = format!(
                    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create \
                     failed: unable to start container process: exec: {command:?}: executable file not found in $PATH: unknown"
                );
                self.tell(site, spec, true, "Failed", &format!("Error: {message}"), 1);
                let terminated = json!({
                    "exitCode": 128, "reason": "StartError", "message": message, "startedAt": "1970-01-01T00:00:00Z",
                    "finishedAt": seconds(site.now), "containerID": id,
                });
                self.wait_for_restart(site, spec, terminated, Duration::ZERO);
            }
        }
    }

    /// Looks at a container that runs: `None` if it does no more, else when to look again.
    #[expect(
        clippy::option_option,
        reason = "both are optional: that it goes on, and that there is something to wait for"
    )]
    fn run(&mut self, site: &Site<'_>, spec: &Value, role: Role) -> Option<Option<Timestamp>> {
        let State::Running(probes) = &mut self.state else {
            return None;
        };
        let now = site.now;
        let mut due = match site
            .api
            .runtime
            .with(site.pod.uid(), spec.name_of(), false, |run| run.end(now))
        {
            Some(End::At(at, code, reason)) if at <= now => {
                self.ended(site, spec, role, (at, code, &reason));
                return None;
            }
            Some(End::At(at, ..) | End::After(at)) => Some(at),
            Some(End::Never) | None => None,
        };
        if let Some(probe) = probes.kills(now) {
            let what = probe.name.to_lowercase();
            let message = format!("{} probe failed: {}", probe.name, probe.message);
            self.tell(site, spec, true, "Unhealthy", &message, 1);
            let message = format!(
                "Container {} failed {what} probe, will be restarted",
                spec.name_of()
            );
            self.stop(site, spec, &message, None);
            return None;
        }
        let next = probes.next(now);
        if let Some(probe) = probes.failing(now).cloned() {
            let period = if self.told < OFTEN * 2 {
                probe.period
            } else {
                SELDOM
            };
            let last = self.told_at.unwrap_or(Timestamp::MIN);
            if self.told_at.is_none() || last + period <= now {
                let times = self.told_at.map_or(1, |last| {
                    now.duration_since(last).as_secs() / probe.period.as_secs().max(1).cast_signed()
                });
                let message = format!("{} probe failed: {}", probe.name, probe.message);
                self.tell(
                    site,
                    spec,
                    true,
                    "Unhealthy",
                    &message,
                    times.max(1).unsigned_abs(),
                );
                self.told += 1;
                self.told_at = Some(now);
            }
            let again = self.told_last()
                + if self.told < OFTEN * 2 {
                    probe.period
                } else {
                    SELDOM
                };
            due = Some(due.map_or(again, |due| due.min(again)));
        }
        Some(due.into_iter().chain(next).min())
    }

    /// Ends it for good, by then or as late as its pod allows.
    pub(super) fn leave(&mut self, site: &Site<'_>, spec: &Value, end: Option<Timestamp>) {
        self.leaves = true;
        if let State::Ended { again, .. } = &mut self.state {
            *again = None;
        }
        self.stop(site, spec, &format!("Stopping container {}", spec.name_of()), end);
    }

    /// Asks it to stop, if it runs, by then or as late as its pod allows.
    fn stop(&mut self, site: &Site<'_>, spec: &Value, message: &str, end: Option<Timestamp>) {
        let running = matches!(self.state, State::Running(_));
        let grace = site
            .pod
            .number("/spec/terminationGracePeriodSeconds")
            .unwrap_or(30);
        let end = end.unwrap_or(site.now + Duration::from_secs(grace.unsigned_abs()));
        match &mut self.state {
            State::Running(_) => {
                let stops = site
                    .api
                    .runtime
                    .with(site.pod.uid(), spec.name_of(), false, |run| run.stops(site.now));
                let (until, code) = match stops.flatten() {
                    Some((takes, code)) if site.now + takes <= end => (site.now + takes, code),
                    _ => (end, 137),
                };
                self.state = State::Stopping {
                    since: site.now,
                    until,
                    code,
                };
            }
            State::Stopping { until, code, .. } if *until > end => (*until, *code) = (end, 137),
            _ => {}
        }
        if running {
            self.tell(site, spec, false, "Killing", message, 1);
        }
    }

    /// It ended.
    fn ended(
        &mut self,
        site: &Site<'_>,
        spec: &Value,
        role: Role,
        (at, code, reason): (Timestamp, i32, &str),
    ) {
        let run = site
            .api
            .runtime
            .with(site.pod.uid(), spec.name_of(), false, |run| {
                run.ended = Some(at);
                (run.id.clone(), run.started)
            });
        let (id, started) = run.unwrap_or((String::new(), at));
        let terminated = json!({
            "exitCode": code, "reason": reason, "startedAt": seconds(started), "finishedAt": seconds(at), "containerID": id,
        });
        let restarts = !self.leaves
            && match (role, site.pod.text("/spec/restartPolicy")) {
                (Role::Sidecar, _) | (Role::Main, "Always" | "") => true,
                (_, "Never") => false,
                _ => code != 0,
            };
        if restarts {
            let ran = at.duration_since(started).try_into().unwrap_or_default();
            return self.wait_for_restart(site, spec, terminated, ran);
        }
        self.state = State::Ended {
            terminated,
            waits: None,
            again: None,
        };
    }

    fn wait_for_restart(&mut self, site: &Site<'_>, spec: &Value, terminated: Value, ran: Duration) {
        if ran >= RECOVERED {
            self.delay = Duration::ZERO;
        }
        let delay = self.delay;
        self.delay = (delay * 2).clamp(BACK_OFF[0], BACK_OFF[1]);
        self.told_at = Some(site.now);
        let waits =
            (!delay.is_zero()).then(|| site.now + SHOWN.min(delay.saturating_sub(Duration::from_secs(1))));
        self.state = State::Ended {
            terminated,
            waits,
            again: Some(site.now + delay.max(Duration::from_secs(1))),
        };
        if waits.is_some() {
            self.tell_restart(site, spec);
        }
    }

    fn tell_back_off(&mut self, site: &Site<'_>, spec: &Value, _role: Role) {
        self.told_at = Some(site.now);
        self.tell_restart(site, spec);
    }

    fn tell_restart(&self, site: &Site<'_>, spec: &Value) {
        let pod = site.pod;
        let message = format!(
            "Back-off restarting failed container {} in pod {}_{}({})",
            spec.name_of(),
            pod.name(),
            pod.namespace(),
            pod.uid()
        );
        self.tell(site, spec, true, "BackOff", &message, 1);
    }

    fn tell(&self, site: &Site<'_>, spec: &Value, warns: bool, reason: &str, message: &str, times: u64) {
        let is_init = site
            .pod
            .list("/spec/initContainers")
            .iter()
            .any(|init| init.name_of() == spec.name_of());
        let list = if is_init { "initContainers" } else { "containers" };
        let path = format!("spec.{list}{{{}}}", spec.name_of());
        let teller = Teller {
            component: "kubelet",
            host: site.node,
        };
        let news = News {
            path: &path,
            times,
            ..News::new(warns, reason, message)
        };
        teller.tell(site.api, site.pod, news);
    }

    /// How long until what does not work is told again.
    fn patience(&self) -> Duration {
        if self.told < OFTEN { SYNC } else { SELDOM }
    }

    fn told_last(&self) -> Timestamp {
        self.told_at.unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// How often something failed since that was told last, and notes that it is told.
    fn missed(&mut self, now: Timestamp) -> u64 {
        let since = self
            .told_at
            .replace(now)
            .map_or(0, |last| now.duration_since(last).as_secs());
        self.told += 1;
        (since.unsigned_abs() / SYNC.as_secs()).max(1)
    }

    /// Whether it ended and is not started again; the exit code.
    pub(super) fn is_done(&self) -> Option<i64> {
        match &self.state {
            State::Ended {
                terminated,
                again: None,
                ..
            } => terminated["exitCode"].as_i64(),
            _ => None,
        }
    }

    /// Whether no process of it is left.
    pub(super) fn is_still(&self) -> bool {
        !matches!(self.state, State::Running(_) | State::Stopping { .. })
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
            State::Stopping { .. } => true,
            _ => false,
        }
    }

    /// Whether it is ready.
    pub(super) fn is_ready(&self, now: Timestamp, role: Role) -> bool {
        match &self.state {
            State::Running(probes) => role != Role::Init && probes.ready(now),
            State::Ended {
                terminated,
                again: None,
                ..
            } => role == Role::Init && terminated["exitCode"] == 0,
            _ => false,
        }
    }

    /// Whether it runs or ran: its pod is no longer pending then.
    pub(super) fn has_run(&self) -> bool {
        !matches!(
            self.state,
            State::Waiting | State::Pulling(_) | State::Held { .. }
        ) || self.last.is_some()
    }

    /// Its status, as `status.containerStatuses[]` has it.
    pub(super) fn status(&self, site: &Site<'_>, spec: &Value, role: Role, waiting: &str) -> Value {
        let waits = |reason: &str, message: &str| match message {
            "" => json!({"waiting": {"reason": reason}}),
            message => json!({"waiting": {"reason": reason, "message": message}}),
        };
        let started = |run: &mut Run| seconds(run.started);
        let started = || {
            site.api
                .runtime
                .with(site.pod.uid(), spec.name_of(), false, started)
        };
        let mut last = self.last.clone();
        let state = match &self.state {
            State::Waiting | State::Pulling(_) => waits(waiting, ""),
            State::Held { reason, message, .. } => waits(reason, message),
            State::Running(_) | State::Stopping { .. } => {
                json!({"running": {"startedAt": started()}})
            }
            State::Ended {
                terminated,
                waits: shown,
                again,
            } => {
                let (name, pod) = (spec.name_of(), site.pod);
                let is_unstarted = terminated["reason"] == "StartError";
                match shown {
                    _ if again.is_none() => json!({"terminated": terminated}),
                    Some(shown) if *shown <= site.now => {
                        last = Some(terminated.clone());
                        let delay = go_duration(self.delay_now());
                        let told = format!(
                            "back-off {delay} restarting failed container={name} pod={}_{}({})",
                            pod.name(),
                            pod.namespace(),
                            pod.uid()
                        );
                        waits("CrashLoopBackOff", &told)
                    }
                    _ if is_unstarted => {
                        last = Some(terminated.clone());
                        waits("RunContainerError", terminated.text("/message"))
                    }
                    _ => json!({"terminated": terminated}),
                }
            }
        };
        let is_created = !self.image_id.is_empty();
        let image = spec.text("/image");
        let mut status = json!({
            "name": spec.name_of(),
            "state": state,
            "lastState": last.map_or(json!({}), |last| json!({"terminated": last})),
            "ready": self.is_ready(site.now, role),
            "restartCount": self.restarts,
            "image": if is_created { reference(image) } else { image.to_owned() },
            "imageID": self.image_id,
        });
        if is_created {
            status["containerID"] = self.id.as_str().into();
        }
        status["started"] = self.is_started(site.now).into();
        if is_created {
            if let Some(requests) = spec["resources"]["requests"].as_object() {
                status["allocatedResources"] = json!(requests);
            }
            let resources = spec["resources"].as_object().cloned().unwrap_or_else(Map::new);
            status["resources"] = json!(resources);
        }
        let mounts: Vec<Value> = spec.list("/volumeMounts").iter().map(mount_status).collect();
        if !mounts.is_empty() {
            status["volumeMounts"] = json!(mounts);
        }
        status
    }

    /// The wait that is being waited.
    fn delay_now(&self) -> Duration {
        match &self.state {
            State::Ended { again: Some(_), .. } if self.delay < BACK_OFF[1] => self.delay / 2,
            // The longest wait but one is no power of two times the first.
            State::Ended {
                waits: Some(waits),
                again: Some(again),
                ..
            } => {
                let left = again.duration_since(*waits).as_secs().unsigned_abs() + SHOWN.as_secs();
                Duration::from_secs(if left > 200 { 300 } else { 160 })
            }
            _ => self.delay,
        }
    }
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

/// How long a pull takes here.
fn pull_takes(site: &Site<'_>, image: &str) -> Duration {
    let takes = site
        .api
        .runtime
        .images
        .pull(image)
        .takes
        .map_or(Duration::from_millis(900), |takes| takes.0);
    match site.present.contains(&(site.node.to_owned(), image.to_owned())) {
        true => Duration::from_millis(380),
        false => takes,
    }
}

/// What the runtime says of an image that it cannot pull.
fn refusal(image: &str, error: PullError) -> String {
    let full = reference(image);
    let (code, why) = match error {
        PullError::NotFound => ("NotFound", format!("{full}: not found")),
        PullError::Unauthorized => (
            "Unknown",
            "pull access denied, repository does not exist or may require authorization: authorization failed: no basic \
             auth credentials".to_owned(),
        ),
        PullError::NoSuchHost => {
            let (host, path) = full.split_once('/').unwrap_or((&full, ""));
            let path = path.strip_suffix(&format!(":{}", tag(image))).unwrap_or(path);
            let url = format!("https://{host}/v2/{path}/manifests/{}", tag(image));
            ("Unknown", format!("failed to do request: Head {url:?}: dial tcp: lookup {host}: no such host"))
        }
    };
    format!(
        "rpc error: code = {code} desc = failed to pull and unpack image {full:?}: failed to resolve reference {full:?}: {why}"
    )
}

/// The tag of an image.
fn tag(image: &str) -> &str {
    let name = image.rsplit('/').next().unwrap_or_default();
    name.split_once(':').map_or("latest", |(_, tag)| tag)
}

/// An image's whole name, with its registry and without its tag.
fn repository(image: &str) -> String {
    let full = reference(image);
    let (place, name) = full.rsplit_once('/').unwrap_or(("", &full));
    format!("{place}/{}", name.split([':', '@']).next().unwrap_or_default())
}

/// An image's whole name.
fn reference(image: &str) -> String {
    let full = match image.split_once('/') {
        None => format!("docker.io/library/{image}"),
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => image.to_owned(),
        Some(_) => format!("docker.io/{image}"),
    };
    match full
        .rsplit('/')
        .next()
        .is_some_and(|name| name.contains([':', '@']))
    {
        true => full,
        false => format!("{full}:latest"),
    }
}

/// 64 hexadecimal digits that follow from a text.
fn digest(text: &str) -> String {
    (0..4)
        .map(|part| format!("{:016x}", hash(format!("{part}{text}{part}").as_bytes())))
        .collect()
}

/// A duration as Go writes it: `10s`, `1m20s`, `5m0s`.
fn go_duration(duration: Duration) -> String {
    match (duration.as_secs() / 60, duration.as_secs() % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, seconds) => format!("{minutes}m{seconds}s"),
    }
}
