//! What containers do, as their images tell it: no container of the embedded cluster runs.
//!
//! The text is YAML, a list of behaviours. The first whose `image` and `when` fit a container is its. All durations
//! count from the container's start; each field but `image` may be left out.
//!
//! ```yaml
//! - image: registry.shop.example/checkout:2.4.0   # exactly this one; or, ending in `*`, all that begin so
//!   when:                        # which containers of this image are meant; all must hold
//!     env: {PAYMENT_URL: absent, REGION: eu-1}   # not set, set to this
//!   pull:
//!     takes: 2s                  # 1s if left out
//!     size: 48Mi                 # of the image
//!     error: true                # it is never pulled
//!   log:
//!   - {at: 0s, line: "INFO checkout 2.4.0 starts"}      # once
//!   - at: 1s                     # more lines than one are so many lines of the log
//!     line: |
//!       panic: PAYMENT_URL is not set
//!       goroutine 1 [running]:
//!   - {every: 30s, from: 5s, line: "INFO $N orders by $HOSTNAME, mode $MODE at $TIME"}
//!   - {every: 7s, lines: ["GET / 200", "GET /cart 200", "GET /cart 404"]}   # one after another, over and over
//!   exit: {after: 4s, code: 1}   # ends by itself
//!   stop: {takes: 3s}            # how long it takes to end when it is asked to (SIGTERM)
//!   ready: {after: 3s, message: "HTTP probe failed with statuscode: 503"}   # what its readiness probe finds
//!   live: {after: never}         # its liveness probe
//!   usage: {cpu: 120m, memory: 90Mi, grows: 2Mi}   # grows by so much a minute
//! ```
//!
//! In lines, `$HOSTNAME` is the pod's name, `$TIME` the time of the line, `$N` the number of the time it is written
//! (from 1), and any other `$NAME` or `${NAME}` the container's environment. Repeated lines come a little irregularly.
//!
//! A probe succeeds from `after` on, at once if that is left out. Memory that grows past the container's limit gets it
//! killed (OOMKilled, 137); what grows without a limit grows on.
//!
//! An image of which nothing is said runs for ever without a word, unless its host ends in `.example`,
//! `.example.com` or `.invalid`, or it is named by digest: it is not found then.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;

use crate::controllers::quantity;

/// The behaviours of all images that have one.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Images(Vec<Behaviour>);

/// What the containers of an image do.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Behaviour {
    image: String,
    #[serde(default)]
    when: When,
    #[serde(default)]
    pull: Pull,
    #[serde(default)]
    pub(super) log: Vec<Entry>,
    pub(super) exit: Option<Exit>,
    #[serde(default)]
    pub(super) stop: Stop,
    #[serde(default)]
    pub(super) ready: Finding,
    #[serde(default)]
    pub(super) live: Finding,
    #[serde(default)]
    pub(super) usage: Usage,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct When {
    #[serde(default)]
    env: BTreeMap<String, String>,
}

/// How an image comes to a node.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pull {
    pub(super) takes: Option<Span>,
    pub(super) size: Option<Amount>,
    /// Whether the registry does not have it.
    #[serde(default)]
    pub(super) error: bool,
}

/// Lines of a log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    #[serde(default)]
    pub(super) at: Span,
    pub(super) every: Option<Span>,
    #[serde(default)]
    pub(super) from: Span,
    #[serde(default)]
    pub(super) line: String,
    #[serde(default)]
    pub(super) lines: Vec<String>,
}

/// How a container ends by itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exit {
    pub(super) after: Span,
    #[serde(default)]
    pub(super) code: i32,
}

/// How a container ends when it is asked to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stop {
    #[serde(default)]
    pub(super) takes: Span,
}

/// What a probe finds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Finding {
    /// When it begins to succeed.
    #[serde(default)]
    pub(super) after: Span,
    pub(super) message: Option<String>,
}

/// What a container takes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Usage {
    pub(super) cpu: Option<Amount>,
    memory: Option<Amount>,
    /// By so much a minute.
    pub(super) grows: Option<Amount>,
}

/// A duration, as `90s` or `1h 30m`, or `never`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Span(pub(super) Duration);

/// The time that never comes.
pub(super) const NEVER: Span = Span(Duration::from_hours(24 * 365 * 100));

/// An amount, as `120m` or `90Mi`, in thousandths.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Amount(pub(super) i64);

impl Images {
    /// The behaviours that a text tells.
    ///
    /// # Errors
    /// If it is no such text; the message says where.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        serde_yaml::from_str(text)
            .map(Self)
            .map_err(|error| error.to_string())
    }

    /// The behaviour of a container of this image.
    pub(super) fn of(&self, image: &str, env: &BTreeMap<String, String>) -> Option<&Behaviour> {
        self.0
            .iter()
            .find(|behaviour| behaviour.is_of(image) && behaviour.when.holds(env))
    }

    /// How an image is pulled, whatever its containers do.
    pub(super) fn pull(&self, image: &str) -> Pull {
        if let Some(behaviour) = self.0.iter().find(|behaviour| behaviour.is_of(image)) {
            return behaviour.pull.clone();
        }
        let host = image.split_once('/').map_or("", |(host, _)| host);
        let reserved = [".example", ".example.com", ".invalid"];
        let is_reserved = reserved.iter().any(|end| format!(".{host}").ends_with(end));
        Pull {
            error: is_reserved || image.contains("@sha256:"),
            ..Pull::default()
        }
    }
}

impl Behaviour {
    fn is_of(&self, image: &str) -> bool {
        match self.image.strip_suffix('*') {
            Some(start) => image.starts_with(start),
            None => self.image == image,
        }
    }
}

impl When {
    fn holds(&self, env: &BTreeMap<String, String>) -> bool {
        let mut wanted = self.env.iter();
        wanted.all(|(name, wanted)| env.get(name).map_or("absent", String::as_str) == wanted)
    }
}

impl Usage {
    /// The bytes that are taken after a time.
    pub(super) fn at(&self, age: Duration) -> i64 {
        let start = self.memory.map_or(8 << 20, |memory| memory.0 / 1000);
        let seconds = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        let grown = self
            .grows
            .map_or(0, |grows| (grows.0 / 60_000).saturating_mul(seconds));
        start.saturating_add(grown)
    }

    /// After which time so many bytes are taken; `None` for never.
    pub(super) fn reaches(&self, bytes: i64) -> Option<Duration> {
        let left = bytes - self.at(Duration::ZERO);
        if left <= 0 {
            return Some(Duration::from_millis(300));
        }
        let grows = self
            .grows
            .map(|grows| grows.0 / 60_000)
            .filter(|grows| *grows > 0)?;
        Some(Duration::from_secs((left / grows).unsigned_abs()))
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "never" {
            return Ok(NEVER);
        }
        let span: jiff::SignedDuration = text.parse().map_err(|error| format!("{error}"))?;
        let span = Duration::try_from(span).ok().filter(|span| *span < NEVER.0);
        span.map(Self)
            .ok_or_else(|| format!("{text} is no time that comes"))
    }
}

impl TryFrom<String> for Amount {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let amount = quantity::milli(&text).map(Self);
        amount.ok_or_else(|| format!("{text} is no amount, as 120m or 90Mi"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_demo_tells_of_its_images_can_be_read() {
        let images = Images::read(include_str!("../../story/images.yaml")).expect("the story's images");
        let checkout = "registry.shop.example/checkout:2.4.0";
        let mut env = BTreeMap::new();
        let crashes = images.of(checkout, &env).expect("a behaviour");
        assert_eq!(crashes.exit.as_ref().map(|exit| exit.code), Some(1));
        env.insert("PAYMENT_URL".to_owned(), "http://payments".to_owned());
        let serves = images.of(checkout, &env).expect("a behaviour");
        assert!(serves.exit.is_none());
        assert!(images.pull("registry.example.com/shop/x:1").error);
        assert!(!images.pull("busybox").error);
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let told = Images::read("- image: x\n  exit: {after: soon}\n").expect_err("no duration");
        assert!(told.contains("line 2"), "{told}");
    }
}
