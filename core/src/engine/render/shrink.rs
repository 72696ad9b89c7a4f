//! Cuts a value to a size where it is least missed: long lists and texts first, each cut counted.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::output::size::{counted, grouped};

/// Below this nothing of a value can be shown.
const LEAST: usize = 40;

/// Cuts `value` to about `room` bytes of JSON. Gives what was cut, by path.
pub(super) fn shrink(value: &mut Value, room: usize) -> Vec<String> {
    let mut cuts = Vec::new();
    cut(value, room, "", &mut cuts);
    cuts
}

fn size(value: &Value) -> usize {
    match value {
        Value::Object(fields) => {
            fields
                .iter()
                .map(|(name, value)| name.len() + 4 + size(value))
                .sum::<usize>()
                + 2
        }
        Value::Array(items) => items.iter().map(|item| size(item) + 1).sum::<usize>() + 2,
        Value::String(text) => text.len() + 2,
        Value::Null | Value::Bool(_) => 5,
        Value::Number(number) => number.to_string().len(),
    }
}

fn cut(value: &mut Value, room: usize, path: &str, cuts: &mut Vec<String>) {
    let whole = size(value);
    if whole <= room {
        return;
    }
    let said = |cuts: &mut Vec<String>, what: String| {
        cuts.push(format!(
            "{} ({what})",
            if path.is_empty() { "the object" } else { path }
        ));
    };
    match value {
        Value::String(text) => {
            let mut end = room.saturating_sub(LEAST).min(text.len());
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let left = text.len() - end;
            said(cuts, format!("{} of {} bytes", grouped(end), grouped(text.len())));
            text.truncate(end);
            text.push_str(&format!("… (+{} bytes)", grouped(left)));
        }
        Value::Array(items) => {
            let (mut spent, mut kept) = (2, 0);
            for item in items.iter() {
                spent += size(item) + 1;
                if spent + LEAST > room {
                    break;
                }
                kept += 1;
            }
            let count = items.len();
            if kept == 0 && room > 3 * LEAST {
                // Something of the first item says more than the number of items alone.
                if let Some(first) = items.first_mut() {
                    cut(first, room - LEAST, &format!("{path}[0]"), cuts);
                }
                kept = 1;
            }
            items.truncate(kept);
            if kept < count {
                said(cuts, format!("{} of {} items", grouped(kept), grouped(count)));
                items.push(Value::String(format!("… (+{})", counted(count - kept, "item"))));
            }
        }
        Value::Object(fields) if room < LEAST || fields.is_empty() => {
            said(cuts, format!("{} bytes", grouped(whole)));
            *value = Value::String(format!("… ({} bytes)", grouped(whole)));
        }
        Value::Object(fields) => share(fields, room, path, cuts),
        _ => {}
    }
}

/// Small fields stay; what they leave is shared among the large ones.
fn share(fields: &mut Map<String, Value>, room: usize, path: &str, cuts: &mut Vec<String>) {
    let mut sizes: Vec<(String, usize)> = fields
        .iter()
        .map(|(name, value)| (name.clone(), name.len() + 4 + size(value)))
        .collect();
    sizes.sort_by_key(|(_, size)| *size);
    let (mut room, mut left) = (room, sizes.len());
    let mut gone = HashSet::new();
    for (name, size) in sizes {
        let share = room / left.max(1);
        left -= 1;
        // Where no large one would have room for anything, small ones stay as long as there is any.
        if size <= share || (share < LEAST && size <= room) {
            room -= size;
            continue;
        }
        if share < LEAST {
            gone.insert(name);
            continue;
        }
        if let Some(value) = fields.get_mut(&name) {
            let below = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            cut(value, share.saturating_sub(name.len() + 4), &below, cuts);
            room = room.saturating_sub(name.len() + 4 + self::size(value));
        }
    }
    if !gone.is_empty() {
        fields.retain(|name, _| !gone.contains(name));
        let gone = gone.len();
        cuts.push(format!(
            "{} ({})",
            if path.is_empty() { "the object" } else { path },
            counted(gone, "more field")
        ));
        fields.insert(
            "…".to_owned(),
            Value::String(format!("+{}", counted(gone, "field"))),
        );
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_large_is_cut_and_what_is_small_stays() {
        let mut value = json!({
            "kind": "ConfigMap", "metadata": {"name": "a"},
            "data": {"small": "x", "large": "é".repeat(5_000)},
            "list": (0..500).map(|index| json!({"index": index})).collect::<Vec<_>>(),
        });
        let cuts = shrink(&mut value, 1_000);
        assert!(size(&value) <= 1_100, "{}", size(&value));
        assert_eq!(value["metadata"]["name"], "a");
        assert_eq!(value["data"]["small"], "x");
        assert!(value["data"]["large"].as_str().unwrap().ends_with(" bytes)"));
        assert!(
            value["list"]
                .as_array()
                .unwrap()
                .last()
                .unwrap()
                .as_str()
                .unwrap()
                .starts_with("… (+")
        );
        assert_eq!(cuts.len(), 2);
        assert!(
            cuts[0].starts_with("list (") && cuts[0].ends_with(" of 500 items)"),
            "{cuts:?}"
        );
        assert!(
            cuts[1].starts_with("data.large (") && cuts[1].ends_with(" of 10,000 bytes)"),
            "{cuts:?}"
        );
    }

    #[test]
    fn small_fields_do_not_go_for_a_part_of_a_large_one() {
        let mut state = json!({
            "containerID": "containerd://".repeat(6), "exitCode": 1, "reason": "Error",
            "startedAt": "2026-11-23T11:33:31Z", "finishedAt": "2026-11-23T11:33:31Z",
        });
        let cuts = shrink(&mut state, 90);
        assert_eq!(
            state,
            json!({"exitCode": 1, "reason": "Error", "startedAt": "2026-11-23T11:33:31Z", "…": "+2 fields"})
        );
        assert_eq!(cuts, ["the object (2 more fields)"]);
    }

    #[test]
    fn many_small_fields_are_counted() {
        let mut value: Value = (0..1_000)
            .map(|index| (format!("key-{index:04}"), json!("value")))
            .collect::<Map<_, _>>()
            .into();
        let cuts = shrink(&mut value, 500);
        assert!(size(&value) <= 600, "{}", size(&value));
        assert_eq!(cuts.len(), 1);
        assert!(cuts[0].starts_with("the object ("));
    }
}
