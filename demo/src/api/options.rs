//! How a write is meant: `dryRun`, `fieldManager`, `fieldValidation` and `force`, and what the writer is warned of.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{HeaderMap, HeaderValue, header};

use super::{
    front::Asked,
    status::{Cause, Failure, Result},
};

/// How long the name of a field manager may be.
const LONGEST_MANAGER: usize = 128;

/// What the answer of a request warns of, whether it succeeds or not. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    /// Warns, once.
    pub(crate) fn add(&self, warning: impl Into<String>) {
        let warning = warning.into();
        let mut all = self.all();
        if !all.contains(&warning) {
            all.push(warning);
        }
    }

    /// Puts the warnings into an answer.
    pub(crate) fn put(&self, headers: &mut HeaderMap) {
        for warning in self.all().iter() {
            if let Ok(value) = HeaderValue::from_str(&format!("299 - {warning:?}")) {
                headers.append(header::WARNING, value);
            }
        }
    }

    fn all(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    /// The type of the body, without parameters.
    pub(crate) fn media(&self) -> String {
        let media = self.headers.get(header::CONTENT_TYPE);
        let media = media.and_then(|value| value.to_str().ok()).unwrap_or_default();
        media
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    }

    /// Who writes: the field manager that the request names, or the program that makes it.
    pub(crate) fn manager(&self) -> String {
        let agent = self
            .headers
            .get(header::USER_AGENT)
            .and_then(|agent| agent.to_str().ok());
        let program = agent
            .and_then(|agent| agent.split('/').next())
            .filter(|program| !program.is_empty());
        let manager = self
            .parameters
            .get("fieldManager")
            .or(program)
            .unwrap_or("unknown");
        manager.chars().take(LONGEST_MANAGER).collect()
    }

    /// Treats fields that are unknown or there twice as the request asks for (`fieldValidation`): ignores them, warns
    /// of them, or gives what to refuse them with.
    pub(crate) fn mistakes(&self, mistakes: Vec<String>) -> Option<String> {
        match self.parameters.get("fieldValidation") {
            Some("Ignore") => None,
            Some("Strict") => Some(mistakes.join(", ")).filter(|told| !told.is_empty()),
            _ => {
                mistakes
                    .into_iter()
                    .for_each(|mistake| self.warnings.add(mistake));
                None
            }
        }
    }

    /// Checks the parameters of a write; `sort` is `CreateOptions`, `UpdateOptions` or `PatchOptions`.
    ///
    /// # Errors
    /// 422.
    pub(crate) fn check_options(&self, sort: &str) -> Result<()> {
        let mut causes = Vec::new();
        let mut wrong = |field: &str, reason, message: String| {
            causes.push(Cause {
                reason,
                message,
                field: field.to_owned(),
            });
        };
        let applies = sort == "PatchOptions" && self.media().starts_with("application/apply-patch");
        let manager = self.parameters.get("fieldManager").unwrap_or_default();
        if applies && manager.is_empty() {
            let message = "Required value: is required for apply patch".to_owned();
            wrong("fieldManager", "FieldValueRequired", message);
        }
        if self.parameters.get("force").is_some() && sort == "PatchOptions" && !applies {
            let message = "Forbidden: may not be specified for non-apply patch".to_owned();
            wrong("force", "FieldValueForbidden", message);
        }
        if manager.len() > LONGEST_MANAGER {
            let message = format!("Too long: may not be more than {LONGEST_MANAGER} bytes");
            wrong("fieldManager", "FieldValueTooLong", message);
        }
        if let Some((place, odd)) = manager.chars().enumerate().find(|(_, char)| char.is_control()) {
            let odd = u32::from(odd);
            let message =
                format!("Invalid value: {manager:?}: invalid character U+{odd:04X} (at position {place})");
            wrong("fieldManager", "FieldValueInvalid", message);
        }
        match self.parameters.get("dryRun") {
            None | Some("All") => {}
            Some(other) => {
                let message = format!("Unsupported value: [{other:?}]: supported values: \"All\"");
                wrong("dryRun", "FieldValueNotSupported", message);
            }
        }
        match self.parameters.get("fieldValidation") {
            None | Some("Ignore" | "Strict" | "Warn") => {}
            Some(other) => {
                let known = r#""", "Ignore", "Strict", "Warn""#;
                let message = format!("Unsupported value: {other:?}: supported values: {known}");
                wrong("fieldValidation", "FieldValueNotSupported", message);
            }
        }
        match causes.is_empty() {
            true => Ok(()),
            false => Err(Failure::invalid_of("meta.k8s.io", sort, "", causes)),
        }
    }
}
