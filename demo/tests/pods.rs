//! What becomes of pods on a node.

mod support;

use std::time::Duration;

use kube_mcp_demo::Cluster;
use serde_json::{Value, json};
use support::{edit, get, items, make, must, pod, script, shop_of, told};

const PODS: &str = "/api/v1/namespaces/shop/pods";

async fn advance(cluster: &Cluster, name: &str, seconds: u64) -> Value {
    cluster.advance(Duration::from_secs(seconds));
    get(cluster, &format!("{PODS}/{name}")).await["status"].clone()
}

/// The status of each condition.
fn conditions(status: &Value) -> String {
    let conditions = status["conditions"].as_array().expect("conditions");
    let told = conditions.iter().map(|condition| {
        let told = format!(
            "{}={}",
            condition["type"].as_str().expect("a type"),
            condition["status"].as_str().expect("a status")
        );
        condition["reason"]
            .as_str()
            .map_or(told.clone(), |reason| format!("{told}({reason})"))
    });
    told.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_pod_comes_up_and_stays() {
    let cluster = shop_of("[]").await;
    pod(
        &cluster,
        "web",
        script("echo hello; exec sleep 100000"),
        json!({}),
    )
    .await;
    let web = advance(&cluster, "web", 0).await;
    assert_eq!(web["phase"], "Pending");
    assert_eq!(
        web["containerStatuses"][0]["state"]["waiting"]["reason"],
        "ContainerCreating"
    );
    assert_eq!(
        conditions(&web),
        "PodReadyToStartContainers=False Initialized=True Ready=False(ContainersNotReady) \
         ContainersReady=False(ContainersNotReady) PodScheduled=True"
    );
    let web = advance(&cluster, "web", 3).await;
    assert_eq!(
        (&web["phase"], &web["podIP"]),
        (&json!("Running"), &json!("10.244.1.2"))
    );
    assert_eq!(
        conditions(&web),
        "PodReadyToStartContainers=True Initialized=True Ready=True ContainersReady=True PodScheduled=True"
    );
    let next = cluster.settle().map(|next| next.to_string());
    assert_eq!(
        next.as_deref(),
        Some("2026-01-01T01:00:00Z"),
        "nothing is to do until the first event is old"
    );
    let told = told(&cluster, "Pod").await;
    let [scheduled, pulling, pulled, created, started] = told.as_slice() else {
        panic!("{told:#?}");
    };
    assert_eq!(scheduled, "Scheduled Successfully assigned shop/web to node-1");
    assert_eq!(pulling, "Pulling Pulling image \"busybox\"");
    assert!(pulled.starts_with(
        "Pulled Successfully pulled image \"busybox\" in 900ms (900ms including waiting). Image size: "
    ));
    assert_eq!(
        (created.as_str(), started.as_str()),
        ("Created Container created", "Started Container started")
    );
}

/// The state of the container, its restarts, and what it waits for.
fn state(status: &Value) -> String {
    let container = &status["containerStatuses"][0];
    let (name, state) = container["state"]
        .as_object()
        .and_then(|state| state.iter().next())
        .expect("a state");
    let reason = state["reason"].as_str().unwrap_or_default();
    format!("{name} {reason} {}", container["restartCount"])
}

#[tokio::test]
async fn the_status_tells_what_a_container_mounts_and_has() {
    let cluster = shop_of("[]").await;
    let mut container = script("sleep 100");
    container["resources"] = json!({"requests": {"cpu": "10m"}, "limits": {"memory": "16Mi"}});
    pod(&cluster, "sized", container, json!({})).await;
    let status = advance(&cluster, "sized", 5).await;
    let main = &status["containerStatuses"][0];
    assert_eq!(main["resources"]["limits"], json!({"memory": "16Mi"}), "{status}");
    assert_eq!(main["allocatedResources"]["cpu"], "10m", "{status}");
    let mount = &main["volumeMounts"][0];
    let place = "/var/run/secrets/kubernetes.io/serviceaccount";
    assert_eq!(
        (&mount["mountPath"], &mount["recursiveReadOnly"]),
        (&json!(place), &json!("Disabled")),
        "{status}"
    );
    assert_eq!(
        status["resources"]["limits"],
        json!({"memory": "16Mi"}),
        "{status}"
    );
}

#[tokio::test]
async fn a_container_that_crashes_is_restarted_ever_later() {
    let cluster = shop_of("[]").await;
    pod(
        &cluster,
        "crash",
        script("echo hello; sleep 1; exit 3"),
        json!({}),
    )
    .await;
    // It comes up after 1.9 s, and runs for one.
    let mut states = vec![];
    for seconds in 0..400 {
        let state = state(&advance(&cluster, "crash", 1).await);
        if states.last().is_none_or(|(_, last)| *last != state) {
            states.push((seconds, state));
        }
    }
    let states: Vec<_> = states
        .iter()
        .map(|(at, state)| format!("{at}: {state}"))
        .collect();
    assert_eq!(
        states.join(", "),
        "0: waiting ContainerCreating 0, 1: running  0, 2: terminated Error 0, 3: running  1, \
         4: terminated Error 1, \
         13: waiting CrashLoopBackOff 1, 14: running  2, 15: terminated Error 2, 34: waiting CrashLoopBackOff 2, \
         35: running  3, 36: terminated Error 3, 75: waiting CrashLoopBackOff 3, 76: running  4, 77: terminated Error 4, \
         147: waiting CrashLoopBackOff 4, 157: running  5, 158: terminated Error 5, 228: waiting CrashLoopBackOff 5, \
         318: running  6, 319: terminated Error 6, 389: waiting CrashLoopBackOff 6"
    );
    let crash = advance(&cluster, "crash", 0).await;
    let container = &crash["containerStatuses"][0];
    let uid = get(&cluster, &format!("{PODS}/crash")).await["metadata"]["uid"].clone();
    let message = format!(
        "back-off 5m0s restarting failed container=main pod=crash_shop({})",
        uid.as_str().expect("a uid")
    );
    assert_eq!(container["state"]["waiting"]["message"], json!(message));
    assert_eq!(container["lastState"]["terminated"]["exitCode"], 3);
    assert_eq!(crash["phase"], "Running");
    let events = items(&cluster, "/api/v1/namespaces/shop/events").await;
    let of = |reason: &str| {
        events
            .iter()
            .find(|event| event["reason"] == reason)
            .expect("an event")["count"]
            .clone()
    };
    assert_eq!((of("Started"), of("BackOff")), (json!(7), json!(6)));
    // Who ran for ten minutes begins anew.
    pod(&cluster, "long", script("sleep 700; exit 1"), json!({})).await;
    let long = advance(&cluster, "long", 1410).await;
    assert_eq!(state(&long), "running  2");
}

#[tokio::test]
async fn an_image_that_cannot_be_pulled_is_asked_for_ever_later() {
    let cluster = shop_of("[]").await;
    pod(
        &cluster,
        "no",
        json!({"image": "registry.example.com/shop/x:1"}),
        json!({}),
    )
    .await;
    let no = advance(&cluster, "no", 2).await;
    assert_eq!(state(&no), "waiting ErrImagePull 0");
    let no = advance(&cluster, "no", 2).await;
    assert_eq!(
        no["containerStatuses"][0]["state"]["waiting"],
        json!({
            "reason": "ImagePullBackOff",
            "message": "Back-off pulling image \"registry.example.com/shop/x:1\": ErrImagePull: rpc error: code = NotFound \
                desc = failed to pull and unpack image \"registry.example.com/shop/x:1\": failed to resolve reference \
                \"registry.example.com/shop/x:1\": registry.example.com/shop/x:1: not found",
        })
    );
    advance(&cluster, "no", 300).await;
    let events = items(&cluster, "/api/v1/namespaces/shop/events").await;
    let pulls = events
        .iter()
        .find(|event| event["reason"] == "Pulling")
        .expect("an event");
    assert_eq!(pulls["count"], 5, "after 0, 10, 20, 40 and 80 seconds");
    assert_eq!(pulls["involvedObject"]["fieldPath"], "spec.containers{main}");
    assert_eq!(pulls["source"], json!({"component": "kubelet", "host": "node-1"}));
    // Another image is tried at once, and once more when it changes again.
    edit(&cluster, &format!("{PODS}/no"), |pod| {
        pod["spec"]["containers"][0]["image"] = json!("web:1")
    })
    .await;
    assert_eq!(state(&advance(&cluster, "no", 2).await), "running  0");
    edit(&cluster, &format!("{PODS}/no"), |pod| {
        pod["spec"]["containers"][0]["image"] = json!("web:2")
    })
    .await;
    let no = advance(&cluster, "no", 3).await;
    assert_eq!(
        (state(&no).as_str(), &no["containerStatuses"][0]["image"]),
        ("running  1", &json!("docker.io/library/web:2"))
    );
}

#[tokio::test]
async fn what_a_pod_needs_is_waited_for() {
    let cluster = shop_of("[]").await;
    let of = |kind: &str, name: &str| json!({"name": "X", "valueFrom": {kind: {"name": name, "key": "x"}}});
    let mut container = script("echo $X; sleep 1000");
    container["env"] = json!([of("configMapKeyRef", "settings")]);
    pod(&cluster, "env", container, json!({})).await;
    let volumes = json!({"volumes": [{"name": "v", "secret": {"secretName": "login"}}]});
    pod(&cluster, "volume", script("sleep 1000"), volumes).await;
    let env = advance(&cluster, "env", 5).await;
    assert_eq!(
        env["containerStatuses"][0]["state"]["waiting"],
        json!({"reason": "CreateContainerConfigError", "message": "configmap \"settings\" not found"})
    );
    assert_eq!(
        state(&advance(&cluster, "volume", 0).await),
        "waiting ContainerCreating 0"
    );
    let told = told(&cluster, "Pod").await;
    assert!(told.contains(
        &"FailedMount MountVolume.SetUp failed for volume \"v\" : secret \"login\" not found".into()
    ));
    assert!(told.contains(&"Failed Error: configmap \"settings\" not found".into()));
    let object = |kind: &str, name: &str| json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "data": {"x": "eA=="}});
    make(
        &cluster,
        "/api/v1/namespaces/shop/configmaps",
        object("ConfigMap", "settings"),
    )
    .await;
    make(
        &cluster,
        "/api/v1/namespaces/shop/secrets",
        object("Secret", "login"),
    )
    .await;
    assert_eq!(state(&advance(&cluster, "env", 3).await), "running  0");
    assert_eq!(state(&advance(&cluster, "volume", 0).await), "running  0");
}

#[tokio::test]
async fn probes_and_limits_are_what_the_image_tells() {
    let cluster = shop_of(
        "- {image: slow, ready: {after: 12s, message: not yet}}\n\
         - {image: sick, live: {after: never, message: sick}}\n\
         - {image: leak, usage: {memory: 64Mi, grows: 64Mi}}\n",
    )
    .await;
    let probe = json!({"httpGet": {"port": 80}, "periodSeconds": 5, "failureThreshold": 2});
    pod(
        &cluster,
        "slow",
        json!({"image": "slow:1", "readinessProbe": probe}),
        json!({}),
    )
    .await;
    pod(
        &cluster,
        "sick",
        json!({"image": "sick", "livenessProbe": probe}),
        json!({}),
    )
    .await;
    pod(
        &cluster,
        "leak",
        json!({"image": "leak", "resources": {"limits": {"memory": "128Mi"}}}),
        json!({}),
    )
    .await;
    pod(
        &cluster,
        "slow2",
        json!({"image": "slow", "readinessProbe": probe}),
        json!({}),
    )
    .await;
    let slow = advance(&cluster, "slow2", 16).await;
    assert_eq!(
        (
            slow["containerStatuses"][0]["ready"].as_bool(),
            state(&slow).as_str()
        ),
        (Some(false), "running  0")
    );
    let slow = advance(&cluster, "slow2", 1).await;
    assert_eq!(
        slow["containerStatuses"][0]["ready"], true,
        "at the probe after 15 s"
    );
    assert!(
        told(&cluster, "Pod")
            .await
            .contains(&"Unhealthy Readiness probe failed: not yet".into())
    );
    assert_eq!(
        state(&advance(&cluster, "sick", 20).await),
        "terminated Completed 2",
        "after two failures each time"
    );
    let leak = advance(&cluster, "leak", 30).await;
    let last = &leak["containerStatuses"][0]["lastState"]["terminated"];
    assert_eq!(
        (&last["reason"], &last["exitCode"]),
        (&json!("OOMKilled"), &json!(137))
    );
}

#[tokio::test]
async fn a_pod_has_the_time_to_end_that_it_asks_for() {
    let cluster = shop_of("- {image: web, stop: {takes: 4s}}").await;
    pod(&cluster, "web", json!({"image": "web"}), json!({})).await;
    pod(
        &cluster,
        "deaf",
        script("exec sleep 1000"),
        json!({"terminationGracePeriodSeconds": 7}),
    )
    .await;
    advance(&cluster, "web", 5).await;
    for name in ["web", "deaf"] {
        must(&cluster, "DELETE", &format!("{PODS}/{name}"), Value::Null).await;
    }
    cluster.advance(Duration::from_secs(3));
    assert_eq!(items(&cluster, PODS).await.len(), 2);
    cluster.advance(Duration::from_secs(1));
    assert_eq!(items(&cluster, PODS).await.len(), 1, "it took 4 s");
    cluster.advance(Duration::from_secs(3));
    assert_eq!(items(&cluster, PODS).await.len(), 0, "it was killed");
    assert!(
        told(&cluster, "Pod")
            .await
            .contains(&"Killing Stopping container main".into())
    );
}

#[tokio::test]
async fn containers_that_come_first_come_first() {
    let cluster = shop_of("[]").await;
    let mut first = script("sleep 5");
    first["name"] = json!("first");
    let inits = json!({"initContainers": [first], "restartPolicy": "Never"});
    pod(&cluster, "job", script("sleep 3; exit 2"), inits).await;
    let job = advance(&cluster, "job", 4).await;
    assert_eq!(state(&job), "waiting PodInitializing 0");
    assert!(conditions(&job).contains("Initialized=False(ContainersNotInitialized)"));
    let job = advance(&cluster, "job", 5).await;
    assert_eq!(
        (state(&job).as_str(), &job["initContainerStatuses"][0]["ready"]),
        ("running  0", &json!(true))
    );
    let job = advance(&cluster, "job", 40).await;
    assert_eq!(job["phase"], "Failed");
    assert!(conditions(&job).contains("Ready=False(PodFailed)"));
}
