//! Strategic merge patches: like merge patches, but lists are merged item by item where the schema says so.
//!
//! Besides values a patch has directives: `$patch` (delete, replace, merge), `$deleteFromPrimitiveList/FIELD`,
//! `$setElementOrder/FIELD` and `$retainKeys`.

use serde_json::{Map, Value};

use crate::api::{
    schema::Schema,
    status::{Failure, Result},
};

const DIRECTIVE: &str = "$patch";
const RETAIN: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
const ORDER: &str = "$setElementOrder/";

/// Merges a patch into a map.
///
/// # Errors
/// 400 for a patch that makes no sense.
pub(super) fn merge(
    original: &mut Map<String, Value>,
    patch: &Map<String, Value>,
    schema: Option<Schema<'_>>,
) -> Result<()> {
    match patch.get(DIRECTIVE) {
        None => {}
        Some(directive) if directive == "delete" => {
            original.clear();
            return Ok(());
        }
        Some(directive) if directive == "replace" => {
            *original = patch.clone();
            original.remove(DIRECTIVE);
            return Ok(());
        }
        Some(directive) => return Err(unknown(directive)),
    }
    retain(original, patch);
    for (name, value) in patch {
        if name == DIRECTIVE || name == RETAIN {
            continue;
        }
        if let Some(list) = name.strip_prefix(DELETE_FROM) {
            if let (Some(Value::Array(items)), Value::Array(gone)) = (original.get_mut(list), value) {
                items.retain(|item| !gone.contains(item));
            }
            continue;
        }
        if let Some(list) = name.strip_prefix(ORDER) {
            // Without items in the patch, the order is all that it says.
            if !patch.contains_key(list)
                && let (Some(Value::Array(items)), Value::Array(order)) = (original.get_mut(list), value)
            {
                let known_by = schema.and_then(|schema| schema.field(list)?.merge_key());
                let before = items.clone();
                sort(items, order, &before, known_by);
            }
            continue;
        }
        let inner = schema.and_then(|schema| schema.field(name));
        match value {
            Value::Null => {
                original.remove(name);
            }
            Value::Object(patch) if !has_strategy(inner, "replace") => match original.get_mut(name) {
                Some(Value::Object(map)) => merge(map, patch, inner)?,
                _ => drop(fresh(value).and_then(|value| original.insert(name.clone(), value))),
            },
            Value::Array(wanted) if has_strategy(inner, "merge") => match original.get_mut(name) {
                Some(Value::Array(items)) => {
                    let order = patch.get(&format!("{ORDER}{name}")).and_then(Value::as_array);
                    merge_list(items, wanted, order.map(Vec::as_slice), inner)?;
                }
                _ => drop(fresh(value).and_then(|value| original.insert(name.clone(), value))),
            },
            other => {
                original.insert(name.clone(), other.clone());
            }
        }
    }
    Ok(())
}

/// Whether the schema asks for this strategy.
fn has_strategy(schema: Option<Schema<'_>>, strategy: &str) -> bool {
    schema.is_some_and(|schema| {
        let all = schema.text("x-kubernetes-patch-strategy");
        all.split(',').any(|one| one == strategy)
    })
}

/// Drops the fields that a patch does not keep, where it says which it keeps (`$retainKeys`).
fn retain(original: &mut Map<String, Value>, patch: &Map<String, Value>) {
    if let Some(Value::Array(kept)) = patch.get(RETAIN) {
        original.retain(|name, _| kept.iter().any(|kept| kept == name));
    }
}

/// A part of the patch for which there is nothing to merge it with: without directives, and what has one is left out.
fn fresh(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Object(map) if map.contains_key(DIRECTIVE) => None,
        Value::Object(map) => {
            let fields = map.iter().filter(|(name, _)| !name.starts_with('$'));
            let fields = fields.filter_map(|(name, value)| Some((name.clone(), fresh(value)?)));
            Some(Value::Object(fields.collect()))
        }
        Value::Array(items) => Some(items.iter().filter_map(fresh).collect()),
        other => Some(other.clone()),
    }
}

/// Merges the items of a list: maps by their merge key, scalars as a set. `order` tells theirs, if the patch does.
fn merge_list(
    items: &mut Vec<Value>,
    patch: &[Value],
    order: Option<&[Value]>,
    schema: Option<Schema<'_>>,
) -> Result<()> {
    let before = items.clone();
    let is_of_maps = patch.first().or(items.first()).is_some_and(Value::is_object);
    let known_by = schema.and_then(Schema::merge_key).filter(|_| is_of_maps);
    let mut wanted = Vec::new();
    let mut replaces = false;
    for item in patch {
        let (Some(map), Some(known_by)) = (item.as_object(), known_by) else {
            wanted.push(item.clone());
            continue;
        };
        match map.get(DIRECTIVE) {
            None => wanted.push(item.clone()),
            Some(directive) if directive == "replace" => replaces = true,
            Some(directive) if directive == "delete" => {
                let key = key_of(map, known_by)?;
                items.retain(|item| item.get(known_by) != Some(key));
            }
            Some(directive) => return Err(unknown(directive)),
        }
    }
    if replaces {
        *items = wanted;
        return Ok(());
    }
    for item in &wanted {
        let (Some(map), Some(known_by)) = (item.as_object(), known_by) else {
            if !items.contains(item) {
                items.push(item.clone());
            }
            continue;
        };
        let key = key_of(map, known_by)?;
        match items.iter_mut().find(|item| item.get(known_by) == Some(key)) {
            Some(Value::Object(found)) => merge(found, map, schema.and_then(Schema::items))?,
            _ => items.extend(fresh(item)),
        }
    }
    sort(items, order.unwrap_or(&wanted), &before, known_by);
    Ok(())
}

/// What an item of a patch is known by.
fn key_of<'a>(item: &'a Map<String, Value>, known_by: &str) -> Result<&'a Value> {
    item.get(known_by).ok_or_else(|| {
        let item = Value::from(item.clone());
        Failure::bad_request(format!("{item} does not contain declared merge key: {known_by}"))
    })
}

/// A directive that there is not.
fn unknown(directive: &Value) -> Failure {
    Failure::bad_request(format!("unknown patch type: {directive}"))
}

/// Where an item stands in a list.
fn place(list: &[Value], item: &Value, known_by: Option<&str>) -> Option<usize> {
    list.iter().position(|other| match known_by {
        Some(key) => other.get(key) == item.get(key),
        None => other == item,
    })
}

/// Puts items into the order that the patch gives them. One that it does not name stands before the first of those
/// that it names that it stood before already.
fn sort(items: &mut Vec<Value>, order: &[Value], before: &[Value], known_by: Option<&str>) {
    let stood = |item: &Value| place(before, item, known_by);
    let wanted = |item: &Value| place(order, item, known_by);
    let (mut named, mut others): (Vec<_>, Vec<_>) = std::mem::take(items)
        .into_iter()
        .partition(|item| wanted(item).is_some());
    named.sort_by_key(wanted);
    others.sort_by_key(stood);
    let mut others = others.into_iter().peekable();
    for item in named {
        let limit = stood(&item);
        while let Some(other) = others.next_if(|other| limit.is_some() && stood(other) < limit) {
            items.push(other);
        }
        items.push(item);
    }
    items.extend(others);
}
