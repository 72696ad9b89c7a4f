//! Audit lines: one JSON object for each call.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::Path,
    sync::{Mutex, PoisonError},
};

use serde::Serialize as _;
use serde_json::{Map, Value};

use super::logging::AUDIT_TARGET;
use crate::{
    Error,
    call::{Audit, AuditEntry},
};

/// Writes audit lines to a file, or else to stderr, where [`logging`](super::logging) lets them through whatever
/// the log's level is.
pub struct AuditLog {
    file: Option<Mutex<File>>,
}

impl AuditLog {
    /// A log that is appended to `path`, or to stderr without one.
    ///
    /// # Errors
    /// If the file cannot be opened for appending.
    pub fn open(path: Option<&Path>) -> Result<Self, Error> {
        let file = path
            .map(|path| {
                let mut options = OpenOptions::new();
                options.create(true).append(true);
                #[cfg(unix)]
                {
                    use std::os::unix::fs::OpenOptionsExt as _;
                    options.mode(0o600);
                }
                options.open(path).map(Mutex::new).map_err(|error| {
                    Error::invalid(format!(
                        "cannot append to the audit log {}: {error}",
                        path.display()
                    ))
                })
            })
            .transpose()?;
        Ok(Self { file })
    }
}

impl Audit for AuditLog {
    fn record(&self, entry: &AuditEntry) {
        let line = match line(entry) {
            Ok(line) => line,
            Err(error) => {
                tracing::error!(%error, "an audit line could not be made");
                return;
            }
        };
        match &self.file {
            None => tracing::info!(target: AUDIT_TARGET, "{line}"),
            Some(file) => {
                // One write a line, so that lines of several processes do not mix.
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                if let Err(error) = file.write_all(format!("{line}\n").as_bytes()) {
                    tracing::error!(%error, "an audit line could not be written: {line}");
                }
            }
        }
    }
}

fn line(entry: &AuditEntry) -> Result<String, serde_json::Error> {
    let mut line = Map::new();
    line.insert("time".to_owned(), Value::from(jiff::Timestamp::now().to_string()));
    if let Value::Object(entry) = entry.serialize(serde_json::value::Serializer)? {
        line.extend(entry.into_iter().filter(|(_, value)| !value.is_null()));
    }
    serde_json::to_string(&line)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::call::Access;

    #[test]
    fn a_file_gets_a_line_of_json_for_each_call() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let log = AuditLog::open(Some(&path)).unwrap();
        let entry = AuditEntry {
            caller: "stdio".to_owned(),
            tool: "things_delete".to_owned(),
            cluster: Some("prod-eu".to_owned()),
            namespace: Some("shop".to_owned()),
            kind: None,
            name: Some("web\nforged".to_owned()),
            access: Access::Destructive,
            decision: "asked",
            duration: Duration::from_millis(12),
            result: "ok",
        };
        log.record(&entry);
        AuditLog::open(Some(&path)).unwrap().record(&entry);
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["name"], "web\nforged");
        assert_eq!(lines[0]["access"], "destructive");
        assert_eq!(lines[0]["duration_ms"], 12);
        assert!(lines[0].get("kind").is_none());
        assert!(lines[0]["time"].as_str().unwrap().ends_with('Z'));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_named() {
        let error = AuditLog::open(Some(Path::new("/nonexistent/audit.log")))
            .err()
            .unwrap();
        assert!(error.message.contains("/nonexistent/audit.log"), "{error}");
    }
}
