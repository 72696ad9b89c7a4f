//! The operations that the golden files bind. The model's test scans this file; the core's test compiles it.

use kube_mcp_core::{
    Choice, Record, Text,
    call::{self, Cx, Page, Result, ServerCx},
    operation,
    output::{self, Change, Lines, Object, Table},
};

/// What a list is about.
#[derive(Clone, Debug, PartialEq, Eq, Text)]
#[text(format = "kind")]
pub struct KindName(pub String);

impl call::Text for KindName {
    const EXPECTED: &'static str = "a kind";

    fn from_text(text: &str) -> std::result::Result<Self, String> {
        Ok(Self(text.to_owned()))
    }
}

/// Which of a container's logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum Instance {
    /// The one that runs.
    Current,
    /// The one before it.
    LastTerminated,
}

/// What there is.
#[derive(Debug, serde::Serialize, Record)]
#[serde(rename_all = "camelCase")]
pub struct Clusters {
    /// The current one's name.
    pub current_name: String,
    /// How many there are.
    pub count: usize,
}

/// Lists objects.
#[operation("resources.list", read)]
pub async fn list(
    _cx: &Cx,
    /// The kind.
    kind: KindName,
    /// All namespaces if left out.
    namespace: Option<String>,
    label_selector: Option<String>,
    page: Page,
) -> Result<Table> {
    let subject = format!("{} {namespace:?} {label_selector:?} {}", kind.0, page.limit);
    Ok(Table {
        subject,
        ..Table::default()
    })
}

/// Gets an object.
#[operation("resources.get", read)]
pub async fn get(_cx: &Cx, kind: KindName, name: String, namespace: Option<String>) -> Result<Object> {
    let notes = vec![format!("{} {name} {namespace:?}", kind.0)];
    Ok(Object {
        notes,
        ..Object::default()
    })
}

/// Reads logs.
#[operation("pods.logs", read, long, needs("get pods", "get pods/log"))]
pub async fn r#match(
    _cx: &Cx,
    name: String,
    containers: Option<Vec<String>>,
    instance: Instance,
    r#type: Option<u16>,
) -> Result<Lines> {
    let subject = format!("{name} {containers:?} {instance:?} {}", r#type.unwrap_or(80));
    Ok(Lines {
        subject,
        ..Lines::default()
    })
}

/// Deletes.
#[operation("resources.delete", destructive)]
pub async fn delete(_cx: &Cx, kind: self::KindName, names: Vec<String>, force: bool) -> Result<Change> {
    let heading = format!("{} {names:?} {force}", kind.0);
    Ok(Change {
        heading,
        ..Change::default()
    })
}

/// Which clusters there are.
#[operation("clusters.current", read)]
pub async fn clusters(cx: &ServerCx) -> Result<output::Record<Clusters>> {
    let facts = Clusters {
        current_name: cx.call().tool.clone(),
        count: 1,
    };
    Ok(output::Record::new("Clusters", facts))
}
