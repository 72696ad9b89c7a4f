//! Who owns what.

use std::{collections::BTreeMap, ops::ControlFlow};

use kube_mcp_core::{
    Record,
    call::{Cx, KindRef, Result},
    cluster::ListQuery,
    operation,
    output::{self, Next},
};

/// The label that says which team a namespace belongs to.
const TEAM: &str = "acme.example/team";

/// The namespaces of each team.
#[derive(Debug, Default, serde::Serialize, Record)]
#[serde(rename_all = "camelCase")]
pub struct Teams {
    /// The namespaces by team.
    pub by_team: BTreeMap<String, Vec<String>>,
    /// The namespaces that say no team.
    pub without_team: Vec<String>,
}

/// Which team owns which namespaces, by the label `acme.example/team`.
#[operation("acme.teams", read)]
pub async fn teams(
    cx: &Cx,
    /// Only this team.
    team: Option<String>,
) -> Result<output::Record<Teams>> {
    let namespaces = cx.resolve(&KindRef("namespaces".to_owned())).await?;
    let query = ListQuery {
        selector: team.as_ref().map(|team| format!("{TEAM}={team}")),
        ..ListQuery::default()
    };
    let mut teams = Teams::default();
    let each = |namespace: serde_json::Value| {
        let metadata = &namespace["metadata"];
        if let Some(name) = metadata["name"].as_str() {
            match metadata["labels"][TEAM].as_str() {
                Some(team) => teams
                    .by_team
                    .entry(team.to_owned())
                    .or_default()
                    .push(name.to_owned()),
                None => teams.without_team.push(name.to_owned()),
            }
        }
        ControlFlow::Continue(())
    };
    cx.client().for_each(&namespaces, None, &query, each).await?;
    let mut record = output::Record::new(format!("{} teams", teams.by_team.len()), teams);
    record
        .next
        .push(Next::op("resources.list").arg("kind", "Namespace"));
    Ok(record)
}
