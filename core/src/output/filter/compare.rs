//! How two texts of a list compare: by size where both have one.

use std::cmp::Ordering;

use crate::output::{
    Role,
    size::{parse_age, parse_quantity},
};

/// How `left` stands to `right`, by size where both are numbers, quantities or ages, else as texts without
/// regard to case. None where a size is compared with what has none: neither is greater.
pub(super) fn compare(left: &str, right: &str, role: Role) -> Option<Ordering> {
    match (size(left, role), size(right, role)) {
        (Some(Size::Both { age, .. }), Some(Size::Age(other))) => Some(age.total_cmp(&other)),
        (Some(Size::Age(age)), Some(Size::Both { age: other, .. })) => Some(age.total_cmp(&other)),
        (Some(a), Some(b)) => match (a, b) {
            (Size::Age(a), Size::Age(b)) => Some(a.total_cmp(&b)),
            (
                Size::Quantity(a) | Size::Both { quantity: a, .. },
                Size::Quantity(b) | Size::Both { quantity: b, .. },
            ) => Some(a.total_cmp(&b)),
            _ => None,
        },
        (None, None) => Some(left.to_lowercase().cmp(&right.to_lowercase())),
        _ => None,
    }
}

/// The size that rows are sorted by; none if the text has none.
pub(super) fn sort_size(text: &str, role: Role) -> Option<f64> {
    match size(text, role)? {
        Size::Age(age) => Some(age),
        Size::Quantity(quantity) | Size::Both { quantity, .. } => Some(quantity),
    }
}

enum Size {
    Quantity(f64),
    Age(f64),
    /// `5m` is five minutes or five thousandths: what it is compared with decides.
    Both {
        quantity: f64,
        age: f64,
    },
}

fn size(text: &str, role: Role) -> Option<Size> {
    let text = leading(text.trim());
    // Seconds of an age are far below what f64 holds exactly.
    #[expect(clippy::cast_precision_loss, reason = "an age in seconds is exact in f64")]
    let age = parse_age(text).map(|seconds| seconds as f64);
    let quantity = parse_quantity(text);
    match (age, quantity) {
        (Some(age), _) if role == Role::Age => Some(Size::Age(age)),
        (None, Some(seconds)) if role == Role::Age => Some(Size::Age(seconds)),
        (Some(age), Some(quantity)) => Some(Size::Both { quantity, age }),
        (Some(age), None) => Some(Size::Age(age)),
        (None, Some(quantity)) => Some(Size::Quantity(quantity)),
        (None, None) => None,
    }
}

/// `14` of `14 (2m ago)`: what restarts look like.
fn leading(text: &str) -> &str {
    match text.split_once(char::is_whitespace) {
        Some((first, rest)) if rest.trim_start().starts_with('(') => first,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering::{Equal, Greater, Less};

    use super::*;

    #[test]
    fn texts_compare_by_what_they_mean() {
        for (left, right, role, expected) in [
            ("14 (2m ago)", "5", Role::Number, Some(Greater)),
            ("9", "10", Role::Text, Some(Less)),
            ("51m", "3h", Role::Age, Some(Less)),
            ("90m", "1h", Role::Text, Some(Greater)),
            ("60m", "3600", Role::Age, Some(Equal)),
            ("512Mi", "1Gi", Role::Text, Some(Less)),
            ("100m", "1", Role::Text, Some(Less)),
            ("1000m", "1", Role::Text, Some(Equal)),
            ("Running", "running", Role::Status, Some(Equal)),
            ("", "5", Role::Number, None),
            ("<none>", "5", Role::Number, None),
        ] {
            assert_eq!(compare(left, right, role), expected, "{left} {right}");
        }
    }
}
