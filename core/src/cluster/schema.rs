//! The schemas of a group version's kinds, as its OpenAPI v3 document tells them.
//!
//! Of a document only the schemas are kept: its paths are most of it, and nobody asks for them.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use serde::{
    Deserialize,
    de::{Deserializer, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::Value;

use super::Resource;

/// How many references lead on from one another at most; a circle of them would have no end.
const REFERENCES: usize = 16;

/// A schema: OpenAPI 3.0's, with the extensions of Kubernetes. What only validates is left out.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Schema {
    /// What it is for.
    pub description: String,
    /// `object`, `array`, `string`, `integer`, `number`, `boolean`, or empty.
    pub r#type: String,
    /// A narrower type, e.g. `date-time`, `int-or-string`.
    pub format: String,
    /// What the API server fills in.
    pub default: Option<Value>,
    /// The values that there are.
    pub r#enum: Vec<Value>,
    /// The fields that an object must have.
    pub required: Vec<String>,
    /// The schema of a list's items.
    pub items: Option<Box<Schema>>,
    /// Where there are alternatives, one of these must hold.
    pub one_of: Vec<Schema>,
    /// Where there are alternatives, some of these must hold.
    pub any_of: Vec<Schema>,
    /// Whether an integer or a string may stand here.
    #[serde(rename = "x-kubernetes-int-or-string")]
    pub int_or_string: bool,
    /// Whether fields that no schema names are kept.
    #[serde(rename = "x-kubernetes-preserve-unknown-fields")]
    pub any_fields: bool,
    /// Whether a whole object, with a kind of its own, stands here.
    #[serde(rename = "x-kubernetes-embedded-resource")]
    pub embedded: bool,
    properties: BTreeMap<String, Schema>,
    all_of: Vec<Schema>,
    additional_properties: Additional,
    #[serde(rename = "$ref")]
    reference: String,
    #[serde(rename = "x-kubernetes-group-version-kind", deserialize_with = "is_kind_of")]
    kinds: Vec<GroupVersionKind>,
}

/// A field of an object.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its schema where it stands, which may only refer to another.
    pub schema: &'a Schema,
    /// Whether the object must have it.
    pub required: bool,
}

/// The schemas of a group version's kinds, and of all that they are made of.
#[derive(Debug, Default)]
pub struct Schemas {
    definitions: HashMap<String, Schema>,
}

impl Schemas {
    /// Reads an OpenAPI v3 document.
    ///
    /// # Errors
    /// If it is none.
    pub(super) fn read(document: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Document {
            #[serde(default)]
            components: Components,
        }
        #[derive(Default, Deserialize)]
        struct Components {
            #[serde(default)]
            schemas: HashMap<String, Schema>,
        }
        let document: Document = serde_json::from_slice(document)?;
        Ok(Self {
            definitions: document.components.schemas,
        })
    }

    /// The schema of a kind.
    pub fn of(&self, resource: &Resource) -> Option<&Schema> {
        self.definitions.values().find(|schema| {
            schema.kinds.iter().any(|kind| {
                kind.group == resource.group && kind.version == resource.version && kind.kind == resource.kind
            })
        })
    }

    /// What a schema refers to, or the schema itself.
    pub fn resolve<'a>(&'a self, schema: &'a Schema) -> &'a Schema {
        let mut at = schema;
        for _ in 0..REFERENCES {
            let Some(next) = at.reference().and_then(|name| self.definitions.get(name)) else {
                break;
            };
            at = next;
        }
        at
    }

    /// The fields of an object, by name.
    pub fn fields<'a>(&'a self, schema: &'a Schema) -> Vec<Field<'a>> {
        let mut fields = Vec::new();
        self.collect(self.resolve(schema), REFERENCES, &mut fields);
        fields.sort_by_key(|field| field.name);
        fields.dedup_by_key(|field| field.name);
        fields
    }

    fn collect<'a>(&'a self, schema: &'a Schema, deep: usize, fields: &mut Vec<Field<'a>>) {
        fields.extend(schema.properties.iter().map(|(name, field)| Field {
            name,
            schema: field,
            required: schema.required.contains(name),
        }));
        // Built of several parts, as generators of aggregated API servers write it.
        if deep > 0 && schema.all_of.len() > 1 {
            for part in &schema.all_of {
                self.collect(self.resolve(part), deep - 1, fields);
            }
        }
    }

    /// The schema of a map's values, if it is a map.
    pub fn values<'a>(&'a self, schema: &'a Schema) -> Option<&'a Schema> {
        match &self.resolve(schema).additional_properties {
            Additional::Schema(values) => Some(values),
            Additional::Any(_) => None,
        }
    }
}

impl Schema {
    /// The full name of the definition that it refers to, e.g. `io.k8s.api.core.v1.Container`. What has a
    /// description or default of its own refers through an `allOf` of one.
    pub fn reference(&self) -> Option<&str> {
        let reference = match self.all_of.as_slice() {
            _ if !self.reference.is_empty() => &self.reference,
            [only] => &only.reference,
            _ => return None,
        };
        reference.strip_prefix("#/components/schemas/")
    }

    /// Whether values of any kind may stand under keys that no schema names.
    pub fn is_free(&self) -> bool {
        self.any_fields || matches!(self.additional_properties, Additional::Any(true))
    }
}

/// `additionalProperties`: a schema, or whether there may be any.
#[derive(Debug)]
enum Additional {
    Any(bool),
    Schema(Box<Schema>),
}

impl Default for Additional {
    fn default() -> Self {
        Self::Any(false)
    }
}

impl<'de> Deserialize<'de> for Additional {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Additional;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a schema or a boolean")
            }

            fn visit_bool<E>(self, any: bool) -> Result<Self::Value, E> {
                Ok(Additional::Any(any))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let schema = Schema::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Additional::Schema(Box::new(schema)))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GroupVersionKind {
    group: String,
    version: String,
    kind: String,
}

/// The kinds of a definition. Shared ones such as `DeleteOptions` are of every group version there is, which is
/// most of some documents in memory: what has more than a few is none that is asked for.
fn is_kind_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<GroupVersionKind>, D::Error> {
    let mut kinds = Vec::<GroupVersionKind>::deserialize(deserializer)?;
    if kinds.len() > 4 {
        kinds = Vec::new();
    }
    Ok(kinds)
}
