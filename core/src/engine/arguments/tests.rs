//! The likeliest mistakes, and what becomes of them.

use serde_json::{Map, Value, json};

use super::{Accepted, accept};
use crate::{
    call::{Access, Operation, Reach},
    engine::{
        api::ListedTool,
        surface::{Invoke, Param, ParamKind, Step, Tool},
        tests::{self, map, operation},
    },
    output::OutputKind,
};

const fn param(name: &'static str, kind: ParamKind) -> Param {
    Param {
        kind,
        ..tests::param(name, false)
    }
}

const fn required(name: &'static str) -> Param {
    Param {
        required: true,
        ..param(name, ParamKind::String)
    }
}

static OPERATION: Operation = Operation {
    reach: Reach::Cluster,
    output: OutputKind::Table,
    paged: true,
    ..operation("test.list", Access::Read)
};

static STEP: Step = tests::step(
    "",
    &OPERATION,
    &[],
    Invoke::Cluster(|_, _| Box::pin(async { Err(crate::Error::internal("not run").into()) })),
);

fn listed(params: &'static [Param], access: Access) -> ListedTool {
    let tool = Tool {
        offer: &["output", "fields", "where", "sort"],
        ..tests::tool("things", params, std::slice::from_ref(&STEP), None)
    };
    let mut properties = json!({"output": {}, "fields": {}, "where": {}, "sort": {}, "cursor": {}});
    if access > Access::Read {
        properties["dry_run"] = json!({});
        properties["confirm"] = json!({});
    }
    let schema = map(json!({"properties": properties}));
    ListedTool {
        tool: Box::leak(Box::new(tool)),
        access,
        schema: schema.into(),
    }
}

static LIST: &[Param] = &[
    param("kind", ParamKind::String),
    param("name", ParamKind::String),
    param("namespace", ParamKind::String),
    param("selector", ParamKind::String),
    param("field_selector", ParamKind::String),
    param("since", ParamKind::String),
    param("include", ParamKind::String),
    Param {
        choices: &["Pod", "Node"],
        ..param("level", ParamKind::String)
    },
    Param {
        minimum: Some(1.0),
        maximum: Some(1000.0),
        ..param("limit", ParamKind::Integer)
    },
    Param {
        minimum: Some(0.0),
        ..param("tail", ParamKind::Integer)
    },
    param("timeout", ParamKind::Integer),
    param("previous", ParamKind::Boolean),
    param("labels", ParamKind::Strings),
    param("command", ParamKind::Strings),
    param("manifest", ParamKind::String),
];

fn read(given: Value) -> Result<Accepted, String> {
    accept(&listed(LIST, Access::Read), map(given)).map_err(|misfit| misfit.into_error().message)
}

fn change(given: Value) -> Result<Accepted, String> {
    accept(&listed(LIST, Access::Write), map(given)).map_err(|misfit| misfit.into_error().message)
}

fn values(given: Value) -> Value {
    Value::Object(read(given).unwrap().values)
}

#[test]
fn names_of_kubectl_the_api_and_peers_are_accepted() {
    assert_eq!(
        values(
            json!({"labelSelector": "app=web", "podName": "web-1", "tailLines": "200", "sinceSeconds": 900,
                      "grep": "error", "ns": "shop"})
        ),
        json!({"selector": "app=web", "name": "web-1", "tail": 200, "since": "900s", "include": "error",
               "namespace": "shop"})
    );
    assert_eq!(
        read(json!({"context": "prod"}))
            .unwrap()
            .reserved
            .cluster
            .as_deref(),
        Some("prod")
    );
    assert!(change(json!({"dryRun": "server"})).unwrap().reserved.dry_run);
}

#[test]
fn all_namespaces_is_never_dropped_in_silence() {
    // What a list does by itself; a change names one.
    for all in [json!({"allNamespaces": true}), json!({"namespace": "all"})] {
        assert_eq!(values(all.clone()), json!({}));
        assert_eq!(
            change(all).unwrap_err(),
            "namespace: a change needs one namespace"
        );
    }
    assert_eq!(values(json!({"all_namespaces": false})), json!({}));
    let error = read(json!({"all_namespaces": true, "namespace": "shop"})).unwrap_err();
    assert!(error.starts_with("namespace is given twice"), "{error}");
}

#[test]
fn an_api_version_pins_the_group() {
    assert_eq!(
        values(json!({"apiVersion": "apps/v1", "kind": "Deployment"})),
        json!({"kind": "Deployment.apps"})
    );
    assert_eq!(
        values(json!({"kind": "Pod", "apiVersion": "v1"})),
        json!({"kind": "Pod"})
    );
    assert_eq!(
        values(json!({"kind": "Ingress", "apiVersion": "extensions/v1beta1"})),
        json!({"kind": "Ingress.extensions"}),
        "which group serves it now is the cluster's to say"
    );
    for (kind, expected) in [
        ("apps/v1/Deployment", "Deployment.apps"),
        ("apps/Deployment", "Deployment.apps"),
        ("apps/v1, Kind=Deployment", "Deployment.apps"),
        ("v1/pods", "pods"),
        ("pods/v1", "pods/v1"),
        ("widgets.example.com/v1", "widgets.example.com/v1"),
    ] {
        assert_eq!(values(json!({"kind": kind})), json!({"kind": expected}));
    }
    assert_eq!(
        values(json!({"kind": "deployment/web"})),
        json!({"kind": "deployment", "name": "web"})
    );
    assert_eq!(
        values(json!({"kind": "deployment/web", "name": "web"})),
        json!({"kind": "deployment/web", "name": "web"})
    );
}

#[test]
fn a_slash_in_a_name_says_kind_or_namespace() {
    assert_eq!(
        values(json!({"name": "deployment/web"})),
        json!({"name": "web", "kind": "deployment"})
    );
    assert_eq!(
        values(json!({"name": "shop/web"})),
        json!({"name": "web", "namespace": "shop"})
    );
    assert_eq!(
        values(json!({"service": "checkout"})),
        json!({"name": "checkout", "kind": "service"})
    );
    assert!(
        read(json!({"name": "deployment/web", "kind": "Service"}))
            .unwrap_err()
            .contains("kind says Service")
    );
    assert!(
        change(json!({"name": "shop/web"}))
            .unwrap_err()
            .contains("name=web namespace=shop")
    );
}

#[test]
fn the_right_value_in_the_wrong_type_is_read() {
    assert_eq!(
        values(
            json!({"limit": "50", "previous": "true", "timeout": "90s", "level": "nodes", "since": 3600,
                      "labels": "[\"a=1\"]", "name": null, "namespace": ""})
        ),
        json!({"limit": 50, "previous": true, "timeout": 90, "level": "Node", "since": "3600s", "labels": ["a=1"]})
    );
    assert_eq!(values(json!({"limit": 5000})), json!({"limit": 1000}));
    assert_eq!(
        values(json!({"labels": {"A": 1, "B": null}})),
        json!({"labels": ["A=1", "B-"]})
    );
}

#[test]
fn what_does_not_fit_is_told_with_what_was_expected() {
    assert_eq!(
        read(json!({"limit": "many"})).unwrap_err(),
        "limit: expected an integer, found \"many\""
    );
    assert_eq!(
        read(json!({"tail": -1})).unwrap_err(),
        "tail: expected at least 0, found -1"
    );
    assert_eq!(
        read(json!({"level": "Job"})).unwrap_err(),
        "level: expected one of Pod, Node, found Job"
    );
    assert!(
        read(json!({"since": "1h", "sinceSeconds": 60}))
            .unwrap_err()
            .contains("given twice")
    );
}

#[test]
fn selectors_are_read_as_they_are_written() {
    assert_eq!(
        values(json!({"label_selector": {"app": "web", "tier": "x"}})),
        json!({"selector": "app=web,tier=x"})
    );
    assert_eq!(
        values(json!({"selector": {"matchLabels": {"app": "web"}}})),
        json!({"selector": "app=web"})
    );
    assert_eq!(
        values(json!({"selector": "app: web"})),
        json!({"selector": "app=web"})
    );
    assert_eq!(
        values(json!({"selector": "env in (a,b)"})),
        json!({"selector": "env in (a,b)"})
    );
    assert_eq!(
        values(json!({"selector": "app=web,status.phase=Running"})),
        json!({"selector": "app=web", "field_selector": "status.phase=Running"})
    );
}

#[test]
fn documents_are_read_from_objects_and_fences_but_not_from_files() {
    assert_eq!(
        values(json!({"manifest": {"kind": "ConfigMap"}})),
        json!({"manifest": "{\"kind\":\"ConfigMap\"}"})
    );
    assert_eq!(
        values(json!({"manifest": "```yaml\nkind: ConfigMap\n```"})),
        json!({"manifest": "kind: ConfigMap"})
    );
    assert!(
        read(json!({"manifest": "./app.yaml"}))
            .unwrap_err()
            .contains("the server reads no files")
    );
}

#[test]
fn a_command_is_split_only_where_no_shell_is_needed() {
    assert_eq!(
        values(json!({"cmd": "ls -l \"/tmp/a b\""})),
        json!({"command": ["ls", "-l", "/tmp/a b"]})
    );
    let error = read(json!({"command": "ps aux | grep java"})).unwrap_err();
    assert!(error.contains(r#"["sh","-c","ps aux | grep java"]"#), "{error}");
    let error = read(json!({"command": "kubectl get pods | grep web"})).unwrap_err();
    assert!(error.contains("kubectl is not there"), "{error}");
}

#[test]
fn an_unknown_argument_is_told_with_the_nearest_and_all() {
    let error = change(json!({"dryrn": true})).unwrap_err();
    assert!(
        error.starts_with("unknown argument dryrn; did you mean dry_run?; things takes kind, name"),
        "{error}"
    );
}

#[test]
fn what_is_no_code_does_not_confirm() {
    assert_eq!(change(json!({"confirm": true})).unwrap().reserved.confirm, None);
    assert_eq!(change(json!({"confirm": "yes"})).unwrap().reserved.confirm, None);
    assert_eq!(
        change(json!({"confirm": "m3-9TQX"}))
            .unwrap()
            .reserved
            .confirm
            .as_deref(),
        Some("m3-9TQX")
    );
}

#[test]
fn required_and_defaulted_parameters() {
    static PARAMS: &[Param] = &[
        required("kind"),
        Param {
            default: Some("100"),
            ..param("limit", ParamKind::Integer)
        },
    ];
    let error = accept(&listed(PARAMS, Access::Read), Map::new())
        .unwrap_err()
        .into_error();
    assert_eq!(error.message, "things needs kind");
    let accepted = accept(&listed(PARAMS, Access::Read), map(json!({"kind": "Pod"}))).unwrap();
    assert_eq!(
        Value::Object(accepted.values),
        json!({"kind": "Pod", "limit": 100})
    );
}
