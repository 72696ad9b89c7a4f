//! Every right in a namespace, told shortly.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::question::rank;
use crate::{Error, ErrorKind, call::Cx};

/// `SubjectRulesReviewStatus`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    resource_rules: Vec<Rule>,
    incomplete: bool,
    evaluation_error: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Rule {
    verbs: Vec<String>,
    api_groups: Vec<String>,
    resources: Vec<String>,
    resource_names: Vec<String>,
}

/// What may be done in a namespace (`SelfSubjectRulesReview`), a line for each set of verbs, and a remark if that may
/// not be all.
pub(super) async fn read(cx: &Cx, namespace: &str) -> Result<(Vec<String>, Option<String>), Error> {
    let body = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    });
    let mut review = cx
        .client()
        .review("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", &body)
        .await?;
    let status: Status = serde_json::from_value(review["status"].take()).map_err(|error| {
        Error::new(
            ErrorKind::Server,
            format!("the API server's review of rights cannot be read: {error}"),
        )
    })?;
    let remark = status.incomplete.then(|| match status.evaluation_error.as_str() {
        "" => "the API server says that this may not be all".to_owned(),
        why => format!("the API server says that this may not be all: {why}"),
    });
    Ok((lines(status.resource_rules), remark))
}

/// A line for each set of verbs, the widest first.
fn lines(rules: Vec<Rule>) -> Vec<String> {
    // By verbs and names: what they are about.
    let mut sets: BTreeMap<(Vec<String>, Vec<String>), Vec<String>> = BTreeMap::new();
    for mut rule in rules {
        // Everybody may ask about himself.
        if rule
            .resources
            .iter()
            .all(|resource| resource.starts_with("selfsubject"))
        {
            continue;
        }
        rule.verbs.sort_by_key(|verb| rank(verb));
        rule.resource_names.sort();
        let set = sets.entry((rule.verbs, rule.resource_names)).or_default();
        for group in &rule.api_groups {
            for resource in &rule.resources {
                let name = qualified(resource, group);
                if !set.contains(&name) {
                    set.push(name);
                }
            }
        }
    }
    let mut lines: Vec<_> = sets
        .into_iter()
        .map(|((verbs, names), mut resources)| {
            resources.sort();
            let is_all = verbs.iter().any(|verb| verb == "*") || resources.iter().any(|name| name == "*.*");
            let verbs = verbs.join(", ");
            let resources = resources.join(", ");
            let only = match names.is_empty() {
                true => String::new(),
                false => format!(" (only {})", names.join(", ")),
            };
            (!is_all, format!("{verbs}: {resources}{only}"))
        })
        .collect();
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}

/// As RBAC and kubectl write it: `pods/log`, `deployments.apps/scale`, `*.*`.
fn qualified(resource: &str, group: &str) -> String {
    match (group, resource.split_once('/')) {
        ("", _) => resource.to_owned(),
        (group, Some((resource, subresource))) => format!("{resource}.{group}/{subresource}"),
        (group, None) => format!("{resource}.{group}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(verbs: &[&str], groups: &[&str], resources: &[&str], names: &[&str]) -> Rule {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        Rule {
            verbs: owned(verbs),
            api_groups: owned(groups),
            resources: owned(resources),
            resource_names: owned(names),
        }
    }

    #[test]
    fn rules_of_the_same_verbs_are_one_line() {
        let rules = vec![
            rule(&["list", "get"], &[""], &["pods", "pods/log"], &[]),
            rule(
                &["get", "list"],
                &["apps"],
                &["deployments", "deployments/scale"],
                &[],
            ),
            rule(&["get"], &[""], &["configmaps"], &["settings"]),
            rule(
                &["create"],
                &["authorization.k8s.io"],
                &["selfsubjectaccessreviews"],
                &[],
            ),
            rule(&["*"], &["*"], &["*"], &[]),
        ];
        assert_eq!(
            lines(rules),
            [
                "*: *.*",
                "get, list: deployments.apps, deployments.apps/scale, pods, pods/log",
                "get: configmaps (only settings)",
            ]
        );
    }
}
