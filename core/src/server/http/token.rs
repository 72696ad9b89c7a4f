//! The bearer token: where it comes from, and how one that is shown is compared with it.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use etcetera::BaseStrategy as _;
use sha2::{Digest as _, Sha256};

use crate::{
    Error,
    config::{HttpAuth, HttpSection},
};

/// Bytes of a random token.
const BYTES: usize = 32;
/// Characters that a token of one's own has at least.
const LEAST: usize = 16;

/// Where a client finds the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// None is needed.
    NotNeeded,
    /// It was configured.
    Configured,
    /// It is a random one, in this file, which only this user can read and which goes with the server.
    File(PathBuf),
}

/// What a token is compared by: two digests differ at places that say nothing about the tokens, so that the time
/// which a comparison takes says nothing either.
pub(super) type TokenDigest = [u8; 32];

/// The digest of a token.
pub(super) fn digest(token: &str) -> TokenDigest {
    Sha256::digest(token.as_bytes()).into()
}

/// The server's token.
pub(super) struct Token {
    /// Nothing if none is needed.
    pub(super) digest: Option<TokenDigest>,
    pub(super) source: TokenSource,
    /// What is to be removed at the end.
    _written: Option<TokenFile>,
}

impl Token {
    /// The configured token, or a random one that is written to a file named after the port.
    ///
    /// # Errors
    /// If a token is too weak, or a file cannot be read or written.
    pub(super) fn obtain(config: &HttpSection, port: u16) -> Result<Self, Error> {
        if config.auth == HttpAuth::None {
            return Ok(Self {
                digest: None,
                source: TokenSource::NotNeeded,
                _written: None,
            });
        }
        if let Some(given) = configured(config)? {
            return Ok(Self {
                digest: Some(digest(&given)),
                source: TokenSource::Configured,
                _written: None,
            });
        }
        let token = random()?;
        let runtime = etcetera::choose_base_strategy()
            .ok()
            .and_then(|dirs| dirs.runtime_dir());
        let written = TokenFile::write(&token, port, runtime.as_deref())?;
        Ok(Self {
            digest: Some(digest(&token)),
            source: TokenSource::File(written.path.clone()),
            _written: Some(written),
        })
    }
}

/// The configured token, if there is one.
///
/// # Errors
/// If it is too weak, or its file cannot be read.
pub(super) fn configured(config: &HttpSection) -> Result<Option<String>, Error> {
    let (place, text) = match (&config.token, &config.token_file) {
        (Some(token), _) => ("http.token".to_owned(), token.0.clone()),
        (None, Some(file)) => {
            let place = format!("http.token_file {}", file.display());
            let text = fs::read_to_string(file)
                .map_err(|error| {
                    Error::invalid(format!(
                        "{place}: cannot be read: {error}; make it, or leave it out to have a random token at each start"
                    ))
                })?;
            (place, text)
        }
        (None, None) => return Ok(None),
    };
    let token = text.trim();
    if token.len() < LEAST || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::invalid(format!(
            "{place}: expected {LEAST} or more visible ASCII characters without a space; `openssl rand -base64 32` \
             makes a good one"
        )));
    }
    Ok(Some(token.to_owned()))
}

fn random() -> Result<String, Error> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::internal(format!("the system gives no randomness for a token: {error}")))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// A file with the token, which goes when this is dropped.
pub(super) struct TokenFile {
    pub(super) path: PathBuf,
    /// The folder, if it was made for this file alone.
    folder: Option<PathBuf>,
}

impl TokenFile {
    pub(super) fn write(token: &str, port: u16, runtime: Option<&Path>) -> Result<Self, Error> {
        let (folder, own) = match runtime {
            // It belongs to this user alone, as the XDG base directory specification has it.
            Some(runtime) => (runtime.join("kube-mcp"), false),
            // Anyone may write beside it: only a new folder with a name that nobody could guess is safe.
            None => (std::env::temp_dir().join(format!("kube-mcp-{}", random()?)), true),
        };
        let failed = |path: &Path, error: io::Error| {
            Error::invalid(format!(
                "{}: the token cannot be written: {error}; http.token_file takes a token of your own, XDG_RUNTIME_DIR \
                 another folder",
                path.display()
            ))
        };
        make_folder(&folder, own).map_err(|error| failed(&folder, error))?;
        let written = Self {
            path: folder.join(format!("token-{port}")),
            folder: own.then_some(folder),
        };
        // The port is ours, so this is what a server left behind that was killed.
        match fs::remove_file(&written.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed(&written.path, error));
            }
            _ => {}
        }
        write_new(&written.path, token).map_err(|error| failed(&written.path, error))?;
        Ok(written)
    }
}

impl Drop for TokenFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the token's file could not be removed");
        }
        if let Some(folder) = &self.folder {
            // It may hold what somebody else has put there since.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Makes a folder for this user alone; one that is there already will do unless it has to be new.
fn make_folder(folder: &Path, new: bool) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && !new => Ok(()),
        result => result,
    }
}

/// Writes a file that must not exist and that only this user can read.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}
