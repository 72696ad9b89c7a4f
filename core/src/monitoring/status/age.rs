//! Ages as kubectl writes them.

use jiff::Timestamp;
use serde_json::Value;

/// For how long an object may be on its way before that counts as trouble, in seconds.
pub(super) const SETTLING: u64 = 120;

/// The seconds of an age such as `51m`, `3d4h`, `2y13d` or `12s`; none for anything else.
pub fn parse_age(text: &str) -> Option<u64> {
    let mut total = 0u64;
    let mut number: Option<u64> = None;
    for byte in text.bytes() {
        if byte.is_ascii_digit() {
            let digit = u64::from(byte - b'0');
            number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(digit)?);
            continue;
        }
        let unit = match byte {
            b's' => 1,
            b'm' => 60,
            b'h' => 3_600,
            b'd' => 86_400,
            b'y' => 31_536_000,
            _ => return None,
        };
        total = total.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    (number.is_none() && !text.is_empty()).then_some(total)
}

/// Seconds as a short age, as lists show it: one unit, or two where the first is small.
pub fn short_age(seconds: u64) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    const YEAR: u64 = 365 * DAY;
    match seconds {
        s if s < 2 * MINUTE => format!("{s}s"),
        s if s < 3 * HOUR => format!("{}m", s / MINUTE),
        s if s < 2 * DAY => format!("{}h", s / HOUR),
        s if s < 2 * YEAR => format!("{}d", s / DAY),
        s => format!("{}y", s / YEAR),
    }
}

/// An object's age in seconds by its creation time.
pub fn age_of(object: &Value, now: Timestamp) -> Option<u64> {
    let created: Timestamp = object
        .pointer("/metadata/creationTimestamp")?
        .as_str()?
        .parse()
        .ok()?;
    Some(u64::try_from(now.as_second() - created.as_second()).unwrap_or(0))
}
