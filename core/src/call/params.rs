//! Parameter types that operations share. This file is scanned like an operation: see [`Text`](super::Text).

use std::fmt;

use jiff::{Span, Timestamp};

use crate::Text;

/// A kind as a person says it: `po`, `Pod`, `deployments.apps`, `widgets.example.com`, `apps/v1/Deployment`.
/// It is resolved by discovery, see [`Cx::resolve`](super::Cx::resolve).
#[derive(Clone, Debug, PartialEq, Eq, Text)]
#[text(format = "kind")]
pub struct KindRef(pub String);

impl super::Text for KindRef {
    const EXPECTED: &'static str = "a kind such as Pod, deploy or widgets.example.com";

    fn from_text(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() || text.contains(char::is_whitespace) {
            return Err(String::new());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for KindRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A length of time: `90s`, `15m`, `2h`, `1d12h`, or a bare number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Text)]
#[text(format = "duration")]
pub struct Duration(pub std::time::Duration);

impl super::Text for Duration {
    const EXPECTED: &'static str = "a duration such as 90s, 15m, 2h or 1d";

    fn from_text(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(seconds) = text.parse::<u64>() {
            return Ok(Self(std::time::Duration::from_secs(seconds)));
        }
        let span: Span = text.parse().map_err(|_| String::new())?;
        // A day is 24 hours: nobody who asks for the last 2d of logs thinks of time zones.
        let duration = span
            .to_duration(jiff::SpanRelativeTo::days_are_24_hours())
            .map_err(|_| "use days, hours, minutes and seconds".to_owned())?;
        std::time::Duration::try_from(duration)
            .map(Self)
            .map_err(|_| "it must not be negative".to_owned())
    }
}

/// A point in time that is over, said as an age (`15m`, `2h`) or as a time (`2026-07-28T13:41:00Z`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Text)]
#[text(format = "moment")]
pub struct Moment(pub Timestamp);

impl super::Text for Moment {
    const EXPECTED: &'static str = "an age such as 15m, 2h or 1d, or a time such as 2026-07-28T13:41:00Z";

    fn from_text(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let now = Timestamp::now();
        if let Ok(Duration(ago)) = Duration::from_text(text) {
            return now
                .checked_sub(ago)
                .map(Self)
                .map_err(|_| "it is too long ago".to_owned());
        }
        match text.parse() {
            Ok(time) if time > now => Err(format!("it is in the future; now is {now:.0}")),
            Ok(time) => Ok(Self(time)),
            Err(_) => Err(String::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Text as _, *};

    #[test]
    fn what_is_to_come_is_no_moment() {
        let moment = |text: &str| Moment::from_text(text).map(|Moment(time)| time.to_string());
        assert_eq!(moment("2024-07-28T13:41:00Z").unwrap(), "2024-07-28T13:41:00Z");
        assert!(moment("15m").is_ok());
        assert_eq!(moment("banana"), Err(String::new()));
        let future = moment("2099-01-01T00:00:00Z").unwrap_err();
        assert!(future.starts_with("it is in the future; now is 2"), "{future}");
    }
}
