//! The configured clusters.

use std::sync::Arc;

use super::{Client, Grant, Resource};
use crate::{Error, config};

/// All clusters that calls may name. Made from the kubeconfig without contacting any.
#[derive(Debug)]
pub struct Clusters {}

impl Clusters {
    /// Reads the kubeconfig files (or finds itself in a cluster). A kubeconfig that is not there is no error:
    /// there are then no clusters, and a call says so. One that cannot be read is kept and told by each call.
    pub fn load(config: &config::Config) -> Self {
        todo!()
    }

    /// The names, the default's first, the others sorted.
    pub fn names(&self) -> Vec<&str> {
        todo!()
    }

    /// The name of the cluster of calls that name none: the context current at start.
    pub fn default_name(&self) -> Option<&str> {
        todo!()
    }

    /// The cluster of this name, or the default.
    ///
    /// # Errors
    /// If there is none of that name (with the nearest), or none at all (with what to do).
    pub fn get(&self, name: Option<&str>) -> Result<Arc<Cluster>, Error> {
        todo!()
    }
}

/// One cluster as one user: a kubeconfig context.
#[derive(Debug)]
pub struct Cluster {}

impl Cluster {
    /// Its name: the context's, or the alias that the configuration gives it.
    pub fn name(&self) -> &str {
        todo!()
    }

    /// Context and server URL: what codes and caches are bound to.
    pub fn identity(&self) -> &str {
        todo!()
    }

    /// The API server's URL.
    pub fn server(&self) -> &str {
        todo!()
    }

    /// The namespace of calls that name an object without one.
    pub fn default_namespace(&self) -> &str {
        todo!()
    }

    /// A client within a grant.
    pub fn client(self: &Arc<Self>, grant: Grant) -> Client {
        todo!()
    }

    /// The kind that a person means. A miss refreshes discovery once.
    ///
    /// # Errors
    /// If no kind is near, or several match.
    pub async fn resolve(self: &Arc<Self>, kind: &str, grant: Grant) -> Result<Resource, Error> {
        todo!()
    }

    /// Every kind that the cluster serves, in its preferred version.
    ///
    /// # Errors
    /// As they come, explained.
    pub async fn resources(self: &Arc<Self>, grant: Grant) -> Result<Arc<[Resource]>, Error> {
        todo!()
    }

    /// Who the API server takes us for.
    ///
    /// # Errors
    /// As they come, explained.
    pub async fn whoami(self: &Arc<Self>, grant: Grant) -> Result<Identity, Error> {
        todo!()
    }
}

/// Who the API server takes us for (SelfSubjectReview).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// User name.
    pub user: String,
    /// Groups.
    pub groups: Vec<String>,
}
