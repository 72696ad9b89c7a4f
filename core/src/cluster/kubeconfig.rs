//! Kubeconfig files: found, read and merged as kubectl does, without touching a network, a plugin or a
//! certificate.
//!
//! The parser is kube's; the merge is ours, because a mistake has to name the file that it is in.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use kube::config::{AuthInfo, Cluster, Context, Kubeconfig, KubeconfigError};

use crate::{Error, ErrorKind, config::Config};

/// Where kubeconfigs come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Named by a flag or the configuration: each has to exist.
    Named(Vec<PathBuf>),
    /// The variable `KUBECONFIG`: files that do not exist are skipped.
    Variable(Vec<PathBuf>),
    /// `~/.kube/config`, if it exists.
    Home(PathBuf),
    /// There is nowhere to look.
    Nowhere,
}

impl Source {
    /// Where this process looks.
    pub(super) fn of(config: &Config) -> Self {
        let home = etcetera::home_dir().ok();
        let variable = std::env::var_os("KUBECONFIG");
        Self::find(
            &config.kubernetes.kubeconfig,
            variable.as_deref(),
            home.as_deref(),
        )
    }

    /// Where a process looks that was given these files, this variable and this home.
    pub(super) fn find(named: &[PathBuf], variable: Option<&std::ffi::OsStr>, home: Option<&Path>) -> Self {
        if !named.is_empty() {
            return Self::Named(named.to_vec());
        }
        if let Some(variable) = variable {
            let files: Vec<_> = std::env::split_paths(variable)
                .filter(|path| !path.as_os_str().is_empty())
                .collect();
            if !files.is_empty() {
                return Self::Variable(files);
            }
        }
        home.map_or(Self::Nowhere, |home| {
            Self::Home(home.join(".kube").join("config"))
        })
    }

    /// The files, whether they exist or not.
    pub(super) fn files(&self) -> &[PathBuf] {
        match self {
            Self::Named(files) | Self::Variable(files) => files,
            Self::Home(file) => std::slice::from_ref(file),
            Self::Nowhere => &[],
        }
    }

    /// Where was looked, for an error that says that nothing was found.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Named(files) => format!("the configuration names {}", list(files)),
            Self::Variable(files) => format!("KUBECONFIG names {}", list(files)),
            Self::Home(file) => format!("KUBECONFIG is not set and there is no {}", file.display()),
            Self::Nowhere => "KUBECONFIG is not set and there is no home directory".to_owned(),
        }
    }
}

fn list(files: &[PathBuf]) -> String {
    let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
    files.join(", ")
}

/// The merged kubeconfig: an entry is the first file's that has its name.
#[derive(Clone, Debug, Default)]
pub(super) struct Merged {
    /// The files that were read.
    pub(super) files: Vec<PathBuf>,
    /// The name of the current context.
    pub(super) current: Option<String>,
    /// Contexts by name, each with its file.
    pub(super) contexts: BTreeMap<String, (Context, PathBuf)>,
    clusters: BTreeMap<String, Cluster>,
    users: BTreeMap<String, AuthInfo>,
}

/// What a context points at.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The kubeconfig's cluster: server, certificate authority, proxy.
    pub(super) cluster: Cluster,
    /// The kubeconfig's user.
    pub(super) user: AuthInfo,
    /// A certificate authority that is read again now and then (in a cluster it rotates).
    pub(super) root_cert_file: Option<PathBuf>,
    /// Where it stands, for errors: file and context.
    pub(super) place: String,
}

impl Merged {
    /// Reads and merges the files.
    ///
    /// # Errors
    /// If a file that has to exist does not, or one cannot be read or parsed.
    pub(super) fn read(source: &Source) -> Result<Self, Error> {
        let all_must_exist = matches!(source, Source::Named(_));
        let mut merged = Self::default();
        for file in source.files() {
            if !all_must_exist && !file.exists() {
                continue;
            }
            let kubeconfig = Kubeconfig::read_from(file).map_err(|error| unreadable(file, &error))?;
            merged.add(kubeconfig, file);
        }
        Ok(merged)
    }

    /// The files that were read, for messages.
    pub(super) fn places(&self) -> String {
        list(&self.files)
    }

    fn add(&mut self, kubeconfig: Kubeconfig, file: &Path) {
        self.files.push(file.to_owned());
        let current = kubeconfig.current_context.filter(|name| !name.is_empty());
        self.current = self.current.take().or(current);
        for named in kubeconfig.contexts {
            if let Some(context) = named.context {
                self.contexts
                    .entry(named.name)
                    .or_insert((context, file.to_owned()));
            }
        }
        for named in kubeconfig.clusters {
            if let Some(cluster) = named.cluster {
                self.clusters.entry(named.name).or_insert(cluster);
            }
        }
        for named in kubeconfig.auth_infos {
            self.users
                .entry(named.name)
                .or_insert(named.auth_info.unwrap_or_default());
        }
    }

    /// What a context points at.
    ///
    /// # Errors
    /// If its cluster or its user is not in any of the files.
    pub(super) fn entry(&self, name: &str) -> Result<Entry, Error> {
        let Some((context, file)) = self.contexts.get(name) else {
            return Err(Error::not_found(format!(
                "there is no context {name:?} in the kubeconfig"
            )));
        };
        let at = file.display();
        let Some(cluster) = self.clusters.get(&context.cluster) else {
            return Err(Error::invalid(format!(
                "context {name:?} in {at} names the cluster {:?}, which is not in the kubeconfig; add it under \
                 clusters, or correct the context with kubectl config set-context {name} --cluster=NAME",
                context.cluster
            )));
        };
        // As in kubectl, a context without a user is anonymous, and one whose user is missing is a mistake.
        let user = match context.user.as_deref().filter(|user| !user.is_empty()) {
            None => AuthInfo::default(),
            Some(user) => self.users.get(user).cloned().ok_or_else(|| {
                Error::invalid(format!(
                    "context {name:?} in {at} names the user {user:?}, which is not in the kubeconfig; add it \
                     under users, or correct the context with kubectl config set-context {name} --user=NAME"
                ))
            })?,
        };
        Ok(Entry {
            cluster: cluster.clone(),
            user,
            root_cert_file: None,
            place: format!("context {name:?} in {at}"),
        })
    }
}

fn unreadable(file: &Path, error: &KubeconfigError) -> Error {
    let file = file.display();
    let message = match error {
        KubeconfigError::ReadConfig(io, _) if io.kind() == std::io::ErrorKind::NotFound => {
            format!(
                "the kubeconfig {file} does not exist; correct the path, or leave it out to use ~/.kube/config"
            )
        }
        KubeconfigError::ReadConfig(io, _) => {
            format!(
                "the kubeconfig {file} cannot be read: {io}; make it a file that this user can read, or name another"
            )
        }
        KubeconfigError::Parse(error) => {
            // The library's snippet is left out: it shows lines of a file that holds credentials.
            let place = error
                .location()
                .map(|at| format!(":{}:{}", at.line(), at.column()))
                .unwrap_or_default();
            let what = error.without_snippet().to_string();
            let what = what.lines().next().unwrap_or_default().trim().to_owned();
            format!(
                "the kubeconfig {file}{place} is not valid: {what}; kubectl config view --kubeconfig={file} shows whether kubectl can read it"
            )
        }
        other => format!("the kubeconfig {file} cannot be read: {other}"),
    };
    Error::new(ErrorKind::Invalid, message)
}

#[cfg(test)]
mod tests;
