//! The kinds that are served: built in, as data, and those that custom resource definitions add.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

/// What a real API server says of the built-in kinds; `data/refresh` writes it.
const BUILT_IN: &str = include_str!("../../data/kinds.json");

/// A kind in one version, as discovery tells it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Kind {
    /// Its API group; empty for the core's.
    pub(crate) group: String,
    /// Its version, as `v1`.
    pub(crate) version: String,
    /// Its name in manifests, as `Pod`.
    pub(crate) kind: String,
    /// Its name in paths, as `pods`.
    pub(crate) plural: String,
    /// Its name for one object.
    pub(crate) singular: String,
    /// As `po`.
    pub(crate) short_names: Vec<String>,
    /// As `all`.
    pub(crate) categories: Vec<String>,
    /// Whether its objects live in namespaces.
    pub(crate) namespaced: bool,
    /// What may be done with it.
    pub(crate) verbs: Vec<String>,
    /// As `status`, `scale`, `log`.
    pub(crate) subresources: Vec<Subresource>,
    /// The columns of its Table.
    #[serde(default)]
    pub(crate) columns: Vec<Column>,
    /// What a custom resource definition says of this version; nothing for a built-in kind.
    #[serde(skip)]
    pub(crate) custom: Option<Arc<Custom>>,
}

/// What is served beneath an object.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Subresource {
    /// The last part of its path.
    pub(crate) name: String,
    /// The group of the kind that it speaks.
    pub(crate) group: String,
    /// The version of the kind that it speaks.
    pub(crate) version: String,
    /// The kind that it speaks, as `Scale`.
    pub(crate) kind: String,
    /// What may be done with it.
    pub(crate) verbs: Vec<String>,
}

/// A `TableColumnDefinition`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Column {
    /// Its heading.
    pub(crate) name: String,
    /// `string`, `integer`, `number`, `boolean` or `date`.
    #[serde(rename = "type")]
    pub(crate) cell: String,
    /// `name` for the object's name.
    pub(crate) format: String,
    /// What it means.
    pub(crate) description: String,
    /// 0 in the ordinary view, more in the wide one.
    pub(crate) priority: i32,
}

/// The version of a custom resource definition that a kind comes from.
#[derive(Debug)]
pub(crate) struct Custom {
    /// `spec.versions[]` of it: schema, columns, subresources.
    pub(crate) version: Value,
    /// The schema of its objects, whole: with `apiVersion`, `kind` and `metadata`.
    pub(crate) schema: Value,
}

impl Kind {
    /// As RBAC and messages write it: `pods`, `deployments.apps`. It is also what the objects of all versions of a
    /// kind are kept under.
    pub(crate) fn resource(&self) -> String {
        qualified(&self.plural, &self.group)
    }

    /// As manifests write it: `v1`, `apps/v1`.
    pub(crate) fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// The subresource of this name.
    pub(crate) fn subresource(&self, name: &str) -> Option<&Subresource> {
        self.subresources.iter().find(|sub| sub.name == name)
    }

    /// Whether its status is written by itself, apart from the rest.
    pub(crate) fn has_status(&self) -> bool {
        self.subresource("status").is_some()
    }
}

/// A plural with its group: `pods`, `deployments.apps`.
pub(crate) fn qualified(plural: &str, group: &str) -> String {
    match group {
        "" => plural.to_owned(),
        group => format!("{plural}.{group}"),
    }
}

/// All kinds that are served.
#[derive(Debug)]
pub(crate) struct Kinds {
    /// In the order of discovery: built in, then custom.
    all: Vec<Arc<Kind>>,
    /// How many of them are built in.
    built_in: usize,
}

impl Kinds {
    /// The built-in kinds.
    pub(crate) fn built_in() -> Self {
        let all: Vec<Kind> =
            serde_json::from_str(BUILT_IN).expect("kinds.json is as `data/refresh` writes it");
        Self {
            built_in: all.len(),
            all: all.into_iter().map(Arc::new).collect(),
        }
    }

    /// All, in the order of discovery.
    pub(crate) fn all(&self) -> &[Arc<Kind>] {
        &self.all
    }

    /// The kind of a path.
    pub(crate) fn at(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Kind>> {
        self.all
            .iter()
            .find(|kind| kind.plural == plural && kind.group == group && kind.version == version)
    }

    /// The kind of a manifest.
    pub(crate) fn of(&self, api_version: &str, kind: &str) -> Option<&Arc<Kind>> {
        self.all
            .iter()
            .find(|known| known.kind == kind && known.api_version() == api_version)
    }

    /// The first kind of a resource, as `deployments.apps`: for whom the version does not matter.
    pub(crate) fn named(&self, resource: &str) -> Option<&Arc<Kind>> {
        self.all.iter().find(|kind| kind.resource() == resource)
    }

    /// Puts these in the place of all custom kinds.
    pub(crate) fn set_custom(&mut self, custom: Vec<Kind>) {
        self.all.truncate(self.built_in);
        self.all.extend(custom.into_iter().map(Arc::new));
    }
}
