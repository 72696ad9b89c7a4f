//! What containers do, as their images tell it: no container of the embedded cluster runs.
//!
//! The text is YAML, a list of behaviours. The first whose `image` and `when` fit a container is its. All durations
//! count from the container's start; each field but `image` may be left out.
//!
//! ```yaml
//! - image: registry.shop.example/checkout:2.4.0   # exactly this one; or, ending in `*`, all that begin so
//!   when:                        # which containers of this image are meant; all must hold
//!     env: {PAYMENT_URL: absent, MODE: present, REGION: eu-1}   # not set, set to anything, set to this
//!     args: --worker             # what the command line (command and args) contains
//!   pull:
//!     takes: 2s                  # 1s if left out
//!     size: 48Mi                 # of the image
//!     error: not-found           # or: unauthorized, no-such-host; then it is never pulled
//!   log:
//!   - {at: 0s, line: "INFO checkout 2.4.0 starts"}      # once
//!   - at: 1s                     # more lines than one are so many lines of the log
//!     line: |
//!       panic: PAYMENT_URL is not set
//!       goroutine 1 [running]:
//!   - {every: 30s, from: 5s, until: 10m, line: "INFO $N orders by $HOSTNAME, mode $MODE at $TIME"}
//!   - {every: 7s, lines: ["GET / 200", "GET /cart 200", "GET /cart 404"]}   # one after another, over and over
//!   exit: {after: 4s, code: 1}   # ends by itself; `reason` is `Completed` or `Error` by the code if left out
//!   stop: {takes: 3s, code: 0}   # how it ends when it is asked to (SIGTERM); at once, with 0, if left out
//!   started: {after: 20s}        # what its startup probe finds, if it has one
//!   ready: {after: 3s, until: 5m, message: "HTTP probe failed with statuscode: 503"}   # its readiness probe
//!   live: {until: 5m, message: "HTTP probe failed with statuscode: 500"}   # its liveness probe: it is restarted
//!   usage: {cpu: 120m, memory: 90Mi, grows: 2Mi, to: 400Mi}   # grows by so much a minute, up to `to` if that is given
//! ```
//!
//! In lines, `$HOSTNAME` is the pod's name, `$TIME` the time of the line, `$N` the number of the time it is written
//! (from 1), and any other `$NAME` or `${NAME}` the container's environment. Repeated lines come a little irregularly.
//!
//! A probe succeeds from `after` to `until`; `after: never` is a probe that never succeeds. What is not said
//! succeeds always. Memory that grows past the container's limit gets it killed (OOMKilled, 137); what grows without
//! a limit grows on.
//!
//! An image of which nothing is said runs for ever without a word, unless its host ends in `.example`,
//! `.example.com`, `.invalid` or the like, or it is named by digest: it is not found then.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::controllers::quantity;

/// The behaviours of all images that have one.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Images(Vec<Behaviour>);

/// What the containers of an image do.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Behaviour {
    image: String,
    #[serde(default)]
    when: When,
    #[serde(default)]
    pub(crate) pull: Pull,
    #[serde(default)]
    pub(crate) log: Vec<Entry>,
    pub(crate) exit: Option<Exit>,
    #[serde(default)]
    pub(crate) stop: Stop,
    #[serde(default)]
    pub(crate) started: Finding,
    #[serde(default)]
    pub(crate) ready: Finding,
    #[serde(default)]
    pub(crate) live: Finding,
    #[serde(default)]
    pub(crate) usage: Usage,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct When {
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    args: String,
}

/// How an image comes to a node.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pull {
    pub(crate) takes: Option<Span>,
    pub(crate) size: Option<Amount>,
    pub(crate) error: Option<PullError>,
}

/// Why an image cannot be pulled.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PullError {
    /// The registry does not have it.
    NotFound,
    /// The registry does not let us.
    Unauthorized,
    /// There is no such registry.
    NoSuchHost,
}

/// Lines of a log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    #[serde(default)]
    pub(crate) at: Span,
    pub(crate) every: Option<Span>,
    #[serde(default)]
    pub(crate) from: Span,
    pub(crate) until: Option<Span>,
    #[serde(default)]
    pub(crate) line: String,
    #[serde(default)]
    pub(crate) lines: Vec<String>,
}

/// How a container ends by itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exit {
    pub(crate) after: Span,
    #[serde(default)]
    pub(crate) code: i32,
    pub(crate) reason: Option<String>,
}

/// How a container ends when it is asked to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stop {
    #[serde(default)]
    pub(crate) takes: Span,
    #[serde(default)]
    pub(crate) code: i32,
}

/// What a probe finds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Finding {
    #[serde(default)]
    pub(crate) after: Moment,
    pub(crate) until: Option<Span>,
    pub(crate) message: Option<String>,
}

/// What a container takes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Usage {
    pub(crate) cpu: Option<Amount>,
    pub(crate) memory: Option<Amount>,
    pub(crate) grows: Option<Amount>,
    pub(crate) to: Option<Amount>,
}

/// A duration, as `90s` or `1h 30m`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span(pub(crate) Duration);

/// A time after the start that may never come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(pub(crate) Option<Duration>);

/// An amount, as `120m` or `90Mi`, in thousandths.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amount(pub(crate) i64);

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
    pub(crate) fn of(&self, image: &str, args: &str, env: &BTreeMap<String, String>) -> Option<&Behaviour> {
        self.0
            .iter()
            .find(|behaviour| behaviour.is_of(image) && behaviour.when.holds(args, env))
    }

    /// How an image is pulled, whatever its containers do.
    pub(crate) fn pull(&self, image: &str) -> Pull {
        if let Some(behaviour) = self.0.iter().find(|behaviour| behaviour.is_of(image)) {
            return behaviour.pull.clone();
        }
        let host = image.split_once('/').map_or("", |(host, _)| host);
        let host = host.split_once(':').map_or(host, |(host, _)| host);
        let is_reserved = [
            ".example",
            ".example.com",
            ".example.org",
            ".example.net",
            ".invalid",
            ".test",
        ]
        .iter()
        .any(|end| host.ends_with(end) || host == &end[1..]);
        let error = match image.contains("@sha256:") {
            is_named if is_named || is_reserved => Some(PullError::NotFound),
            _ => None,
        };
        Pull {
            error,
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

impl Finding {
    /// That of a probe that never succeeds.
    pub(crate) fn never(message: Option<String>) -> Self {
        Self {
            after: Moment(None),
            until: None,
            message,
        }
    }
}

impl Usage {
    /// The bytes that are taken after a time.
    pub(crate) fn at(&self, age: Duration) -> i64 {
        let millis = i128::try_from(age.as_millis()).unwrap_or(i128::MAX);
        let grown = self
            .grows
            .map_or(0, |grows| i128::from(grows.0) * millis / 60_000);
        let most = self.to.map_or(i128::from(i64::MAX), |to| i128::from(to.0));
        let taken = (i128::from(self.memory.map_or((8 << 20) * 1000, |memory| memory.0)) + grown).min(most);
        i64::try_from(taken / 1000).unwrap_or(i64::MAX)
    }

    /// After which time so many bytes are taken; `None` for never.
    pub(crate) fn reaches(&self, bytes: i64) -> Option<Duration> {
        if self.at(Duration::ZERO) >= bytes {
            return Some(Duration::from_millis(300));
        }
        if self.to.is_some_and(|to| to.0 / 1000 < bytes) {
            return None;
        }
        let left = bytes - self.at(Duration::ZERO);
        let grows = self.grows.filter(|grows| grows.0 > 0)?.0 / 1000;
        Some(Duration::from_millis(
            u64::try_from(i128::from(left) * 60_000 / i128::from(grows.max(1))).ok()?,
        ))
    }
}

impl When {
    fn holds(&self, args: &str, env: &BTreeMap<String, String>) -> bool {
        args.contains(&self.args)
            && self.env.iter().all(|(name, wanted)| match wanted.as_str() {
                "absent" => !env.contains_key(name),
                "present" => env.contains_key(name),
                wanted => env.get(name).is_some_and(|value| value == wanted),
            })
    }
}

impl Default for Moment {
    fn default() -> Self {
        Self(Some(Duration::ZERO))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let span: jiff::SignedDuration = text.parse().map_err(D::Error::custom)?;
        Duration::try_from(span).map(Self).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "never" {
            return Ok(Self(None));
        }
        let span: jiff::SignedDuration = text.parse().map_err(D::Error::custom)?;
        Duration::try_from(span)
            .map(|span| Self(Some(span)))
            .map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        quantity::milli(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("{text} is no amount, as 120m or 90Mi")))
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
        let crashes = images.of(checkout, "", &env).expect("a behaviour");
        assert_eq!(crashes.exit.as_ref().map(|exit| exit.code), Some(1));
        env.insert("PAYMENT_URL".to_owned(), "http://payments".to_owned());
        let serves = images.of(checkout, "", &env).expect("a behaviour");
        assert!(serves.exit.is_none());
        assert!(images.pull("registry.example.com/shop/x:1").error.is_some());
        assert!(images.pull("busybox").error.is_none());
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let told = Images::read("- image: x\n  exit: {after: soon}\n").expect_err("no duration");
        assert!(told.contains("line 2"), "{told}");
    }
}
