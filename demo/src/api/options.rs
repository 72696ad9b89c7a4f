//! How a write is meant: `dryRun`, `fieldManager`, `fieldValidation` and `force`, and what the writer is warned of.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{HeaderMap, HeaderValue, header};

use super::{
    front::Asked,
    status::{Cause, Failure, Result},
};

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
        let manager = self.parameters.get("fieldManager").or(program);
        manager.unwrap_or("unknown").to_owned()
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

    /// Checks the parameters of a write.
    ///
    /// # Errors
    /// 422.
    pub(crate) fn check_options(&self) -> Result<()> {
        let check = |name: &str, known: &[&str]| {
            let given = self.parameters.get(name).filter(|given| !known.contains(given));
            let known: Vec<String> = known.iter().map(|known| format!("{known:?}")).collect();
            given.map(|given| Cause::unsupported(name, &given.into(), &known))
        };
        let applies = self.media() == "application/apply-patch+yaml";
        let nobody = (applies && self.parameters.get("fieldManager").is_none())
            .then(|| Cause::required("fieldManager", "is required for apply patch"));
        let causes = [
            nobody,
            check("dryRun", &["All"]),
            check("fieldValidation", &["Ignore", "Strict", "Warn"]),
        ];
        let causes: Vec<Cause> = causes.into_iter().flatten().collect();
        match causes.is_empty() {
            true => Ok(()),
            false => Err(Failure::invalid_of("meta.k8s.io", "PatchOptions", "", causes)),
        }
    }
}
