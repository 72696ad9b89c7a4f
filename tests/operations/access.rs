//! Rights, as `kubectl auth` has them.

use serde_json::json;

use crate::{
    Trials, ensure,
    kubectl::kubectl,
    stage::{Contexts, Stage},
};

pub(crate) const TRIALS: Trials = &[
    ("allowed", allowed),
    (
        "refused_says_what_is_allowed_and_where",
        refused_says_what_is_allowed_and_where,
    ),
    ("rights_in_one_namespace_only", rights_in_one_namespace_only),
    ("who_am_i", who_am_i),
    ("read_only_mode_is_said", read_only_mode_is_said),
    ("wrong_words", wrong_words),
];

fn allowed(stage: &Stage) -> Result<(), String> {
    let answer = stage.ask(
        "access_check",
        &json!({"verb": "exec", "kind": "po", "namespace": stage.namespace}),
    )?;
    let kubectl = kubectl(&["auth", "can-i", "create", "pods/exec", "-n", &stage.namespace])?;
    ensure!(
        kubectl.trim() == "yes",
        "the suite needs a user of all rights: {kubectl}"
    );
    let expected = format!("may create pods/exec in {}", stage.namespace);
    ensure!(
        answer.starts_with("Yes: ") && answer.contains(&expected),
        "{answer}"
    );
    Ok(())
}

fn refused_says_what_is_allowed_and_where(stage: &Stage) -> Result<(), String> {
    let mut server = stage.server(Contexts::Scout, &[])?;
    let blind = server
        .call("access_check", &json!({"verb": "list", "kind": "pod"}))?
        .text;
    // A service account's own namespace is known without a list.
    ensure!(
        blind.starts_with("In part: ") && blind.contains("may not be listed"),
        "{blind}"
    );
    // Who may list namespaces learns in which of them he may.
    let binding = format!("scout-{}", stage.run);
    let subject = format!("--serviceaccount={}:scout", stage.namespace);
    let role = format!("{binding}-namespaces");
    kubectl(&[
        "create",
        "clusterrole",
        &role,
        "--verb=list",
        "--resource=namespaces",
    ])?;
    kubectl(&[
        "create",
        "clusterrolebinding",
        &binding,
        "--clusterrole",
        &role,
        &subject,
    ])?;
    let mut ask = || {
        let here = server.call(
            "access_check",
            &json!({"verb": "delete", "kind": "pods", "namespace": stage.namespace}),
        )?;
        let other = server.call(
            "access_check",
            &json!({"verb": "list", "kind": "pods", "namespace": "kube-system"}),
        )?;
        let all = server.call("access_check", &json!({"verb": "list", "kind": "pods"}))?;
        Ok::<_, String>((here.text, other.text, all.text))
    };
    let asked = ask();
    kubectl(&["delete", "clusterrolebinding", &binding])?;
    kubectl(&["delete", "clusterrole", &role])?;
    let (here, other, all) = asked?;
    let user = format!("system:serviceaccount:{}:scout", stage.namespace);
    let no = format!("No: {user} may not delete pods in {}", stage.namespace);
    ensure!(
        here.starts_with(&no) && here.contains("[get, list]") && !here.contains("allowed_in"),
        "{here}"
    );
    ensure!(
        other.starts_with("No: ") && other.contains(&format!("allowed_in: [{}]", stage.namespace)),
        "{other}"
    );
    ensure!(
        all.starts_with("In part: ") && all.contains(&format!("in {}, not in all", stage.namespace)),
        "{all}"
    );
    Ok(())
}

fn rights_in_one_namespace_only(stage: &Stage) -> Result<(), String> {
    let mut server = stage.server(Contexts::Reader, &[])?;
    let answer = server.call(
        "access_check",
        &json!({"kind": "pod", "namespace": stage.namespace}),
    )?;
    ensure!(
        answer.text.contains("allowed_there: [get, list]"),
        "{}",
        answer.text
    );
    Ok(())
}

fn who_am_i(stage: &Stage) -> Result<(), String> {
    let mut server = stage.server(Contexts::Reader, &[])?;
    let answer = server.call("access_check", &json!({"namespace": stage.namespace}))?;
    let user = format!(
        "system:serviceaccount:{}:reader may, in namespace {0}",
        stage.namespace
    );
    for expected in [user.as_str(), "get, list: pods", "system:serviceaccounts"] {
        ensure!(
            answer.text.contains(expected),
            "{expected} is not said:\n{}",
            answer.text
        );
    }
    ensure!(!answer.text.contains("selfsubject"), "{}", answer.text);
    Ok(())
}

fn read_only_mode_is_said(stage: &Stage) -> Result<(), String> {
    let mut server = stage.server(Contexts::One, &["--mode", "read-only"])?;
    let answer = server.call("access_check", &json!({"verb": "delete", "kind": "nodes"}))?;
    ensure!(
        answer.text.starts_with("Yes: ") && answer.text.contains("this server would not send it"),
        "{}",
        answer.text
    );
    Ok(())
}

fn wrong_words(stage: &Stage) -> Result<(), String> {
    let error = stage.refused("access_check", &json!({"verb": "delet", "kind": "pods"}))?;
    ensure!(error.contains("verb=delete"), "{error}");
    let nowhere = json!({"verb": "list", "kind": "pods", "namespace": "no-such-namespace"});
    let nowhere = stage.ask("access_check", &nowhere)?;
    ensure!(
        nowhere.contains("there is no namespace no-such-namespace"),
        "{nowhere}"
    );
    let error = stage.refused("access_check", &json!({"verb": "create", "kind": "pods/exce"}))?;
    ensure!(error.contains("kind=pods/exec"), "{error}");
    Ok(())
}
