//! The cells of the built-in kinds, as `data/cells.yaml` describes them.

use std::{collections::BTreeMap, sync::OnceLock};

use jiff::Timestamp;
use serde_json::Value;

use super::shown::{self, Show};

const DATA: &str = include_str!("../../data/cells.yaml");

/// One cell.
#[derive(Debug)]
pub(crate) struct Cell {
    sort: Sort,
    /// The first of them is taken whose values are all there.
    alternatives: Vec<Vec<Part>>,
}

#[derive(Clone, Copy, Debug)]
enum Sort {
    Text,
    Number,
    Flag,
}

#[derive(Debug)]
enum Part {
    Text(&'static str),
    Value(Vec<Vec<Step>>, Show),
}

/// One step into an object.
#[derive(Debug)]
enum Step {
    Key(String),
    Each,
    /// Those of which all of this is so.
    Where(Vec<(String, &'static str)>),
}

/// The cells of the kind of this resource.
pub(crate) fn of(resource: &str) -> &'static [Cell] {
    static ALL: OnceLock<BTreeMap<String, Vec<Cell>>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let all: BTreeMap<String, Vec<String>> =
            serde_yaml::from_str(DATA).expect("cells.yaml is a map of lists of texts");
        // They are kept for good.
        let cell = |text: String| Cell::read(text.leak());
        all.into_iter()
            .map(|(resource, cells)| (resource, cells.into_iter().map(cell).collect()))
            .collect()
    });
    all.get(resource).map_or(&[], Vec::as_slice)
}

impl Cell {
    fn read(text: &'static str) -> Self {
        let (sort, text) = match text.split_at_checked(1) {
            Some(("#", rest)) => (Sort::Number, rest),
            Some(("?", rest)) => (Sort::Flag, rest),
            _ => (Sort::Text, text),
        };
        let alternatives = text.split(" | ").map(|alternative| {
            let mut parts = Vec::new();
            for piece in alternative.split_inclusive('}') {
                let (before, value) = piece.split_once('{').unwrap_or((piece, ""));
                if !before.is_empty() {
                    parts.push(Part::Text(before));
                }
                if let Some(value) = value.strip_suffix('}') {
                    let (paths, how) = value.split_once(':').unwrap_or((value, ""));
                    parts.push(Part::Value(
                        paths.split(',').map(steps).collect(),
                        shown::how(how),
                    ));
                }
            }
            parts
        });
        Self {
            sort,
            alternatives: alternatives.collect(),
        }
    }

    /// What stands in it for an object.
    pub(crate) fn of(&self, object: &Value, now: Timestamp) -> Value {
        let mut texts = self.alternatives.iter().map(|parts| text(parts, object, now));
        let text = texts.find_map(|text| text).unwrap_or_default();
        match self.sort {
            Sort::Text => Value::from(text),
            Sort::Number => Value::from(text.parse::<i64>().unwrap_or(0)),
            Sort::Flag => Value::from(text == "true"),
        }
    }
}

fn text(parts: &[Part], object: &Value, now: Timestamp) -> Option<String> {
    parts.iter().try_fold(String::new(), |text, part| match part {
        Part::Text(own) => Some(text + own),
        Part::Value(paths, show) => {
            let mut values = Vec::new();
            for path in paths {
                walk(object, path, &mut values);
            }
            Some(text + &show(&values, now)?)
        }
    })
}

/// The steps of a path. `~` stands for a slash in a key.
fn steps(path: &'static str) -> Vec<Step> {
    let steps = path.split('/').skip(1).map(|step| match step {
        "*" => Step::Each,
        _ if step.contains('=') => {
            let rules = step.split('&').filter_map(|rule| rule.split_once('='));
            Step::Where(rules.map(|(key, value)| (key.replace('~', "/"), value)).collect())
        }
        key => Step::Key(key.to_owned()),
    });
    steps.collect()
}

/// Collects what is at the end of a path.
fn walk<'a>(value: &'a Value, path: &[Step], found: &mut Vec<&'a Value>) {
    let Some((step, rest)) = path.split_first() else {
        found.push(value);
        return;
    };
    match (step, value) {
        (Step::Key(key), Value::Object(map)) => {
            map.get(key).into_iter().for_each(|item| walk(item, rest, found))
        }
        (Step::Each, Value::Array(list)) => list.iter().for_each(|item| walk(item, rest, found)),
        (Step::Where(rules), Value::Object(map)) => {
            let holds = |(key, wanted): &(String, &str)| {
                map.get(key).and_then(shown::plain).as_deref() == Some(wanted)
            };
            if rules.iter().all(holds) {
                walk(value, rest, found);
            }
        }
        (Step::Where(_), Value::Array(list)) => list.iter().for_each(|item| walk(item, path, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::kinds::Kinds;

    #[test]
    fn each_column_has_a_cell() {
        for kind in Kinds::built_in().all() {
            assert_eq!(
                of(&kind.resource()).len(),
                kind.columns.len(),
                "{}",
                kind.resource()
            );
        }
    }
}
