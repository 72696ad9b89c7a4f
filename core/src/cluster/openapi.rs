//! The documents that describe a cluster's kinds: OpenAPI v3, one for each group version
//! (KEP-2896). An index names them, each with a hash of what it holds.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde::Deserialize;

use super::{Client, Resource, schema::Schemas};
use crate::{Error, ErrorKind};

/// How much text the documents that are kept were read from, in bytes. Parsed, one takes about as much memory as
/// its text, so that a cluster whose every group was asked about costs no more than this; the two that are asked
/// about most, `v1` and `apps/v1`, have 2.3 MB.
const KEPT: usize = 6 << 20;

/// The documents of one cluster that were asked for lately.
#[derive(Debug, Default)]
pub(super) struct Documents {
    /// The last one used comes last.
    kept: Mutex<Vec<Kept>>,
    /// Held while one is fetched: many callers at once would each hold megabytes of the same text.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Kept {
    /// Where it came from. The hash in it makes a document that has changed another one.
    url: String,
    size: usize,
    schemas: Arc<Schemas>,
}

/// `/openapi/v3`.
#[derive(Deserialize)]
struct Index {
    #[serde(default)]
    paths: HashMap<String, Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "serverRelativeURL")]
    url: String,
}

impl Documents {
    /// The schemas of a kind's group version. The index is asked for each time, and so a definition that was
    /// changed is seen at once; it is small.
    ///
    /// # Errors
    /// If the cluster publishes none for this group version; the others as they come, explained.
    pub(super) async fn of(&self, client: &Client, resource: &Resource) -> Result<Arc<Schemas>, Error> {
        let index: Index = match client.get_path("/openapi/v3").await {
            Err(error) if error.kind == ErrorKind::NotFound => {
                return Err(Error::not_found(format!(
                    "{} publishes no schemas: its API server has no OpenAPI v3 (Kubernetes has it from 1.24 on)",
                    client.cluster.name()
                )));
            }
            index => index?,
        };
        let root = if resource.group.is_empty() { "api" } else { "apis" };
        let Some(Entry { url }) = index.paths.get(&format!("{root}/{}", resource.api_version())) else {
            return Err(Error::not_found(format!(
                "no schema of {}: the API server of {} publishes none",
                resource.kind,
                resource.api_version()
            )));
        };
        if let Some(schemas) = self.kept(url) {
            return Ok(schemas);
        }
        let _fetching = self.fetching.lock().await;
        if let Some(schemas) = self.kept(url) {
            return Ok(schemas);
        }
        let document = client.get_bytes(url, None).await?;
        let schemas = Schemas::read(&document).map_err(|error| client.unreadable(url, &document, &error))?;
        let schemas = Arc::new(schemas);
        self.keep(Kept {
            url: url.clone(),
            size: document.len(),
            schemas: schemas.clone(),
        });
        Ok(schemas)
    }

    fn kept(&self, url: &str) -> Option<Arc<Schemas>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|kept| kept.url == url)?;
        let found = kept.remove(at);
        let schemas = found.schemas.clone();
        kept.push(found);
        Some(schemas)
    }

    fn keep(&self, new: Kept) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        // A former state of the same document is never asked for again.
        let path = |url: &str| url.split('?').next().unwrap_or_default().to_owned();
        kept.retain(|old| path(&old.url) != path(&new.url));
        kept.push(new);
        let mut size: usize = kept.iter().map(|kept| kept.size).sum();
        while size > KEPT && !kept.is_empty() {
            size -= kept.remove(0).size;
        }
    }
}
