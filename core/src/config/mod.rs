//! Configuration: a file < environment < flags, one struct.

mod types;

pub use types::{
    AccessSection, Config, Confirm, KubernetesSection, LogFormat, Rule, ServerSection, Timeouts,
};
