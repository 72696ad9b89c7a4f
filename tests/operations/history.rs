//! Revisions of workloads, as `kubectl rollout history` has them.

use serde_json::json;

use crate::{
    Trials, ensure,
    kubectl::{apply, eventually, items, kubectl},
    listing::Listing,
    stage::Stage,
};

pub(crate) const TRIALS: Trials = &[
    ("of_each_kind", of_each_kind),
    ("what_each_changed", what_each_changed),
    ("one_in_full", one_in_full),
    ("a_rollout_that_is_stuck", a_rollout_that_is_stuck),
    ("wrong_calls", wrong_calls),
];

/// A place of a trial's own, in which it may roll out: the suite's workloads are counted by others.
struct Place(String);

impl Place {
    fn new(stage: &Stage, name: &str) -> Result<Self, String> {
        let place = stage.other_namespace(name)?;
        Ok(Self(place))
    }

    fn apply(&self, kind: &str, container: &str) -> Result<(), String> {
        let more = match kind {
            "StatefulSet" => "\n  serviceName: web",
            _ => "",
        };
        let manifest = format!(
            "apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: web}}\nspec:{more}\n  \
             selector: {{matchLabels: {{app: web}}}}\n  \
             template:\n    metadata: {{labels: {{app: web}}}}\n    spec:\n      terminationGracePeriodSeconds: 0\n      \
             containers:\n      - {{name: main, image: busybox, imagePullPolicy: IfNotPresent, \
             command: [sh, -c, 'exec sleep 100000']{container}}}\n"
        );
        apply(&manifest, Some(&self.0))
    }

    fn rollout(&self, words: &[&str]) -> Result<String, String> {
        kubectl(&[&["rollout"], words, &["-n", &self.0]].concat())
    }

    fn done(&self, workload: &str) -> Result<(), String> {
        self.rollout(&["status", workload, "--timeout=60s"]).map(drop)
    }

    /// The revisions that kubectl tells, newest first.
    fn revisions(&self, workload: &str) -> Result<Vec<String>, String> {
        let history = self.rollout(&["history", workload])?;
        let numbers = history.lines().filter_map(|line| line.split_whitespace().next());
        let mut numbers: Vec<u64> = numbers.filter_map(|number| number.parse().ok()).collect();
        numbers.sort_unstable_by(|one, other| other.cmp(one));
        Ok(numbers.iter().map(u64::to_string).collect())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(kubectl(&["delete", "namespace", &self.0, "--wait=false"]));
    }
}

fn history(stage: &Stage, kind: &str, namespace: &str) -> Result<Listing, String> {
    let arguments = json!({"kind": kind, "name": "web", "namespace": namespace});
    Ok(Listing::read(&stage.ask("workloads_history", &arguments)?))
}

fn numbers(listing: &Listing) -> Vec<&str> {
    let numbers = listing.rows.iter().map(|row| row.cell("REV").unwrap_or_default());
    numbers.collect()
}

fn of_each_kind(stage: &Stage) -> Result<(), String> {
    let place = Place::new(stage, "kinds")?;
    for kind in ["StatefulSet", "DaemonSet"] {
        let workload = format!("{kind}/web").to_lowercase();
        place.apply(kind, "")?;
        place.done(&workload)?;
        place.apply(kind, ", env: [{name: A, value: '1'}]")?;
        place.done(&workload)?;
        eventually(30, || {
            let listing = history(stage, kind, &place.0)?;
            let expected = place.revisions(&workload)?;
            ensure!(
                numbers(&listing) == expected && expected.len() == 2,
                "kubectl has {expected:?}:\n{}",
                listing.text
            );
            let pods = items(&["get", "pods", "-l", "app=web", "-n", &place.0])?.len();
            let ready = format!("revision 2, {pods} of {pods} ready");
            ensure!(listing.heading.contains(&ready), "{ready}:\n{}", listing.text);
            listing.row_where("REV", "2")?.says("CHANGED", "env.A added")
        })?;
        kubectl(&["delete", &workload, "-n", &place.0])?;
        // Its pods would be taken for those of the next one.
        kubectl(&[
            "wait",
            "--for=delete",
            "pods",
            "-l",
            "app=web",
            "-n",
            &place.0,
            "--timeout=60s",
        ])?;
    }
    Ok(())
}

fn what_each_changed(stage: &Stage) -> Result<(), String> {
    let place = Place::new(stage, "changes")?;
    let password = |value: &str| format!("planted-env-{}-{value}", stage.run);
    place.apply(
        "Deployment",
        &format!(", env: [{{name: DB_PASSWORD, value: {}}}]", password("a")),
    )?;
    place.done("deployment/web")?;
    let set = |words: &[&str]| kubectl(&[&["set"], words, &["-n", &place.0]].concat());
    set(&["resources", "deployment/web", "--requests=memory=16Mi"])?;
    set(&["env", "deployment/web", &format!("DB_PASSWORD={}", password("b"))])?;
    place.done("deployment/web")?;
    place.rollout(&["undo", "deployment/web", "--to-revision=1"])?;
    place.done("deployment/web")?;
    kubectl(&[
        "annotate",
        "deployment/web",
        "kubernetes.io/change-cause=SHOP-1",
        "-n",
        &place.0,
    ])?;
    eventually(30, || {
        let listing = history(stage, "deploy", &place.0)?;
        let expected = place.revisions("deployment/web")?;
        ensure!(
            numbers(&listing) == expected && expected == ["4", "3", "2"],
            "kubectl has {expected:?}:\n{}",
            listing.text
        );
        let rolled_back = listing.row_where("REV", "4")?;
        rolled_back.says("CHANGED", "env.DB_PASSWORD changed, requests.memory removed")?;
        rolled_back.says("BY", "kubectl: SHOP-1")?;
        listing
            .row_where("REV", "3")?
            .says("CHANGED", "env.DB_PASSWORD changed")?;
        ensure!(
            listing.heading.contains("revision 4, 1 of 1 ready"),
            "{}",
            listing.text
        );
        Ok(())
    })?;
    let gone = json!({"name": "deployment/web", "namespace": place.0, "revision": 1});
    let gone = stage.refused("workloads_history", &gone)?;
    ensure!(
        gone.contains("it is revision 4") && gone.contains("revision=4"),
        "{gone}"
    );
    Ok(())
}

fn one_in_full(stage: &Stage) -> Result<(), String> {
    let arguments = json!({"kind": "sts", "name": "db", "namespace": stage.namespace, "revision": "1"});
    let answer = stage.ask("workloads_history", &arguments)?;
    let heading = format!("StatefulSet {}/db: revision 1 in full", stage.namespace);
    let kept = items(&[
        "get",
        "controllerrevisions",
        "-l",
        "app=db",
        "-n",
        &stage.namespace,
    ])?;
    let kept = kept
        .first()
        .map(|kept| crate::facts::text(&kept["metadata"]["name"]));
    let kept = format!("kept_in: ControllerRevision {}", kept.unwrap_or_default());
    for expected in [
        heading.as_str(),
        &kept,
        "image: busybox",
        "<hidden, ",
        "debug-of-db",
    ] {
        ensure!(answer.contains(expected), "{expected} is not said:\n{answer}");
    }
    Ok(())
}

fn a_rollout_that_is_stuck(stage: &Stage) -> Result<(), String> {
    let place = Place::new(stage, "stuck")?;
    place.apply("Deployment", "")?;
    place.done("deployment/web")?;
    kubectl(&[
        "set",
        "image",
        "deployment/web",
        "main=registry.example.com/shop/web:9",
        "-n",
        &place.0,
    ])?;
    eventually(60, || {
        let listing = history(stage, "deploy", &place.0)?;
        let stuck = "revision 2 rolling out, stuck: 0 of 1 new pod ready (ImagePullBackOff";
        ensure!(
            listing.heading.contains(stuck) && listing.heading.contains("1 of revision 1 still serves"),
            "{}",
            listing.text
        );
        let image = "image busybox -> registry.example.com/shop/web:9";
        listing.row_where("REV", "2")?.says("CHANGED", image)?;
        listing.row_where("REV", "2")?.says("READY", "0/1")?;
        listing.row_where("REV", "1")?.says("READY", "1/1")
    })
}

fn wrong_calls(stage: &Stage) -> Result<(), String> {
    // A Deployment is taken for granted; `db` is none.
    let set = stage.ask(
        "workloads_history",
        &json!({"name": "db", "namespace": stage.namespace}),
    )?;
    ensure!(
        set.starts_with("StatefulSet ") && set.contains("db is a StatefulSet"),
        "{set}"
    );
    let missing = json!({"name": "web", "namespace": stage.namespace, "revision": 7});
    let missing = stage.refused("workloads_history", &missing)?;
    ensure!(
        missing.contains("no revision 7; it keeps: 1") && missing.contains("revision=1"),
        "{missing}"
    );
    let pod = stage.pod_of("web")?;
    let owner = stage.refused(
        "workloads_history",
        &json!({"kind": "pod", "name": pod, "namespace": stage.namespace}),
    )?;
    ensure!(
        owner.contains("workloads_history kind=Deployment name=web"),
        "{owner}"
    );
    Ok(())
}
