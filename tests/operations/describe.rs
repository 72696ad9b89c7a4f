//! An object with its surroundings: the owners above, the children below, what it needs and what refers to it, what
//! happened.

use serde_json::json;

use crate::{
    Trials, ensure, facts,
    kubectl::{eventually, items, kubectl, kubectl_with},
    stage::Stage,
};

pub(crate) const TRIALS: Trials = &[
    (
        "children_of_a_crashing_deployment",
        children_of_a_crashing_deployment,
    ),
    ("owners_of_a_pod", owners_of_a_pod),
    ("healthy_deployment", healthy_deployment),
    ("failed_job", failed_job),
    ("pod_without_a_node", pod_without_a_node),
    ("custom_resource", custom_resource),
    ("absent", absent),
    ("needs_of_a_deployment", needs_of_a_deployment),
    ("referrers_of_a_deployment", referrers_of_a_deployment),
    ("endpoints_of_a_service", endpoints_of_a_service),
    ("services_of_an_ingress", services_of_an_ingress),
    ("users_of_settings_and_accounts", users_of_settings_and_accounts),
    ("claim_without_a_class", claim_without_a_class),
    ("bounds_of_an_autoscaler", bounds_of_an_autoscaler),
    ("containers_of_a_pod", containers_of_a_pod),
    ("requests_of_a_node", requests_of_a_node),
    ("an_image_that_cannot_be_had", an_image_that_cannot_be_had),
    ("what_says_little_of_itself", what_says_little_of_itself),
    ("what_keeps_an_object_from_going", what_keeps_an_object_from_going),
    ("parts_that_are_forbidden", parts_that_are_forbidden),
];

fn describe(stage: &Stage, kind: &str, name: &str) -> Result<String, String> {
    stage.ask(
        "resources_describe",
        &json!({"kind": kind, "name": name, "namespace": stage.namespace}),
    )
}

/// Fails unless the text holds all of these.
fn says(text: &str, words: &[&str]) -> Result<(), String> {
    match words.iter().find(|word| !text.contains(**word)) {
        Some(word) => Err(format!("{word:?} is not said in:\n{text}")),
        None => Ok(()),
    }
}

fn children_of_a_crashing_deployment(stage: &Stage) -> Result<(), String> {
    eventually(40, || {
        let pod = stage.pod_of("crash")?;
        let sets = facts::names("replicasets", &["-n", &stage.namespace, "-l", "app=crash"])?;
        let pods = facts::pods(&stage.namespace)?;
        let crashing = pods
            .iter()
            .find(|facts| facts.name == pod)
            .ok_or("the pod is gone")?;
        let text = describe(stage, "deploy", "crash")?;
        says(
            &text,
            &[
                "Deployment",
                "crash",
                "0/1",
                "ReplicaSet",
                &sets[0],
                &pod,
                &crashing.status,
            ],
        )?;
        let line = text.lines().find(|line| line.contains(&pod)).unwrap_or_default();
        let restarts = crashing.restarts.to_string();
        ensure!(
            line.contains(&restarts),
            "{restarts} restarts are not in {line:?}"
        );
        says(
            &text,
            &["ScalingReplicaSet", "\nNext: pods_logs ", "previous=true"],
        )
    })
}

fn owners_of_a_pod(stage: &Stage) -> Result<(), String> {
    let pod = stage.pod_of("web")?;
    let sets = facts::names("replicasets", &["-n", &stage.namespace, "-l", "app=web"])?;
    let text = describe(stage, "pod", &pod)?;
    says(&text, &["Pod", "Running", &sets[0]])?;
    let heading = text.lines().next().unwrap_or_default();
    ensure!(heading.contains(&pod), "the pod does not lead: {heading}");
    let owners = text
        .lines()
        .find(|line| line.starts_with("Owner"))
        .unwrap_or_default();
    ensure!(
        owners.contains("ReplicaSet") && owners.contains("Deployment web"),
        "the owners have no line of their own:\n{text}"
    );
    Ok(())
}

fn healthy_deployment(stage: &Stage) -> Result<(), String> {
    let text = describe(stage, "deployment", "web")?;
    let pods = facts::names("pods", &["-n", &stage.namespace, "-l", "app=web"])?;
    let counted = format!("3/3 ready; {} pods Running", pods.len());
    says(&text, &["Deployment", "3 of 3 ready", &counted])
}

fn failed_job(stage: &Stage) -> Result<(), String> {
    let pod = stage.pod_of("migrate")?;
    says(
        &describe(stage, "job", "migrate")?,
        &[
            "Job",
            "migrate",
            &pod,
            "Error",
            "BackoffLimitExceeded",
            "1 failed",
            "\nNext: pods_logs kind=Job name=migrate namespace=",
        ],
    )
}

fn pod_without_a_node(stage: &Stage) -> Result<(), String> {
    says(
        &describe(stage, "po", "too-large")?,
        &["Pending", "FailedScheduling", "Insufficient cpu"],
    )
}

fn custom_resource(stage: &Stage) -> Result<(), String> {
    let kind = format!("spr-{}", stage.run);
    says(
        &describe(stage, &kind, "middling")?,
        &["Sprocket", "middling", &stage.namespace],
    )
}

fn absent(stage: &Stage) -> Result<(), String> {
    let arguments = json!({"kind": "pod", "name": "nobody", "namespace": stage.namespace});
    let error = stage.refused("resources_describe", &arguments)?;
    says(&error, &["nobody", &stage.namespace])
}

/// The line that starts so.
fn line<'t>(text: &'t str, start: &str) -> Result<&'t str, String> {
    text.lines()
        .find(|line| line.starts_with(start))
        .ok_or_else(|| format!("no line {start:?} in:\n{text}"))
}

fn needs_of_a_deployment(stage: &Stage) -> Result<(), String> {
    let text = describe(stage, "deploy", "web")?;
    let uses = line(&text, "Uses: ")?;
    says(
        uses,
        &[
            "ConfigMap settings",
            "Secret login",
            "Secret absent (missing, image pull)",
            "Secret maybe (missing, optional)",
            "ServiceAccount web",
        ],
    )?;
    ensure!(!uses.contains("settings ("), "settings exist: {uses}");
    Ok(())
}

fn referrers_of_a_deployment(stage: &Stage) -> Result<(), String> {
    eventually(60, || {
        let autoscaler = stage.object("hpa", "web")?;
        let now = autoscaler["status"]["currentReplicas"].as_u64().unwrap_or(0);
        let allowed = stage.object("pdb", "web")?["status"]["disruptionsAllowed"].to_string();
        let text = describe(stage, "deploy", "web")?;
        let used = line(&text, "Used by: ")?;
        says(
            used,
            &[
                "Service web (3 of 3 endpoints ready)",
                "Ingress shop (shop.example.com/web)",
                &format!("HorizontalPodAutoscaler web (3 to 4, now {now}"),
                &format!("PodDisruptionBudget web ({allowed} disruption"),
            ],
        )?;
        ensure!(
            !used.contains("lonely"),
            "what selects other pods is told: {used}"
        );
        Ok(())
    })
}

fn endpoints_of_a_service(stage: &Stage) -> Result<(), String> {
    eventually(40, || {
        let slices = items(&[
            "get",
            "endpointslices",
            "-n",
            &stage.namespace,
            "-l",
            "kubernetes.io/service-name=web",
        ])?;
        let endpoints = slices
            .iter()
            .filter_map(|slice| slice["endpoints"].as_array())
            .flatten();
        let (all, ready) = endpoints.fold((0, 0), |(all, ready), endpoint| {
            (
                all + 1,
                ready + usize::from(endpoint["conditions"]["ready"] == true),
            )
        });
        let said = format!("Deployment web ({ready} of {all} endpoints ready)");
        says(&describe(stage, "svc", "web")?, &["80->8080", "app=web", &said])
    })?;
    says(
        &describe(stage, "svc", "lonely")?,
        &["its selector app=lonely matches no pod"],
    )
}

fn services_of_an_ingress(stage: &Stage) -> Result<(), String> {
    says(
        &describe(stage, "ingress", "shop")?,
        &[
            "shop.example.com/web -> web:80",
            "Service lost (missing",
            "Secret shop-tls (missing, TLS)",
        ],
    )
}

fn users_of_settings_and_accounts(stage: &Stage) -> Result<(), String> {
    let settings = describe(stage, "cm", "settings")?;
    let greeting = format!("GREETING ({} bytes)", format!("hello from {}", stage.run).len());
    says(&settings, &["Deployment web (env, volume)", &greeting])?;
    let login = describe(stage, "secret", "login")?;
    says(
        &login,
        &["type Opaque", "Deployment web (env)", "password (", "bytes)"],
    )?;
    says(&describe(stage, "cm", "paint")?, &["Used by: no pod"])?;
    says(
        &describe(stage, "sa", "web")?,
        &["Deployment web", "RoleBinding web (Role reader)"],
    )?;
    says(&describe(stage, "pdb", "web")?, &["selector: app=web"])?;
    says(
        &describe(stage, "rolebinding", "web")?,
        &["Role reader", "ServiceAccount web"],
    )
}

fn claim_without_a_class(stage: &Stage) -> Result<(), String> {
    says(
        &describe(stage, "pvc", "data")?,
        &["Pending", "1Gi requested", "StorageClass no-such-class (missing)"],
    )
}

fn bounds_of_an_autoscaler(stage: &Stage) -> Result<(), String> {
    says(
        &describe(stage, "hpa", "web")?,
        &["3 to 4 replicas", "target 80%", "Uses: Deployment web"],
    )
}

fn containers_of_a_pod(stage: &Stage) -> Result<(), String> {
    let pod = stage.pod_of("web")?;
    let object = stage.object("pod", &pod)?;
    let text = describe(stage, "pod", &pod)?;
    says(
        &text,
        &[
            &format!("node {}", facts::text(&object["spec"]["nodeName"])),
            &format!("IP {}", facts::text(&object["status"]["podIP"])),
            "container web (busybox): running",
            "container sidecar",
            "Service web (",
        ],
    )
}

fn requests_of_a_node(stage: &Stage) -> Result<(), String> {
    let node = facts::names("nodes", &[])?.into_iter().next().ok_or("no node")?;
    eventually(40, || {
        let selector = format!("spec.nodeName={node},status.phase!=Succeeded,status.phase!=Failed");
        let pods = items(&["get", "pods", "-A", "--field-selector", &selector])?;
        let text = stage.ask("resources_describe", &json!({"kind": "node", "name": node}))?;
        says(
            &text,
            &["Ready", &format!("pods {} of ", pods.len()), "requests: cpu "],
        )
    })
}

/// Why it cannot be had is told once, and not that it was tried again.
fn an_image_that_cannot_be_had(stage: &Stage) -> Result<(), String> {
    eventually(40, || {
        let all = json!({"kind": "Pod", "name": "no-image", "namespace": stage.namespace});
        let all = stage.ask("events_list", &all)?;
        says(&all, &["Error: ErrImagePull", "\tNormal\tBackOff\t"])?;
        let text = describe(stage, "pod", "no-image")?;
        says(&text, &["\tFailed to pull image "])?;
        ensure!(
            !text.contains("\tError: ") && !text.contains("\tBackOff\t"),
            "{text}"
        );
        Ok(())
    })
}

fn what_says_little_of_itself(stage: &Stage) -> Result<(), String> {
    let class = json!({"kind": "priorityclass", "name": "system-node-critical"});
    says(
        &stage.ask("resources_describe", &class)?,
        &["in full: resources_get kind=PriorityClass name=system-node-critical\n"],
    )
}

fn what_keeps_an_object_from_going(stage: &Stage) -> Result<(), String> {
    for (kind, spec, state) in [
        ("ConfigMap", "data: {}", ": Terminating"),
        ("Service", "spec: {ports: [{port: 80}]}", ""),
    ] {
        let held = format!(
            "apiVersion: v1\nkind: {kind}\nmetadata: {{name: held, namespace: {}, finalizers: [example.com/hold]}}\n{spec}\n",
            stage.namespace
        );
        kubectl_with(&["apply", "-f", "-"], &held)?;
        let of_namespace = ["-n", &stage.namespace];
        kubectl(&[&of_namespace[..], &["delete", kind, "held", "--wait=false"]].concat())?;
        let text = describe(stage, kind, "held");
        let let_go = [
            "patch",
            kind,
            "held",
            "--type=merge",
            "-p",
            r#"{"metadata":{"finalizers":null}}"#,
        ];
        kubectl(&[&of_namespace[..], &let_go].concat())?;
        let why = format!("held{state}: waits for its finalizers: example.com/hold");
        says(&text?, &[&why])?;
    }
    Ok(())
}

/// A user who may read pods only is told what could not be read, and gets the rest.
fn parts_that_are_forbidden(stage: &Stage) -> Result<(), String> {
    let pod = stage.pod_of("web")?;
    let mut server = stage.server(crate::stage::Contexts::Reader, &[])?;
    let arguments = json!({"kind": "pod", "name": pod, "namespace": stage.namespace});
    let answer = server.call("resources_describe", &arguments)?;
    ensure!(!answer.is_error, "it failed as a whole: {}", answer.text);
    says(
        &answer.text,
        &[
            "Running",
            "Used by: not allowed to list services, poddisruptionbudgets.policy\n",
        ],
    )
}
