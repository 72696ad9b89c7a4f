//! Configuration: a file < environment < flags, one struct.

mod load;
mod overrides;
mod types;

pub use overrides::Overrides;
pub use types::{
    AccessSection, Config, Confirm, KubernetesSection, LogFormat, Rule, ServerSection, Timeouts,
};
