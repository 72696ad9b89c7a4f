//! The difference between two states of an object, as a reader wants it.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::Value;
use similar::{
    ChangeTag,
    algorithms::{Capture, Compact, myers},
};

use super::{Redactor, cleaned, redact, yaml};

/// A diff of two huge objects stops looking for the shortest form after this.
const PATIENCE: Duration = Duration::from_millis(300);

/// Fields of `metadata` that change by themselves whenever anything does.
const BOOKKEEPING: [&str; 5] = [
    "resourceVersion",
    "generation",
    "uid",
    "creationTimestamp",
    "selfLink",
];

/// The difference between two states of an object as unified lines of their YAML, without noise, status and what
/// changes by itself: changed lines, and the keys that they stand under. Empty if nothing else changed. `null`
/// stands for an object that is not there. Secret values are hidden; that one changed is still said.
pub fn diff(before: &Value, after: &Value) -> String {
    Redactor::default().diff(before, after)
}

impl Redactor {
    /// [`diff()`] with this call's knowledge of secret values.
    pub fn diff(&self, before: &Value, after: &Value) -> String {
        let (before, after) = (wanted(before), wanted(after));
        let (mut shown_before, mut shown_after) = (before.clone(), after.clone());
        self.object(&mut shown_before);
        self.object(&mut shown_after);
        mark_changed(&before, &after, &shown_before, &mut shown_after);
        let text = |value: &Value| {
            if value.is_null() {
                String::new()
            } else {
                yaml::block(value)
            }
        };
        lines(&text(&shown_before), &text(&shown_after))
    }
}

/// What was asked for: no noise, no status, no bookkeeping.
fn wanted(object: &Value) -> Value {
    let mut object = cleaned(object);
    if let Some(fields) = object.as_object_mut() {
        fields.shift_remove("status");
        if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
            BOOKKEEPING
                .iter()
                .for_each(|field| _ = metadata.shift_remove(*field));
        }
    }
    object
}

/// Two hidden values of one size look the same: where the values differ, the new one says so.
fn mark_changed(before: &Value, after: &Value, shown_before: &Value, shown_after: &mut Value) {
    match (after, shown_after) {
        (Value::Object(fields), Value::Object(shown)) => {
            for (name, value) in shown {
                let (Some(old), Some(new)) = (before.get(name), fields.get(name)) else {
                    continue;
                };
                mark_changed(old, new, shown_before.get(name).unwrap_or(&Value::Null), value);
            }
        }
        (Value::Array(items), Value::Array(shown)) => {
            for (index, value) in shown.iter_mut().enumerate() {
                let (Some(old), Some(new)) = (before.get(index), items.get(index)) else {
                    continue;
                };
                mark_changed(old, new, shown_before.get(index).unwrap_or(&Value::Null), value);
            }
        }
        (new, Value::String(shown)) if before != new && shown_before.as_str() == Some(shown) => {
            *shown = redact::changed(shown);
        }
        _ => {}
    }
}

fn lines(before: &str, after: &str) -> String {
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let changes = changes(&before, &after);
    // Of what stayed, only the keys above a change are shown, and for an item of a list the line that names it.
    let mut shown = BTreeSet::new();
    for (at, (tag, line)) in changes.iter().enumerate() {
        if *tag == ChangeTag::Equal {
            continue;
        }
        shown.insert(at);
        // A removed line stands under what was there before, an added one under what is there now.
        let other = match tag {
            ChangeTag::Delete => ChangeTag::Insert,
            _ => ChangeTag::Delete,
        };
        let mut level = Level::of(line);
        for (above, (tag, line)) in changes.iter().enumerate().take(at).rev() {
            if level.is_root() {
                break;
            }
            if *tag == other || line.trim().is_empty() {
                continue;
            }
            let here = Level::of(line);
            if here.holds(level) {
                shown.insert(above);
                level = here;
            }
        }
    }
    let mut out = String::new();
    for (tag, line) in shown.iter().filter_map(|at| changes.get(*at)) {
        out.push(match tag {
            ChangeTag::Equal => ' ',
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
        });
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// Every line of both, in order. By one algorithm and not by `TextDiff`, which brings all of them: half a megabyte.
fn changes<'a>(before: &[&'a str], after: &[&'a str]) -> Vec<(ChangeTag, &'a str)> {
    let deadline = Some(Instant::now() + PATIENCE);
    let mut hook = Compact::new(Capture::new(), before, after);
    let Ok(()) = myers::diff_deadline(
        &mut hook,
        before,
        0..before.len(),
        after,
        0..after.len(),
        deadline,
    );
    let ops = hook.into_inner().into_ops();
    ops.iter()
        .flat_map(|op| op.iter_changes(before, after))
        .map(|change| (change.tag(), change.value()))
        .collect()
}

/// Where a line of YAML stands: how far in, and whether it begins an item of a list.
#[derive(Clone, Copy)]
struct Level {
    indent: usize,
    is_item: bool,
}

impl Level {
    fn of(line: &str) -> Self {
        let text = line.trim_start_matches(' ');
        Self {
            indent: line.len() - text.len(),
            is_item: text.starts_with("- ") || text == "-",
        }
    }

    fn is_root(self) -> bool {
        self.indent == 0 && !self.is_item
    }

    /// An item of a list is indented as far as the key that the list stands under.
    fn holds(self, other: Self) -> bool {
        self.indent < other.indent || (other.is_item && !self.is_item && self.indent == other.indent)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workload(image: &str, memory: &str, labels: &Value) -> Value {
        json!({
            "kind": "Deployment", "metadata": {"name": "web", "labels": labels, "resourceVersion": image, "generation": 2},
            "spec": {"replicas": 3, "template": {"spec": {"containers": [
                {"name": "side", "image": "envoy:1"},
                {"name": "web", "image": image, "resources": {"limits": {"cpu": "1", "memory": memory}}},
            ]}}},
            "status": {"observedGeneration": image},
        })
    }

    #[test]
    fn a_changed_value_stands_under_its_keys() {
        let (before, after) = (
            workload("a", "512Mi", &json!({})),
            workload("a", "1Gi", &json!({})),
        );
        let expected = " spec:
   template:
     spec:
       containers:
       - name: web
         resources:
           limits:
-            memory: 512Mi
+            memory: 1Gi
";
        assert_eq!(diff(&before, &after), expected);
    }

    #[test]
    fn additions_and_removals_show_their_keys_once() {
        let (before, after) = (
            workload("a", "1Gi", &json!({"app": "web", "team": "a", "gone": "x"})),
            workload("b", "1Gi", &json!({"app": "web", "team": "b", "tier": "front"})),
        );
        let expected = " metadata:
   labels:
-    team: a
-    gone: x
+    team: b
+    tier: front
 spec:
   template:
     spec:
       containers:
       - name: web
-        image: a
+        image: b
";
        assert_eq!(diff(&before, &after), expected);
        assert_eq!(
            diff(
                &json!({"kind": "ConfigMap"}),
                &json!({"kind": "ConfigMap", "data": {"A": "b"}})
            ),
            "+data:\n+  A: b\n"
        );
    }

    #[test]
    fn what_changes_by_itself_is_no_difference() {
        assert_eq!(
            diff(&workload("a", "1Gi", &json!({})), &{
                let mut after = workload("a", "1Gi", &json!({}));
                after["metadata"]["resourceVersion"] = json!("9");
                after["status"] = json!({"x": 1});
                after
            }),
            ""
        );
    }

    #[test]
    fn secret_values_are_hidden_and_a_change_of_one_is_said() {
        let secret =
            |value: &str| json!({"kind": "Secret", "stringData": {"password": value, "user": "admin-user"}});
        assert_eq!(
            diff(&secret("hunter2hunter2"), &secret("hunter3hunter3")),
            " stringData:\n-  password: <hidden, 14 bytes>\n+  password: <hidden, 14 bytes, changed>\n"
        );
        let map = |value: &str| json!({"kind": "ConfigMap", "data": {"API_TOKEN": value}});
        let shown = diff(&map("abc"), &map("abcdef"));
        assert_eq!(
            shown,
            " data:\n-  API_TOKEN: <hidden, 3 bytes>\n+  API_TOKEN: <hidden, 6 bytes>\n"
        );
    }

    #[test]
    fn a_new_and_a_deleted_object_are_shown_whole() {
        let map = json!({"kind": "ConfigMap", "data": {"A": "b"}});
        assert_eq!(diff(&Value::Null, &map), "+kind: ConfigMap\n+data:\n+  A: b\n");
        assert_eq!(diff(&map, &Value::Null), "-kind: ConfigMap\n-data:\n-  A: b\n");
    }
}
