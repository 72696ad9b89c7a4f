//! Whole packages: what is reported together, what comes out, what is generated from it.

use kube_mcp_model::{Colour, Sources, Taken, check, ir::Source, new_tool, render};
use serde_json::{Value, json};

#[path = "support/mod.rs"]
mod support;

/// The lines of the places of all mistakes, with their checks.
fn found(sources: &Sources) -> Vec<String> {
    let (_, found) = check(sources, &support::catalog(), &[]);
    found
        .iter()
        .map(|d| format!("{}:{} {}", d.place.file, d.place.line, d.check))
        .collect()
}

fn accepted(files: &[(&str, &str)]) -> kube_mcp_model::ir::Package {
    let sources = support::sources(files);
    let (package, found) = check(&sources, &support::catalog(), &[]);
    assert!(package.is_some(), "{}", render(&found, &sources, Colour::Plain));
    package.unwrap_or_default()
}

const PODS: &str = "spec: 1
name: pods_list
title: List pods
description: Pods with readiness, status, restarts, age; the unhealthy first.
params:
  namespace: {type: string, description: All if left out, complete: {op: namespaces.names}}
  selector: {type: string, description: \"Labels, e.g. app=web\"}
  status: {type: string, description: \"e.g. CrashLoopBackOff, or unhealthy\"}
  limit: {type: integer, default: 100, minimum: 1, maximum: 1000}
op: pods.list
with:
  label_selector: $params.selector
examples:
  - {name: one namespace, args: {namespace: shop, limit: 5}, expect: {contains: [web], rows: {min: 1}}}
";

#[test]
fn three_mistakes_in_one_file_and_in_three_files_are_all_reported() {
    let sources = support::sources(&[
        (
            "spec/tools/core/a.yaml",
            "spec: 1\nname: a\ndescripton: Of three.\nparams:\n  selector: {type: string}\nop: pods.list\n\
             with:\n  namespace: $params.namespce\n",
        ),
        (
            "spec/tools/core/b.yaml",
            "spec: 1\nname: b\ndescription: A tab.\nparams:\n\tname: {type: string}\n",
        ),
        (
            "spec/tools/core/c.yaml",
            "spec: 1\nname: c\ndescription: An operation.\nop: pods.log\n",
        ),
        ("templates/d.md.j2", "{% if false %}{{ 1 | uper }}{% endif %}\n"),
    ]);
    assert_eq!(
        found(&sources),
        [
            "spec/tools/core/a.yaml:3 unknown-key",
            "spec/tools/core/a.yaml:5 unused-parameter",
            "spec/tools/core/a.yaml:8 unknown-parameter",
            "spec/tools/core/b.yaml:5 yaml-tab",
            "spec/tools/core/c.yaml:4 unknown-operation",
            "templates/d.md.j2:1 unknown-filter",
        ]
    );
}

#[test]
fn a_tool_is_resolved_with_its_bindings_and_their_places() {
    let package = accepted(&[("spec/tools/core/pods_list.yaml", PODS)]);
    let tool = &package.tools[0];
    let bindings: Vec<String> = tool.steps[0]
        .bindings
        .iter()
        .map(|binding| format!("{} = {:?} {}", binding.param, binding.source, binding.at))
        .collect();
    assert_eq!(
        bindings,
        [
            "namespace = Param(\"namespace\") spec/tools/core/pods_list.yaml:6:3",
            "label_selector = Param(\"selector\") spec/tools/core/pods_list.yaml:12:19",
            "status = Param(\"status\") spec/tools/core/pods_list.yaml:8:3",
            "limit = Param(\"limit\") spec/tools/core/pods_list.yaml:9:3",
        ]
    );
    assert_eq!(tool.toolset, "core");
    assert_eq!(
        tool.params[0].complete.as_ref().map(|step| step.op.as_str()),
        Some("namespaces.names")
    );
    assert_eq!(tool.examples[0].args, json!({"namespace": "shop", "limit": 5}));
}

#[test]
fn the_schema_is_what_the_surface_shows() {
    let package = accepted(&[("spec/tools/core/pods_list.yaml", PODS)]);
    let expected = r#"{"type":"object","properties":{"namespace":{"type":"string","description":"All if left out"},"selector":{"type":"string","description":"Labels, e.g. app=web"},"status":{"type":"string","description":"e.g. CrashLoopBackOff, or unhealthy"},"limit":{"type":"integer","default":100,"minimum":1,"maximum":1000},"cursor":{"type":"string"}},"additionalProperties":false}"#;
    assert_eq!(package.tools[0].schema.to_string(), expected);
}

#[test]
fn what_is_offered_stands_before_limit_and_cursor() {
    let package = accepted(&[(
        "spec/tools/core/all.yaml",
        "spec: 1\nname: all\ndescription: All.\nparams:\n  kind: {type: string, required: true}\n  \
         limit: {type: integer, default: 100}\nop: resources.list\noffer: [output, fields, where, sort]\n",
    )]);
    let schema = &package.tools[0].schema;
    let names: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["kind", "where", "sort", "fields", "output", "limit", "cursor"]
    );
    assert_eq!(
        schema["properties"]["output"]["enum"],
        json!(["table", "yaml", "json"])
    );
    assert_eq!(schema["required"], json!(["kind"]));
}

#[test]
fn a_change_takes_dry_run_and_confirm_and_what_cannot_be_tried_takes_confirm() {
    let package = accepted(&[
        (
            "spec/tools/core/label.yaml",
            "spec: 1\nname: label\ndescription: Labels.\nparams:\n  name: {type: string, required: true}\n  \
             labels: {type: array, items: string, required: true}\nop: resources.label\nwith: {kind: Pod}\n\
             confirm: always\n",
        ),
        (
            "spec/tools/core/run.yaml",
            "spec: 1\nname: run\ndescription: Runs.\nparams:\n  name: {type: string, required: true}\n  \
             command: {type: array, items: string, required: true}\nop: pods.exec\n",
        ),
    ]);
    let names = |index: usize| -> Vec<String> {
        package.tools[index].schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    assert_eq!(names(0), ["name", "labels", "dry_run", "confirm"]);
    assert_eq!(names(1), ["name", "command", "confirm"]);
    assert!(package.tools[0].always_confirm);
    assert_eq!(
        package.tools[0].schema["properties"]["labels"],
        json!({"type": "array", "items": {"type": "string"}})
    );
}

#[test]
fn an_enum_is_inherited_from_the_operation() {
    let package = accepted(&[(
        "spec/tools/core/remove.yaml",
        "spec: 1\nname: remove\ndescription: Removes.\nparams:\n  kind: {type: string, required: true}\n  \
         name: {type: string, required: true}\n  propagation: {type: string}\nop: resources.delete\n",
    )]);
    assert_eq!(
        package.tools[0].params[2].choices,
        ["background", "foreground", "orphan"]
    );
}

#[test]
fn steps_bind_by_name_know_what_they_need_and_are_guarded_by_their_condition() {
    let package = accepted(&[
        (
            "spec/tools/core/diagnose.yaml",
            "spec: 1\nname: diagnose\ndescription: Why.\nparams:\n  name: {type: string, required: true}\n  \
             namespace: {type: string}\n  container: {type: string}\nsteps:\n  \
             - {id: pod, op: pods.get, on_error: continue}\n  \
             - {id: events, op: events.list, with: {kind: Pod, name: \"{{ params.name }}\"}}\n  \
             - {id: logs, op: pods.logs, when: steps.pod.ok and params.container, with: {name: $steps.pod.metadata.name, tail: 20}}\n\
             output: {template: tools/diagnose.md.j2}\n",
        ),
        (
            "templates/tools/diagnose.md.j2",
            "{% from \"partials/macros.md.j2\" import line %}{{ steps.events }}\n\
             {% for event in steps.events.rows | selectattr(\"status\") %}{{ line(event.name) }}{% endfor %}\n\
             {% if steps.logs.ok %}{{ steps.logs }}{% else %}no logs{% if steps.pod.error %}: {{ steps.pod.error }}{% endif %}{% endif %}\n",
        ),
        (
            "templates/partials/macros.md.j2",
            "{% macro line(text) %}- {{ text }}\n{% endmacro %}\n",
        ),
    ]);
    let steps = &package.tools[0].steps;
    assert_eq!(
        steps.iter().map(|step| step.needs.clone()).collect::<Vec<_>>(),
        [vec![], vec![], vec![0]]
    );
    assert!(matches!(&steps[2].bindings[0].source, Source::Step(path) if path == "pod.metadata.name"));
    assert!(matches!(&steps[2].bindings[1].source, Source::Param(name) if name == "namespace"));
    assert!(matches!(
        &steps[1].bindings.last().unwrap().source,
        Source::Template(_)
    ));
    assert_eq!(package.tools[0].template.as_deref(), Some("tools/diagnose.md.j2"));
}

#[test]
fn dollars_are_written_twice_and_prompts_and_resources_are_read() {
    let package = accepted(&[
        (
            "spec/prompts/trouble.yaml",
            "spec: 1\nname: trouble\ndescription: Finds trouble.\nparams:\n  \
             name: {required: true, complete: {op: pods.list}}\n  namespace: {complete: {op: namespaces.names}}\n\
             gather:\n  - {id: pods, op: pods.list, with: {label_selector: \"cost=$$5\"}}\n\
             messages:\n  - {role: user, template: trouble.md.j2}\n",
        ),
        (
            "templates/trouble.md.j2",
            "{{ params.name }} in {{ steps.pods.total }}\n",
        ),
        (
            "spec/resources/object.yaml",
            "spec: 1\nname: object\ndescription: An object.\nuri: k8s://{cluster}/{namespace}/{kind}/{name}\n\
             op: resources.get\ncomplete:\n  namespace: {op: namespaces.names}\nsubscribe: true\n",
        ),
    ]);
    let gathered = &package.prompts[0].steps[0];
    assert!(
        gathered
            .bindings
            .iter()
            .any(|b| matches!(&b.source, Source::Fixed(Value::String(s)) if s == "cost=$5"))
    );
    let resource = &package.resources[0];
    assert_eq!(resource.mime, "application/yaml");
    assert_eq!(resource.step.bindings.len(), 3);
    assert!(matches!(&resource.step.bindings[0].source, Source::Uri(name) if name == "kind"));
}

#[test]
fn a_name_of_another_package_is_taken() {
    let taken = [("tool", "pods_list"), ("template", "partials/rows.md.j2")].map(|(sort, name)| Taken {
        sort: sort.to_owned(),
        name: name.to_owned(),
        package: "kube-mcp".to_owned(),
    });
    let sources = support::sources(&[
        ("spec/tools/core/pods_list.yaml", PODS),
        ("templates/partials/rows.md.j2", ""),
    ]);
    let (package, found) = check(&sources, &support::catalog(), &taken);
    assert!(package.is_none());
    let places: Vec<&str> = found.iter().map(|told| told.place.file.as_str()).collect();
    assert_eq!(
        places,
        ["spec/tools/core/pods_list.yaml", "templates/partials/rows.md.j2"]
    );
    for told in &found {
        assert_eq!(told.check, "duplicate-name");
        assert_eq!(told.notes, ["package kube-mcp has it"]);
    }
}

#[test]
fn a_new_tool_of_any_operation_is_accepted() {
    let catalog = support::catalog();
    for operation in &catalog.operations {
        let spec = new_tool(&catalog, &operation.name).unwrap();
        let name = operation.name.replace('.', "_");
        let sources = support::sources(&[(&format!("spec/tools/core/{name}.yaml"), &spec)]);
        let (package, found) = check(&sources, &catalog, &[]);
        assert!(
            package.is_some(),
            "{spec}\n{}",
            render(&found, &sources, Colour::Plain)
        );
    }
    assert!(new_tool(&catalog, "pods.nothing").is_none());
}

/// Specs and templates with something cut out, doubled or put in: whatever comes, there is an answer.
#[test]
fn no_input_brings_the_checks_down() {
    let template =
        "{% for pod in steps.pods.rows if pod.name %}{{ pod.cells[\"é\"] | default(\"ü\") }}{% endfor %}";
    let spec = "spec: 1\nname: a\ndescription: \"ä {{ x }}\"\nsteps:\n  - {id: pods, op: pods.list, with: {namespace: \
                \"{{ params.ö }}\", limit: $steps.x.0}}\noutput: {template: a.j2}\n";
    let catalog = support::catalog();
    let run = |spec: &str, template: &str| {
        let sources = support::sources(&[("spec/tools/core/a.yaml", spec), ("templates/a.j2", template)]);
        let (package, found) = check(&sources, &catalog, &[]);
        assert!(package.is_some() || !render(&found, &sources, Colour::Plain).is_empty());
    };
    let pieces = [
        "\t", "{{", "}}", "{%", "$", "[", "'", "\"", "\u{feff}", ": ", "\n- ", "*", "&a ", "€", "\0", "{",
    ];
    for (at, _) in spec.char_indices().step_by(3) {
        run(&spec[..at], template);
        for piece in pieces {
            run(&format!("{}{piece}{}", &spec[..at], &spec[at..]), template);
        }
    }
    for (at, _) in template.char_indices().step_by(2) {
        run(spec, &template[..at]);
        for piece in pieces {
            run(spec, &format!("{}{piece}{}", &template[..at], &template[at..]));
        }
    }
}

/// What is found in a tool with this body, `line:column check` each.
fn found_in(body: &str) -> Vec<String> {
    let text = format!("spec: 1\nname: a\ndescription: A tool.\n{body}");
    let sources = support::sources(&[("spec/tools/core/a.yaml", &text)]);
    let (_, found) = check(&sources, &support::catalog(), &[]);
    found
        .iter()
        .map(|d| format!("{}:{} {}", d.place.line, d.place.column, d.check))
        .collect()
}

#[test]
fn yaml_that_cannot_be_read_is_explained_where_it_goes_wrong() {
    for (body, expected) in [
        ("op: pods.list\ntitle: Pods: all\n", "5:8 yaml-quote"),
        ("op: pods.list\ntitle: @pods\n", "5:8 yaml-quote"),
        (
            "op: pods.list\nwith: {status: {{ params.x }}, namespace: a}\n",
            "5:16 yaml-quote",
        ),
        (
            "op: pods.list\nwith: {status: $params.x[0]}\n",
            "5:16 bad-reference",
        ),
        ("op: pods.list\ntitle: \"Pods\n", "5:8 yaml-syntax"),
        ("op: pods.list\ntitle: 'it's'\n", "5:12 yaml-syntax"),
        (
            "op: pods.list\nwith:\n   status: a\n  namespace: b\n",
            "7:3 yaml-indentation",
        ),
        ("op: pods.list\n title: a\n", "5:2 yaml-indentation"),
        (
            "steps:\n  - id: a\n    op: pods.list\n   with: {status: a}\n",
            "7:4 yaml-indentation",
        ),
        (
            "op: pods.list\nwith:\n  status: a\n\tnamespace: b\n",
            "7:1 yaml-tab",
        ),
        ("op: pods.list\ntitle\n", "5:1 yaml-syntax"),
    ] {
        assert_eq!(found_in(body), [expected], "{body}");
    }
}

#[test]
fn what_a_condition_says_is_there_may_be_used() {
    let with = |condition: &str, value: &str| {
        found_in(&format!(
            "params:\n  x: {{type: string}}\n  y: {{type: string}}\nsteps:\n  \
             - {{id: pod, op: pods.get, on_error: continue, with: {{name: \"{{{{ params.y | default('web') }}}}\"}}}}\n  \
             - {{id: logs, op: pods.logs, when: \"{condition}\", with: {{name: {value}}}}}\n"
        ))
    };
    for (condition, value) in [
        ("params.x and steps.pod.ok", "$params.x"),
        ("steps.pod.ok and params.x", "$steps.pod.name"),
        ("not (params.x is undefined or not steps.pod.ok)", "$params.x"),
        ("params.x == 'a' and steps.pod.ok", "\"{{ params.x }}-0\""),
        ("steps.pod.ok or params.x", "\"{{ params.x or 'web' }}\""),
        (
            "steps.pod.ok",
            "\"{% if params.x %}{{ params.x }}{% else %}web{% endif %}\"",
        ),
        ("steps.pod.ok", "\"{{ params.x if params.x else 'web' }}\""),
    ] {
        assert_eq!(with(condition, value), [""; 0], "{condition} / {value}");
    }
    for (condition, value, expected) in [
        ("params.x or steps.pod.ok", "$params.x", "9:"),
        ("params.x is undefined and steps.pod.ok", "$params.x", "9:"),
        ("params.x != 'a' and steps.pod.ok", "$params.x", "9:"),
        ("params.x", "$steps.pod.name", "9:"),
        ("steps.pod.ok", "\"{{ params.x }}\"", "9:"),
        (
            "steps.pod.ok",
            "\"{% if params.x %}{{ params.x }}{% endif %}\"",
            "9:",
        ),
    ] {
        let found = with(condition, value);
        assert_eq!(found.len(), 1, "{condition} / {value}: {found:?}");
        let right = found[0].ends_with("maybe-absent") || found[0].ends_with("unguarded-value");
        assert!(
            found[0].starts_with(expected) && right,
            "{condition} / {value}: {found:?}"
        );
    }
}

#[test]
fn paths_into_results_are_checked_in_references_and_texts_alike() {
    for (value, expected) in [
        ("$steps.status.phase", ""),
        ("$steps.status.phse", "unknown-field"),
        ("\"{{ steps.status.phse }}\"", "unknown-field"),
        ("$steps.pods.rows.0.name", ""),
        ("$steps.pods.rows.0.cells.STATUS", ""),
        ("$steps.pods.total", "type-mismatch"),
        ("$steps.pods.rows", "type-mismatch"),
        ("$steps.pods.rows.0.name.first", "unknown-field"),
        (
            "\"{{ steps.pods.rows | map(attribute='nme') | first }}\"",
            "unknown-field",
        ),
        ("\"{{ (steps.pods.rows | first).nme }}\"", "unknown-field"),
        (
            "\"{% for row in steps.pods.rows %}{{ row.nme }}{% endfor %}x\"",
            "unknown-field",
        ),
        ("\"{{ steps.pods.rows[0].name }}\"", ""),
        ("$steps.pods.ok", "type-mismatch"),
    ] {
        let body = format!(
            "steps:\n  - {{id: status, op: workloads.status, with: {{kind: Pod, name: a}}}}\n  \
             - {{id: pods, op: pods.list, with: {{status: $steps.status.phase}}}}\n  \
             - {{id: logs, op: pods.logs, with: {{namespace: $steps.pods.scope, name: {value}}}}}\n"
        );
        let found = found_in(&body);
        let checks: Vec<&str> = found.iter().filter_map(|found| found.split(' ').nth(1)).collect();
        assert_eq!(
            checks,
            [expected]
                .iter()
                .filter(|id| !id.is_empty())
                .copied()
                .collect::<Vec<_>>(),
            "{value}"
        );
    }
}

#[test]
fn a_reserved_name_that_the_operation_has_itself_is_the_operations() {
    let body = "params:\n  sort: {type: string, enum: [cpu, memory], default: cpu}\nop: metrics.top\n";
    assert_eq!(found_in(body), [""; 0]);
}

#[test]
fn a_namespace_of_a_uri_may_be_none() {
    let sources = support::sources(&[(
        "spec/resources/a.yaml",
        "spec: 1\nname: a\ndescription: A log.\nuri: log://{namespace}/{name}\nop: pods.logs\n\
         with: {name: $uri.namespace, container: $uri.name}\n",
    )]);
    assert_eq!(found(&sources), ["spec/resources/a.yaml:6 maybe-absent"]);
}
