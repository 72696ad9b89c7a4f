use serde_json::{Value, json};

use super::{error, list_of, next};
use crate::{
    Error,
    call::{Access, Cx, KindRef, Stop},
    cluster::testing::Script,
    operations::pods::logs::logs,
    output::Lines,
};

/// What is asked of the operation; everything else is left out.
#[derive(Default)]
struct Ask {
    kind: Option<&'static str>,
    name: Option<&'static str>,
    selector: Option<&'static str>,
    container: Option<&'static str>,
    previous: bool,
    tail: Option<u64>,
    include: Option<&'static str>,
    exclude: Option<&'static str>,
}

async fn read(cx: &Cx, ask: Ask) -> Result<Lines, Stop> {
    logs(
        cx,
        ask.kind.map(|kind| KindRef(kind.to_owned())),
        ask.name.map(str::to_owned),
        Some("shop".to_owned()),
        ask.selector.map(str::to_owned),
        ask.container.map(str::to_owned),
        Some(ask.previous),
        None,
        ask.tail,
        ask.include.map(str::to_owned),
        ask.exclude.map(str::to_owned),
        None,
    )
    .await
}

fn pod(name: &str, containers: &[(&str, Value)]) -> Value {
    let specs: Vec<_> = containers.iter().map(|(name, _)| json!({"name": name})).collect();
    let statuses: Vec<_> = containers
        .iter()
        .map(|(name, state)| {
            let mut status = state.clone();
            status["name"] = json!(name);
            status
        })
        .collect();
    json!({
        "metadata": {"name": name, "namespace": "shop", "creationTimestamp": "2026-11-23T10:00:00Z"},
        "spec": {"initContainers": [{"name": "first"}], "containers": specs},
        "status": {"phase": "Running", "conditions": [{"type": "Initialized", "status": "True"}],
                   "containerStatuses": statuses},
    })
}

fn running() -> Value {
    json!({"ready": true, "restartCount": 0, "state": {"running": {}}})
}

fn crashing() -> Value {
    json!({"ready": false, "restartCount": 7, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
           "lastState": {"terminated": {"exitCode": 1}}})
}

/// A deployment `web` with two pods: one runs, one crashes and has a sidecar whose image cannot be pulled.
fn shop() -> Script {
    let deployment = json!({
        "metadata": {"name": "web", "namespace": "shop", "annotations": {"deployment.kubernetes.io/revision": "9"}},
        "spec": {"selector": {"matchLabels": {"app": "web"}}},
    });
    let unpulled = json!({"ready": false, "restartCount": 0, "image": "side:1",
                          "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image \"side:1\": side:1: not found"}}});
    let pods = list_of(&[
        pod("web-5b8f4c9d7-l4x2v", &[("main", running())]),
        pod("web-5b8f4c9d7-9fjwz", &[("main", crashing()), ("side", unpulled)]),
    ]);
    let log = |pod: &str| format!("/api/v1/namespaces/shop/pods/web-5b8f4c9d7-{pod}/log?container=main");
    Script::new()
        .on("GET", "/apis/apps/v1/namespaces/shop/deployments/web", deployment)
        .on("GET", "/api/v1/namespaces/shop/pods", pods)
        .text(
            "GET",
            &log("l4x2v"),
            200,
            "2026-11-23T14:00:01.5Z request served\n2026-11-23T14:00:03Z ERROR slow\n2026-11-23T14:00:05Z request served\n",
        )
        .text("GET", &log("9fjwz"), 200, "2026-11-23T14:00:02Z FATAL no url\n2026-11-23T14:00:04Z FATAL no url\n")
}

#[tokio::test]
async fn a_workload_is_read_over_all_its_pods_merged_and_folded() {
    let server = shop();
    let ask = Ask {
        kind: Some("deploy"),
        name: Some("web"),
        ..Ask::default()
    };
    let lines = read(&server.cx(Access::Read), ask).await.unwrap();
    assert_eq!(lines.subject, "Logs of Deployment shop/web, 2 pods");
    let told: Vec<_> = lines
        .lines
        .iter()
        .map(|line| {
            (
                line.text.as_str(),
                line.count,
                lines.sources[line.sources[0]].remark.as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("ERROR slow", 1, ""),
            ("FATAL no url", 2, "crashing"),
            ("request served", 2, "")
        ]
    );
    assert_eq!((lines.read, lines.matched), (5, 5));
    assert_eq!(
        lines.notes,
        [
            "no logs of web-5b8f4c9d7-9fjwz/side: ImagePullBackOff: side:1: not found",
            "left out unless container names it: first"
        ]
    );
    let asked = server.requests();
    let asked = asked
        .iter()
        .find(|request| request.path.ends_with("/log"))
        .unwrap();
    assert_eq!(
        (
            asked.query["timestamps"].as_str(),
            asked.query["tailLines"].as_str()
        ),
        ("true", "100")
    );
    // What waits to be started again has told its last run already.
    assert!(lines.next.is_empty(), "{:?}", lines.next);
}

const MAIN: &str = "/api/v1/namespaces/shop/pods/a/log?container=main";

/// A server with a pod `a` whose container says this.
fn alone(state: Value, log: &str) -> Script {
    Script::new()
        .on(
            "GET",
            "/api/v1/namespaces/shop/pods/a",
            pod("a", &[("main", state)]),
        )
        .text("GET", MAIN, 200, log)
}

async fn read_alone(server: &Script, previous: bool) -> Lines {
    let ask = Ask {
        name: Some("a"),
        tail: Some(2),
        previous,
        ..Ask::default()
    };
    read(&server.cx(Access::Read), ask).await.unwrap()
}

#[tokio::test]
async fn a_container_that_runs_again_leads_to_the_run_before() {
    let mut again = running();
    again["restartCount"] = json!(1);
    again["lastState"] = json!({"terminated": {"exitCode": 137}});
    let server = alone(again, "2026-11-23T14:00:01Z up\n");
    let lines = read_alone(&server, false).await;
    assert_eq!(lines.next[0].args.last().unwrap().0, "previous");
    assert_eq!(lines.subject, "Logs of Pod shop/a");
}

#[tokio::test]
async fn a_container_that_its_node_has_lost_has_no_log() {
    let lost = json!({"restartCount": 0, "state": {"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown"}}});
    let mut evicted = pod("a", &[("main", lost)]);
    evicted["status"]["reason"] = json!("Evicted");
    let server = Script::new().on("GET", "/api/v1/namespaces/shop/pods/a", evicted);
    assert_eq!(
        read_alone(&server, false).await.notes[0],
        "no logs of a/main: its node has lost track of it (Evicted)"
    );
}

#[tokio::test]
async fn a_tail_that_may_have_cut_is_told() {
    let two = "2026-11-23T14:00:01Z one\n2026-11-23T14:00:02Z two\n";
    // More than were asked for come where a log is followed.
    for log in [two.to_owned(), format!("{two}2026-11-23T14:00:03Z three\n")] {
        let lines = read_alone(&alone(running(), &log), false).await;
        assert_eq!(lines.subject, "Logs of Pod shop/a, tail 2");
    }
}

#[tokio::test]
async fn a_log_that_the_node_has_removed_is_told_as_such() {
    for said in [
        "unable to retrieve container logs for containerd://0c5a",
        "failed to try resolving symlinks in path \"/var/log/pods/a/0.log\": no such file or directory",
    ] {
        let lines = read_alone(&alone(running(), said), false).await;
        assert!(lines.lines.is_empty(), "{:?}", lines.lines);
        assert_eq!(lines.notes[0], "left out unless container names it: first");
        assert_eq!(lines.notes[1], "a: the node keeps no log of it any more");
    }
}

#[tokio::test]
async fn the_tail_counts_what_matches() {
    let server = shop();
    let cx = server.cx(Access::Read);
    let ask = Ask {
        selector: Some("app=web"),
        include: Some("(?i)error|fatal"),
        tail: Some(1),
        ..Ask::default()
    };
    let lines = read(&cx, ask).await.unwrap();
    let texts: Vec<_> = lines.lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts, ["ERROR slow", "FATAL no url"]);
    assert_eq!((lines.read, lines.matched), (5, 3));
    let ask = Ask {
        selector: Some("app=web"),
        exclude: Some("."),
        ..Ask::default()
    };
    let none = read(&cx, ask).await.unwrap();
    assert!(none.lines.is_empty());
    assert!(
        none.sources.len() == 2 && none.sources[0].name.starts_with("web-"),
        "whose lines did not match is told: {:?}",
        none.sources
    );
}

#[tokio::test]
async fn a_name_that_is_no_pod_may_be_a_workload_and_the_answer_says_so() {
    let server = shop()
        .fails("GET", "/api/v1/namespaces/shop/pods/web", 404, "NotFound", "gone")
        .table("/api/v1/pods", &["Name"], &[])
        .on(
            "GET",
            "/api/v1/namespaces/shop/pods?includeObject=None",
            json!({"kind": "Table", "rows": []}),
        );
    let server = others_missing(server, "web");
    let ask = Ask {
        name: Some("web"),
        ..Ask::default()
    };
    let lines = read(&server.cx(Access::Read), ask).await.unwrap();
    assert_eq!(lines.subject, "Logs of Deployment shop/web, 2 pods");
    assert_eq!(lines.notes[0], "web is no Pod but a Deployment");
}

#[tokio::test]
async fn a_pod_from_before_the_last_rollout_is_told_with_those_of_now() {
    let old = "web-7d9c6bf6d4-2xkqp";
    let server = shop()
        .fails(
            "GET",
            &format!("/api/v1/namespaces/shop/pods/{old}"),
            404,
            "NotFound",
            "gone",
        )
        .table("/api/v1/pods", &["Name"], &[])
        .on(
            "GET",
            "/api/v1/namespaces/shop/pods?includeObject=None",
            json!({"kind": "Table", "rows": []}),
        )
        .on("GET", "/api/v1/namespaces/shop/events", list_of(&[]));
    let server = others_missing(server, "web");
    let mut server = others_missing(server, "web-7d9c6bf6d4");
    for name in [old, "web-7d9c6bf6d4"] {
        server = others_missing(server, name).fails(
            "GET",
            &format!("/apis/apps/v1/namespaces/shop/deployments/{name}"),
            404,
            "NotFound",
            "gone",
        );
    }
    let gone: Error = error(
        read(
            &server.cx(Access::Read),
            Ask {
                name: Some(old),
                ..Ask::default()
            },
        )
        .await,
    );
    assert_eq!(
        gone.message,
        format!(
            "Pod shop/{old} is gone (Deployment web is at revision 9). Its pods now: web-5b8f4c9d7-9fjwz, web-5b8f4c9d7-l4x2v"
        )
    );
    assert_eq!(next(&gone), ["pods.logs kind=Deployment name=web namespace=shop"]);
}

fn others_missing(mut server: Script, name: &str) -> Script {
    for path in [
        "apps/v1/namespaces/shop/statefulsets",
        "apps/v1/namespaces/shop/daemonsets",
        "apps/v1/namespaces/shop/replicasets",
        "batch/v1/namespaces/shop/jobs",
        "batch/v1/namespaces/shop/cronjobs",
    ] {
        server = server.fails("GET", &format!("/apis/{path}/{name}"), 404, "NotFound", "gone");
    }
    server
}

#[tokio::test]
async fn wrong_calls_are_told_what_is_expected() {
    let server = shop();
    let cx = server.cx(Access::Read);
    let message = async |ask| error(read(&cx, ask).await).message;
    assert_eq!(
        message(Ask::default()).await,
        "expected name (of a pod or workload) or selector"
    );
    assert_eq!(
        message(Ask {
            name: Some("a"),
            selector: Some("b=c"),
            ..Ask::default()
        })
        .await,
        "expected name or selector, not both"
    );
    let regex = message(Ask {
        name: Some("a"),
        include: Some("(oops"),
        ..Ask::default()
    })
    .await;
    assert!(
        regex.starts_with("include: cannot read the regular expression \"(oops\": unclosed group"),
        "{regex}"
    );
    assert_eq!(
        message(Ask {
            selector: Some("app=web"),
            container: Some("man"),
            ..Ask::default()
        })
        .await,
        "no container man; did you mean main?; containers: first, main, side"
    );
    let previous = read(
        &cx,
        Ask {
            selector: Some("app=web"),
            previous: true,
            ..Ask::default()
        },
    )
    .await
    .unwrap();
    assert!(
        previous
            .notes
            .contains(&"never restarted: web-5b8f4c9d7-9fjwz/side, web-5b8f4c9d7-l4x2v/main".to_owned()),
        "{:?}",
        previous.notes
    );
}
