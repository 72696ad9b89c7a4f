//! Kinds and their fields, as kubectl's `api-resources` and `explain` tell them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{
    Trials, ensure,
    kubectl::{eventually, kubectl},
    listing::Listing,
    stage::Stage,
};

pub(crate) const TRIALS: Trials = &[
    ("all_that_are_served", all_that_are_served),
    ("searched_by_any_name", searched_by_any_name),
    ("none_found", none_found),
    ("fields_as_kubectl_explains_them", fields_as_kubectl_explains_them),
    ("defaults_and_values", defaults_and_values),
    ("of_a_custom_kind", of_a_custom_kind),
    ("every_listed_name_is_understood", every_listed_name_is_understood),
    ("paths_in_any_spelling", paths_in_any_spelling),
    ("a_wrong_path", a_wrong_path),
    ("a_whole_pod_is_cut", a_whole_pod_is_cut),
];

fn list(stage: &Stage, search: &str) -> Result<Listing, String> {
    let arguments = if search.is_empty() {
        json!({})
    } else {
        json!({"search": search})
    };
    Ok(Listing::read(&stage.ask("kinds_list", &arguments)?))
}

fn explain(stage: &Stage, kind: &str, path: &str, depth: u64) -> Result<Listing, String> {
    let arguments = json!({"kind": kind, "path": path, "depth": depth});
    Ok(Listing::read(&stage.ask("kinds_explain", &arguments)?))
}

/// What kubectl lists, by name with group: short names and scope.
fn served(arguments: &[&str]) -> Result<BTreeMap<String, (String, String)>, String> {
    let table = kubectl(&[&["api-resources", "--no-headers"], arguments].concat())?;
    let rows = table.lines().map(|line| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        let (short, [version, namespaced, _]) = match cells[..] {
            [_, short, version, namespaced, kind] => (short, [version, namespaced, kind]),
            [_, version, namespaced, kind] => ("", [version, namespaced, kind]),
            _ => return Err(format!("kubectl api-resources writes {line:?}")),
        };
        let name = match version.split_once('/') {
            Some((group, version)) => format!("{}.{group}/{version}", cells[0]),
            None => format!("{}/{version}", cells[0]),
        };
        let scope = if namespaced == "true" {
            "namespace"
        } else {
            "cluster"
        };
        Ok((name, (short.to_owned(), scope.to_owned())))
    });
    rows.collect()
}

fn all_that_are_served(stage: &Stage) -> Result<(), String> {
    // Other suites make kinds of their own meanwhile.
    eventually(20, || {
        let listing = list(stage, "")?;
        let facts = served(&[])?;
        let names: BTreeSet<&str> = listing.names().into_iter().collect();
        let expected: BTreeSet<&str> = facts.keys().map(String::as_str).collect();
        ensure!(
            names == expected,
            "not as kubectl lists them: {:?}",
            names.symmetric_difference(&expected)
        );
        for (name, (short, scope)) in &facts {
            let row = listing.row(name)?;
            ensure!(
                row.cell("SHORT").unwrap_or_default() == short,
                "short names of {name} are {short:?}: {row:?}"
            );
            let shown = row.cell("SCOPE").unwrap_or_default();
            ensure!(
                shown.split(',').next() == Some(scope),
                "{name} is in {scope}: {row:?}"
            );
        }
        ensure!(
            listing.names()[..3].iter().all(|name| !name.contains('.')),
            "the core group comes first"
        );
        let last = listing.names().last().copied().unwrap_or_default().to_owned();
        ensure!(last.starts_with("subjectaccessreviews"), "{last} comes last");
        Ok(())
    })
}

fn searched_by_any_name(stage: &Stage) -> Result<(), String> {
    let sprockets = format!("sprockets.{}.kube-mcp.example/v1", stage.run);
    // Everything that is called so may be of another run of this suite too.
    for search in [
        "SPROCKET",
        &format!("spr-{}", stage.run),
        &format!("{}.kube-mcp", stage.run),
    ] {
        list(stage, search)?.row(&sprockets)?;
    }
    let listing = list(stage, "autoscal")?;
    let row = listing.row("horizontalpodautoscalers.autoscaling/v2")?;
    ensure!(row.cell("SHORT") == Some("hpa"), "no short name: {row:?}");
    let all = served(&["--categories=all"])?;
    let listing = list(stage, "all")?;
    for name in all.keys() {
        listing.row(name)?;
    }
    Ok(())
}

fn none_found(stage: &Stage) -> Result<(), String> {
    let text = list(stage, "deplyoment")?.text;
    ensure!(
        text.contains("0 of ") && text.contains("nearest: Deployment"),
        "nothing near:\n{text}"
    );
    ensure!(
        text.contains("Next: kinds_list search=Deployment"),
        "no next call:\n{text}"
    );
    Ok(())
}

/// The fields that `kubectl explain` tells, with their types and whether they are required.
fn explained(path: &str, more: &[&str]) -> Result<BTreeMap<String, String>, String> {
    let text = kubectl(&[&["explain", path], more].concat())?;
    let (_, fields) = text
        .split_once("\nFIELDS:\n")
        .ok_or_else(|| format!("kubectl explains:\n{text}"))?;
    let fields = fields.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("  ")?.split_once("\t<")?;
        let (of_type, rest) = rest.split_once('>')?;
        let required = if rest.contains("-required-") {
            ", required"
        } else {
            ""
        };
        Some((name.to_owned(), format!("{}{required}", in_words(of_type))))
    });
    Ok(fields.collect())
}

/// kubectl's `[]Container` is our `list of Container`; types of objects are told in lists and maps only.
fn in_words(of_type: &str) -> String {
    let inner = |text: &str| match in_words(text).as_str() {
        "object" if text != "Object" => text.to_owned(),
        words => words.to_owned(),
    };
    match of_type {
        "Object" => "object".to_owned(),
        "IntOrString" => "int or string".to_owned(),
        "Quantity" => "quantity".to_owned(),
        "Time" => "time".to_owned(),
        "Duration" => "duration".to_owned(),
        of_type => match (of_type.strip_prefix("[]"), of_type.strip_prefix("map[string]")) {
            (Some(items), _) => format!("list of {}", inner(items)),
            (_, Some(values)) => format!("map of {}", inner(values)),
            _ if of_type.starts_with(char::is_uppercase) => "object".to_owned(),
            _ => of_type.to_owned(),
        },
    }
}

fn compare(listing: &Listing, facts: &BTreeMap<String, String>) -> Result<(), String> {
    let fields: BTreeSet<&str> = listing.rows.iter().filter_map(|row| row.cell("FIELD")).collect();
    let expected: BTreeSet<&str> = facts.keys().map(String::as_str).collect();
    ensure!(
        !expected.is_empty() && fields == expected,
        "not as kubectl explains: {:?}\n{}",
        fields.symmetric_difference(&expected),
        listing.text
    );
    for (name, of_type) in facts {
        let row = listing.row_where("FIELD", name)?;
        // kubectl does not say of which form a string is.
        let forms = ["string", "time", "base64", "duration", "%"].map(|form| of_type.replace("string", form));
        if !forms.iter().any(|form| row.says("TYPE", form).is_ok()) {
            row.says("TYPE", of_type)?;
        }
    }
    Ok(())
}

fn fields_as_kubectl_explains_them(stage: &Stage) -> Result<(), String> {
    for path in [
        "deployment",
        "deployment.spec",
        "deployment.spec.strategy.rollingUpdate",
        "pod.spec.containers",
        "pod.spec.containers.ports",
        "pod.status",
        "node.status.nodeInfo",
        "service.spec",
        "horizontalpodautoscaler.spec.metrics.resource.target",
        "networkpolicy.spec.ingress.from",
        "persistentvolumeclaim.spec.resources",
        "customresourcedefinition.spec.names",
        "poddisruptionbudget.spec",
    ] {
        let (kind, below) = path.split_once('.').unwrap_or((path, ""));
        compare(&explain(stage, kind, below, 1)?, &explained(path, &[])?)
            .map_err(|error| format!("{path}: {error}"))?;
    }
    Ok(())
}

fn defaults_and_values(stage: &Stage) -> Result<(), String> {
    let listing = explain(stage, "deploy", "spec.strategy", 2)?;
    ensure!(
        listing
            .heading
            .starts_with("Deployment (apps/v1) spec.strategy: object; "),
        "heading: {}",
        listing.heading
    );
    let surge = listing.row_where("FIELD", "rollingUpdate.maxSurge")?;
    surge.says("TYPE", "int or %")?;
    surge.says("DEFAULT", "25%")?;
    let of_type = listing.row_where("FIELD", "type")?;
    of_type.says("DEFAULT", "RollingUpdate")?;
    let meaning = of_type.cell("MEANING").unwrap_or_default();
    ensure!(
        meaning.starts_with("Recreate or RollingUpdate"),
        "values: {meaning}"
    );
    // What the API server really fills in.
    let web = stage.object("deployment", "web")?;
    for (path, default) in [
        ("spec.revisionHistoryLimit", &web["spec"]["revisionHistoryLimit"]),
        (
            "spec.template.spec.dnsPolicy",
            &web["spec"]["template"]["spec"]["dnsPolicy"],
        ),
        (
            "spec.template.spec.restartPolicy",
            &web["spec"]["template"]["spec"]["restartPolicy"],
        ),
    ] {
        let default = default
            .as_str()
            .map_or_else(|| default.to_string(), str::to_owned);
        let heading = explain(stage, "deployment", path, 1)?.heading;
        ensure!(
            heading.contains(&format!("default {default}")),
            "{path} is {default} if not given: {heading}"
        );
    }
    // The limit depends on another field: no default is better than one that counts sometimes.
    let heading = explain(stage, "job", "spec.backoffLimit", 1)?.heading;
    ensure!(
        !heading.contains("default"),
        "a default under a condition: {heading}"
    );
    Ok(())
}

fn of_a_custom_kind(stage: &Stage) -> Result<(), String> {
    let kind = format!("sprockets.{}.kube-mcp.example", stage.run);
    // A new definition is published a moment after it is served.
    let listing = eventually(30, || explain(stage, &kind, "spec.drive", 2))?;
    ensure!(
        listing.heading.ends_with("spec.drive: object; what drives it"),
        "heading: {}",
        listing.heading
    );
    ensure!(
        listing.text.contains("exactly one of: motor, crank"),
        "the choice is not told:\n{}",
        listing.text
    );
    let facts = explained(&format!("{kind}.spec.drive"), &[])?;
    for (name, kubectl_says) in &facts {
        let row = listing.row_where("FIELD", name)?;
        let expected = match name.as_str() {
            "slack" => "int or %",
            "crank" => "object, any fields",
            "links" => "list of object",
            _ => kubectl_says,
        };
        row.says("TYPE", expected)?;
    }
    let motor = listing.row_where("FIELD", "motor")?;
    motor.says("DEFAULT", "Electric")?;
    motor.says("MEANING", "Electric or Steam")?;
    listing
        .row_where("FIELD", "links[].pitch")?
        .says("TYPE", "integer, required")?;
    listing
        .row_where("FIELD", "links[].marks")?
        .says("TYPE", "map of string")?;
    let short = explain(
        stage,
        &format!("spr-{}", stage.run),
        "spec.drive.links[0].plates",
        1,
    )?;
    ensure!(
        short
            .heading
            .ends_with("spec.drive.links[].plates: list of string"),
        "heading: {}",
        short.heading
    );
    Ok(())
}

fn every_listed_name_is_understood(stage: &Stage) -> Result<(), String> {
    let listing = list(stage, "")?;
    for row in &listing.rows {
        let (kind, name) = (
            row.cell("KIND").unwrap_or_default(),
            row.cell("NAME").unwrap_or_default(),
        );
        // Other suites' kinds come and go.
        if name.contains("example") {
            continue;
        }
        let text = stage.ask("kinds_explain", &json!({"kind": name}))?;
        ensure!(
            text.starts_with(&format!("{kind} (")),
            "{name} is explained as:\n{text}"
        );
    }
    Ok(())
}

fn paths_in_any_spelling(stage: &Stage) -> Result<(), String> {
    let expected = explain(stage, "deploy", "spec.template.spec.containers.image", 1)?.text;
    for path in [
        ".spec.template.spec.containers[*].image",
        "deployment.spec.template.spec.containers.image",
        "spec/template/spec/containers/0/image",
        "$.spec.template.spec.containers[0].image",
        "spec.template.spec.Containers.IMAGE",
    ] {
        let text = explain(stage, "deploy", path, 1)?.text;
        ensure!(text == expected, "{path} is explained as:\n{text}");
    }
    let text = stage.ask(
        "kinds_explain",
        &json!({"kind": "deploy.spec.template.spec.containers.image"}),
    )?;
    ensure!(text == expected, "one word is explained as:\n{text}");
    Ok(())
}

fn a_wrong_path(stage: &Stage) -> Result<(), String> {
    let wrong = |path: &str, depth: Value| {
        stage.refused(
            "kinds_explain",
            &json!({"kind": "deploy", "path": path, "depth": depth}),
        )
    };
    let text = wrong("spec.stratgy.type", json!(null))?;
    ensure!(
        text == "error: no field \"stratgy\" in spec of Deployment (apps/v1); nearest: strategy\n\
                 Try: kinds_explain kind=deploy path=spec.strategy.type",
        "a misspelt field:\n{text}"
    );
    let text = wrong("spec.containers", json!(2))?;
    ensure!(
        text.contains("there is spec.template.spec.containers")
            && text.contains("Try: kinds_explain kind=deploy path=spec.template.spec.containers depth=2"),
        "a field that is elsewhere:\n{text}"
    );
    Ok(())
}

fn a_whole_pod_is_cut(stage: &Stage) -> Result<(), String> {
    let text = explain(stage, "pod", "spec", 3)?.text;
    // 4,000 tokens, of hardly more than four characters each.
    ensure!(text.len() < 18_000, "{} bytes", text.len());
    for field in explained("pod.spec", &[])?.into_keys() {
        ensure!(
            text.contains(&format!("\n{field}\t")),
            "the outermost level lacks {field}:\n{text}"
        );
    }
    ensure!(
        text.contains("\nCut to fit: "),
        "what is left out is not counted:\n{text}"
    );
    let (_, next) = text
        .split_once("\nNext: kinds_explain kind=Pod path=")
        .ok_or("no next call")?;
    let rest = explain(stage, "Pod", next.lines().next().unwrap_or_default(), 1)?;
    ensure!(!rest.rows.is_empty(), "the rest is:\n{}", rest.text);
    Ok(())
}
