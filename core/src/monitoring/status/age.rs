//! Since when an object is.

use jiff::Timestamp;
use serde_json::Value;

use crate::output::size::age;

/// For how long an object may be on its way before that counts as trouble, in seconds.
pub(super) const SETTLING: u64 = 120;

/// An object's age in seconds by its creation time.
pub fn age_of(object: &Value, now: Timestamp) -> Option<u64> {
    let created: Timestamp = object
        .pointer("/metadata/creationTimestamp")?
        .as_str()?
        .parse()
        .ok()?;
    Some(age(created, now))
}
