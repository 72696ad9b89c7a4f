//! The log on stderr.
//!
//! Audit lines are let through whatever the level is, each as it is: a line of JSON. Two neighbours are
//! silenced unless the filter names them: rmcp logs the bodies of messages, and kube's client those of answers,
//! and either may hold a secret.

use std::fmt;

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer as _,
    filter::{LevelFilter, Targets, filter_fn},
    fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter, format::Writer},
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use crate::{Error, config::LogFormat};

/// The target of audit lines.
pub(super) const AUDIT_TARGET: &str = "audit";

/// Crates that say too much, and how much they may say.
const QUIET: &[(&str, LevelFilter)] = &[
    ("rmcp", LevelFilter::OFF),
    ("kube_client", LevelFilter::ERROR),
    ("hyper", LevelFilter::WARN),
    ("hyper_util", LevelFilter::WARN),
    ("rustls", LevelFilter::WARN),
    ("tower", LevelFilter::WARN),
];

/// Sends the log to stderr, as `filter` and `format` say. To be called once, by the program.
///
/// # Errors
/// If the filter is none, e.g. `info` or `warn,kube_mcp=debug`; or if a log has been set up already.
pub fn init(filter: &str, format: LogFormat) -> Result<(), Error> {
    subscriber(filter, format, std::io::stderr)?
        .try_init()
        .map_err(|error| Error::internal(format!("the log is set up already: {error}")))
}

fn subscriber<W>(
    filter: &str,
    format: LogFormat,
    writer: W,
) -> Result<impl Subscriber + Send + Sync + use<W>, Error>
where
    W: for<'a> MakeWriter<'a> + Clone + Send + Sync + 'static,
{
    let targets = targets(filter)?;
    let log = tracing_subscriber::fmt::layer()
        .with_writer(writer.clone())
        .with_ansi(false);
    let log = match format {
        LogFormat::Text => log.boxed(),
        LogFormat::Json => log.json().flatten_event(true).boxed(),
    };
    let not_audit = filter_fn(|metadata| metadata.target() != AUDIT_TARGET);
    let audit = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .event_format(Bare)
        .with_filter(Targets::new().with_target(AUDIT_TARGET, Level::INFO));
    Ok(tracing_subscriber::registry()
        .with(log.with_filter(not_audit).with_filter(targets))
        .with(audit))
}

fn targets(filter: &str) -> Result<Targets, Error> {
    let wrong = |part: &str| {
        Error::invalid(format!(
            "log filter `{part}`: expected a level (off, error, warn, info, debug, trace) or target=level, \
             separated by commas"
        ))
    };
    // A word that is no level would count as a target and let everything of it through.
    if let Some(part) = filter
        .split(',')
        .find(|part| !part.contains('=') && part.trim().parse::<LevelFilter>().is_err())
    {
        return Err(wrong(part.trim()));
    }
    let given: Targets = filter.parse().map_err(|_| wrong(filter))?;
    let named: Vec<String> = given.iter().map(|(target, _)| target.to_owned()).collect();
    let is_named = |krate: &str| {
        named.iter().any(|target| {
            target == krate
                || target
                    .strip_prefix(krate)
                    .is_some_and(|rest| rest.starts_with("::"))
        })
    };
    let quiet = QUIET.iter().filter(|(krate, _)| !is_named(krate));
    Ok(given.clone().with_targets(quiet.map(|(krate, most)| {
        // Never louder than what was asked for.
        let asked = given.default_level().unwrap_or(LevelFilter::OFF);
        (*krate, asked.min(*most))
    })))
}

/// Writes an event's message and nothing else.
struct Bare;

impl<S, N> FormatEvent<S, N> for Bare
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        struct Message<'a, 'w> {
            writer: &'a mut Writer<'w>,
            result: fmt::Result,
        }
        impl Visit for Message<'_, '_> {
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                if field.name() == "message" {
                    self.result = write!(self.writer, "{value:?}");
                }
            }
        }
        let mut message = Message {
            writer: &mut writer,
            result: Ok(()),
        };
        event.record(&mut message);
        message.result?;
        writeln!(writer)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(filter: &str, format: LogFormat, log: impl FnOnce()) -> String {
        let sink = Sink::default();
        let writer = sink.clone();
        let subscriber = subscriber(filter, format, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, log);
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn audit_lines_pass_every_level_as_they_are() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let text = logged("error", format, || {
                tracing::info!(target: AUDIT_TARGET, "{}", r#"{"tool":"x"}"#);
                tracing::info!("not this");
            });
            assert_eq!(text, "{\"tool\":\"x\"}\n");
        }
    }

    #[test]
    fn json_is_one_object_a_line() {
        let text = logged("info", LogFormat::Json, || tracing::info!(tool = "x", "called"));
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["message"], "called");
        assert_eq!(line["tool"], "x");
    }

    #[test]
    fn neighbours_are_quiet_unless_they_are_named() {
        let speak = || {
            tracing::error!(target: "rmcp::service", "body");
            tracing::warn!(target: "kube_client::client", "body");
            tracing::debug!(target: "kube_mcp_core::engine", "ours");
        };
        assert!(!logged("debug", LogFormat::Text, speak).contains("body"));
        assert!(logged("debug", LogFormat::Text, speak).contains("ours"));
        assert!(logged("warn,kube_client=debug", LogFormat::Text, speak).contains("body"));
        assert_eq!(logged("off", LogFormat::Text, speak), "");
    }

    #[test]
    fn a_wrong_filter_says_what_was_expected() {
        let error = init("loud", LogFormat::Text).unwrap_err();
        assert!(
            error.message.contains("`loud`") && error.message.contains("debug"),
            "{error}"
        );
    }
}
