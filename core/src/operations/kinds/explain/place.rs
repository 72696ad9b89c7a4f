//! Finds a field in the schema of a kind, and the fields below it.

use std::collections::VecDeque;

use super::path::{self, Segment};
use crate::{
    cluster::{Field, Schema, Schemas},
    nearest::plain,
};

/// How deep a name is looked for that is not where it was thought to be.
const DEEP: usize = 8;

/// A place in the schema of a kind.
#[derive(Clone, Debug)]
pub(super) struct Place<'a> {
    /// Its path, as it is written best: `spec.template.spec.containers[].image`. Empty for the kind itself.
    pub(super) path: String,
    /// The last field's name on the way.
    pub(super) name: &'a str,
    /// Its schema where it stands.
    pub(super) schema: &'a Schema,
    pub(super) required: bool,
    /// What it is in, from the outside in.
    within: Vec<&'a Schema>,
}

/// A path that leads nowhere.
#[derive(Debug)]
pub(super) struct Lost<'a> {
    /// How far it led.
    pub(super) at: Place<'a>,
    /// What is not there.
    pub(super) segment: Segment,
    /// What would have come after it.
    pub(super) rest: Vec<Segment>,
}

/// A field below a place.
#[derive(Clone, Debug)]
pub(super) struct Below<'a> {
    /// Its path from that place.
    pub(super) path: String,
    /// The path of what it is a field of, from that place.
    pub(super) parent: String,
    pub(super) field: Field<'a>,
    /// Whether it holds what it is itself in.
    pub(super) recursive: bool,
}

impl<'a> Place<'a> {
    /// The kind itself.
    pub(super) fn root(schema: &'a Schema) -> Self {
        Self {
            path: String::new(),
            name: "",
            schema,
            required: false,
            within: Vec::new(),
        }
    }

    /// Follows a path. Lists and maps need not be entered by a segment of their own.
    pub(super) fn follow(
        mut self,
        schemas: &'a Schemas,
        segments: &[Segment],
    ) -> Result<Self, Box<Lost<'a>>> {
        for (index, segment) in segments.iter().enumerate() {
            let found = match segment {
                Segment::Item => self.item(schemas),
                Segment::Name(name) => self.field(schemas, name),
            };
            let Some(found) = found else {
                return Err(Box::new(Lost {
                    at: self.into_object(schemas),
                    segment: segment.clone(),
                    rest: segments.get(index + 1..).unwrap_or_default().to_vec(),
                }));
            };
            self = found;
        }
        Ok(self)
    }

    /// Any item of the list, or any value of the map, that it is.
    fn item(&self, schemas: &'a Schemas) -> Option<Self> {
        let target = schemas.resolve(self.schema);
        let (sign, schema) = match (&target.items, schemas.values(target)) {
            (Some(items), _) => ("[]", &**items),
            (None, Some(values)) => (".*", values),
            (None, None) => return None,
        };
        let mut found = self.clone();
        found.within.push(target);
        found.path.push_str(sign);
        found.schema = schema;
        found.required = false;
        Some(found)
    }

    fn field(&self, schemas: &'a Schemas, name: &str) -> Option<Self> {
        let place = self.clone().into_items(schemas);
        let fields = schemas.fields(place.schema);
        let exact = fields.iter().find(|field| field.name == name);
        let loose = || {
            let name = plain(name);
            fields.iter().find(|field| plain(field.name) == name)
        };
        match exact.or_else(loose) {
            Some(field) => Some(place.enter(schemas, *field)),
            // Anything may be the key of a map.
            None => schemas.values(place.schema).and_then(|_| place.item(schemas)),
        }
    }

    fn enter(mut self, schemas: &'a Schemas, field: Field<'a>) -> Self {
        self.within.push(schemas.resolve(self.schema));
        path::push(&mut self.path, field.name);
        Self {
            name: field.name,
            schema: field.schema,
            required: field.required,
            ..self
        }
    }

    fn into_items(self, schemas: &'a Schemas) -> Self {
        let mut place = self;
        while schemas.resolve(place.schema).items.is_some()
            && let Some(items) = place.item(schemas)
        {
            place = items;
        }
        place
    }

    /// What has the fields: an item of a list of lists, a value of a map.
    fn into_object(self, schemas: &'a Schemas) -> Self {
        let mut place = self;
        while schemas.fields(place.schema).is_empty()
            && let Some(inner) = place.item(schemas)
        {
            place = inner;
        }
        place
    }

    /// The fields of what it is or holds.
    pub(super) fn fields(&self, schemas: &'a Schemas) -> Vec<Field<'a>> {
        schemas.fields(self.clone().into_object(schemas).schema)
    }

    /// The fields below it, `depth` levels of them, the outer levels first: what has to be cut is the innermost. At
    /// most `most`, and whether those are all.
    pub(super) fn below(&self, schemas: &'a Schemas, depth: usize, most: usize) -> (Vec<Below<'a>>, bool) {
        let mut found = Vec::new();
        let mut left = VecDeque::from([(self.clone().into_object(schemas), depth)]);
        while let Some((place, depth)) = left.pop_front() {
            let parent = self.relative(&place.path);
            for field in schemas.fields(place.schema) {
                if found.len() == most {
                    return (found, false);
                }
                let inner = place.clone().enter(schemas, field);
                let path = self.relative(&inner.path);
                let inner = inner.into_object(schemas);
                let target = schemas.resolve(inner.schema);
                let recursive = inner.within.iter().any(|outer| std::ptr::eq(*outer, target));
                found.push(Below {
                    path,
                    parent: parent.clone(),
                    field,
                    recursive,
                });
                if depth > 1 && !recursive {
                    left.push_back((inner, depth - 1));
                }
            }
        }
        (found, true)
    }

    /// The path of what is below it, from it. Of a list, that of a field of an item.
    fn relative(&self, path: &str) -> String {
        let path = path.strip_prefix(&self.path).unwrap_or(path);
        path.trim_start_matches("[]").trim_start_matches('.').to_owned()
    }

    /// Where a field of this name is below it, the nearest first.
    pub(super) fn seek(&self, schemas: &'a Schemas, name: &str) -> Option<String> {
        let name = plain(name);
        let mut seen: Vec<&Schema> = Vec::new();
        let mut left = VecDeque::from([(self.clone().into_object(schemas), 0)]);
        while let Some((place, deep)) = left.pop_front() {
            let target = schemas.resolve(place.schema);
            if deep > DEEP || seen.iter().any(|seen| std::ptr::eq(*seen, target)) {
                continue;
            }
            seen.push(target);
            for field in schemas.fields(target) {
                let inner = place.clone().enter(schemas, field);
                if plain(field.name) == name {
                    return Some(inner.path);
                }
                left.push_back((inner.into_object(schemas), deep + 1));
            }
        }
        None
    }
}
