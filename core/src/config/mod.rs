//! Configuration: a file < environment < flags, one struct.

mod given;
mod keys;
mod load;
mod overrides;
mod reference;
mod tree;
mod types;

pub use load::Loaded;
pub use overrides::Overrides;
pub use reference::reference;
pub(crate) use types::VERBS;
pub use types::{
    AccessSection, Config, Confirm, HttpAuth, HttpSection, KubernetesSection, LogFormat, Rule, Secret,
    ServerSection, Timeouts, Transport,
};
