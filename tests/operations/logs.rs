//! Logs: of one pod, of a workload, merged, filtered, folded, from before a restart.
//!
//! What the fixtures write is known line by line: see `tests/fixtures/cluster/workloads.yaml`.

use serde_json::{Value, json};

use crate::{
    Trials, ensure, facts,
    kubectl::{eventually, kubectl},
    stage::Stage,
};

pub(crate) const TRIALS: Trials = &[
    ("merged_over_pods_and_containers", merged_over_pods_and_containers),
    ("repeated_lines_are_folded", repeated_lines_are_folded),
    ("include", include),
    ("exclude", exclude),
    ("one_container", one_container),
    ("selector", selector),
    ("one_pod_line_by_line", one_pod_line_by_line),
    ("tail", tail),
    ("since", since),
    ("previous", previous),
    ("failed_job", failed_job),
    ("name_of_a_workload", name_of_a_workload),
    ("image_that_cannot_be_pulled", image_that_cannot_be_pulled),
    ("credentials_in_lines", credentials_in_lines),
    ("wrong_expression", wrong_expression),
    ("unknown_container", unknown_container),
];

fn logs(stage: &Stage, more: &Value) -> Result<String, String> {
    let mut arguments = json!({"namespace": stage.namespace});
    if let (Some(all), Some(more)) = (arguments.as_object_mut(), more.as_object()) {
        all.extend(more.clone());
    }
    stage.ask("pods_logs", &arguments)
}

/// The lines between the fences: text of the cluster.
fn fenced(text: &str) -> Result<Vec<&str>, String> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("--- "));
    let open = lines.next().ok_or_else(|| format!("no fence in:\n{text}"))?;
    let nonce = open.rsplit(' ').next().unwrap_or_default();
    let close = format!("--- end {nonce}");
    let inner: Vec<&str> = lines.by_ref().take_while(|line| *line != close).collect();
    ensure!(text.contains(&close), "the fence {open:?} is not closed:\n{text}");
    Ok(inner)
}

fn merged_over_pods_and_containers(stage: &Stage) -> Result<(), String> {
    let text = logs(stage, &json!({"kind": "deploy", "name": "web"}))?;
    for pod in facts::names("pods", &["-n", &stage.namespace, "-l", "app=web"])? {
        ensure!(text.contains(&pod), "{pod} is not named:\n{text}");
        ensure!(
            text.contains(&format!("INFO request 2 of {pod}")),
            "a line of {pod} is missing:\n{text}"
        );
    }
    let lines = fenced(&text)?;
    for said in [
        "INFO web serves",
        "INFO sidecar serves",
        "ERROR cart 8841: inventory did not answer",
    ] {
        ensure!(
            lines.iter().any(|line| line.contains(said)),
            "{said:?} is missing:\n{text}"
        );
    }
    // 3 pods with 12 lines of `web` and 2 of `sidecar`.
    let heading = text.lines().next().unwrap_or_default();
    ensure!(
        heading.contains("42"),
        "the heading does not count 42 lines: {heading}"
    );
    Ok(())
}

fn repeated_lines_are_folded(stage: &Stage) -> Result<(), String> {
    let text = logs(stage, &json!({"kind": "deploy", "name": "web"}))?;
    let lines = fenced(&text)?;
    let shown: Vec<&&str> = lines
        .iter()
        .filter(|line| line.contains("WARN cache miss"))
        .collect();
    ensure!(
        !shown.is_empty() && shown.len() <= 3,
        "18 equal lines are shown as {}:\n{text}",
        shown.len()
    );
    ensure!(
        shown.iter().all(|line| line.contains("(x")),
        "the number folded is not said: {shown:?}"
    );
    Ok(())
}

fn include(stage: &Stage) -> Result<(), String> {
    let text = logs(
        stage,
        &json!({"kind": "deploy", "name": "web", "include": "ERROR|FATAL"}),
    )?;
    let lines = fenced(&text)?;
    ensure!(
        !lines.is_empty() && lines.iter().all(|line| line.contains("ERROR cart 8841")),
        "include:\n{text}"
    );
    let heading = text.lines().next().unwrap_or_default();
    ensure!(heading.contains("3 of 42"), "\"3 of 42\" is not said: {heading}");
    Ok(())
}

fn exclude(stage: &Stage) -> Result<(), String> {
    let text = logs(
        stage,
        &json!({"kind": "deploy", "name": "web", "exclude": "INFO|WARN"}),
    )?;
    let lines = fenced(&text)?;
    ensure!(
        !lines.is_empty() && lines.iter().all(|line| line.contains("ERROR cart 8841")),
        "exclude:\n{text}"
    );
    Ok(())
}

fn one_container(stage: &Stage) -> Result<(), String> {
    let text = logs(
        stage,
        &json!({"kind": "deploy", "name": "web", "container": "sidecar"}),
    )?;
    ensure!(
        text.contains("INFO sidecar serves") && !text.contains("INFO web serves"),
        "container=sidecar:\n{text}"
    );
    Ok(())
}

fn selector(stage: &Stage) -> Result<(), String> {
    let text = logs(
        stage,
        &json!({"selector": "app in (web,agent)", "include": "request 1 of"}),
    )?;
    for pod in facts::names("pods", &["-n", &stage.namespace, "-l", "app=web"])? {
        ensure!(
            text.contains(&format!("request 1 of {pod}")),
            "a line of {pod} is missing:\n{text}"
        );
    }
    Ok(())
}

fn one_pod_line_by_line(stage: &Stage) -> Result<(), String> {
    let pod = stage.pod_of("web")?;
    let text = logs(stage, &json!({"name": pod, "container": "web"}))?;
    let lines = fenced(&text)?;
    let written = kubectl(&["logs", &pod, "-c", "web", "-n", &stage.namespace])?;
    ensure!(written.lines().count() == 12, "the fixture wrote:\n{written}");
    // As they were written; what follows itself is folded.
    let mut rest = lines.iter();
    let mut last = "";
    for line in written
        .lines()
        .filter(|line| std::mem::replace(&mut last, line) != *line)
    {
        ensure!(
            rest.any(|shown| shown.contains(line)),
            "{line:?} is missing or out of order:\n{text}"
        );
    }
    Ok(())
}

fn tail(stage: &Stage) -> Result<(), String> {
    let pod = stage.pod_of("web")?;
    let text = logs(stage, &json!({"name": pod, "container": "web", "tail": 2}))?;
    let lines = fenced(&text)?;
    ensure!(lines.len() == 2, "{} lines:\n{text}", lines.len());
    ensure!(
        lines[0].contains("ERROR cart") && lines[1].contains("INFO web serves"),
        "not the last two:\n{text}"
    );
    Ok(())
}

fn since(stage: &Stage) -> Result<(), String> {
    let text = logs(stage, &json!({"name": "db-0", "since": "2h"}))?;
    ensure!(text.contains("INFO db serves"), "since=2h:\n{text}");
    let arguments = json!({"name": "db-0", "namespace": stage.namespace, "since": "yesterday-ish"});
    let error = stage.refused("pods_logs", &arguments)?;
    ensure!(error.contains("since"), "the parameter is not named: {error}");
    Ok(())
}

fn previous(stage: &Stage) -> Result<(), String> {
    eventually(30, || {
        let text = logs(
            stage,
            &json!({"kind": "deploy", "name": "crash", "previous": true}),
        )?;
        let lines = fenced(&text)?;
        let fatal = lines
            .iter()
            .any(|line| line.contains("FATAL config: PAYMENT_URL is not set"));
        ensure!(fatal, "the last words are missing:\n{text}");
        Ok(())
    })
}

fn failed_job(stage: &Stage) -> Result<(), String> {
    let text = logs(stage, &json!({"kind": "Job", "name": "migrate"}))?;
    ensure!(
        text.contains("ERROR table orders exists"),
        "the job's line is missing:\n{text}"
    );
    Ok(())
}

fn name_of_a_workload(stage: &Stage) -> Result<(), String> {
    // No pod is called `db`; the workload that is has pods.
    let text = logs(stage, &json!({"name": "db"}))?;
    ensure!(
        text.contains("db-0") && text.contains("INFO db serves"),
        "the pods of db are not read:\n{text}"
    );
    Ok(())
}

fn image_that_cannot_be_pulled(stage: &Stage) -> Result<(), String> {
    let arguments = json!({"name": "no-image", "namespace": stage.namespace});
    let text = stage
        .ask("pods_logs", &arguments)
        .or_else(|_| stage.refused("pods_logs", &arguments))?;
    ensure!(text.contains("no-image"), "the pod is not named:\n{text}");
    ensure!(
        text.contains("ImagePull"),
        "why there are no logs is not said:\n{text}"
    );
    Ok(())
}

fn credentials_in_lines(stage: &Stage) -> Result<(), String> {
    // That the password is not in it is checked of every answer.
    let text = logs(stage, &json!({"name": "db-0"}))?;
    ensure!(
        text.contains("INFO connects to") && text.contains("db:5432"),
        "the rest of the line is gone:\n{text}"
    );
    Ok(())
}

fn wrong_expression(stage: &Stage) -> Result<(), String> {
    let arguments = json!({"name": "db-0", "namespace": stage.namespace, "include": "(unclosed"});
    let error = stage.refused("pods_logs", &arguments)?;
    ensure!(error.contains("include"), "the parameter is not named: {error}");
    Ok(())
}

fn unknown_container(stage: &Stage) -> Result<(), String> {
    let arguments =
        json!({"kind": "deploy", "name": "web", "container": "sidecart", "namespace": stage.namespace});
    let error = stage.refused("pods_logs", &arguments)?;
    ensure!(
        error.contains("sidecart") && error.contains("sidecar"),
        "no near container is named: {error}"
    );
    Ok(())
}
