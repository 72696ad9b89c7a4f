//! The operations on a real cluster: every tool is called through the built program, and its facts are compared
//! with what kubectl says.
//!
//! Set `KUBECONFIG` to a cluster on which pods run; the suite makes a namespace and a custom resource definition of
//! its own there and removes them at the end. Without one its trials are reported as ignored. With
//! `REQUIRE_CLUSTER=1` an absent cluster or a skipped trial is a failure.

use std::{
    env,
    process::ExitCode,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use libtest_mimic::{Arguments, Trial};

mod access;
mod changes;
mod clusters;
mod command_line;
mod describe;
mod doctor;
mod events;
mod facts;
mod history;
mod kinds;
mod kubectl;
mod listing;
mod lists;
mod logs;
#[expect(dead_code, reason = "the benchmarks use the rest of it")]
#[path = "../support/mcp.rs"]
mod mcp;
mod metrics;
mod objects;
mod pods;
mod prompts;
mod resources;
mod safety;
mod stage;
mod waiting;
mod workloads;
mod wrong_calls;

use stage::Stage;

/// What a trial does.
type Check = fn(&Stage) -> Result<(), String>;

/// The trials of a part, by name.
type Trials = &'static [(&'static str, Check)];

/// All trials, by part.
const PARTS: &[(&str, Trials)] = &[
    ("pods_list", pods::TRIALS),
    ("resources_list", lists::TRIALS),
    ("resources_get", objects::TRIALS),
    ("resources_describe", describe::TRIALS),
    ("pods_logs", logs::TRIALS),
    ("events_list", events::TRIALS),
    ("workloads_list", workloads::TRIALS),
    ("workloads_history", history::TRIALS),
    ("metrics_top", metrics::TRIALS),
    ("resources_wait", waiting::TRIALS),
    ("clusters", clusters::TRIALS),
    ("kinds", kinds::TRIALS),
    ("resources_label", changes::TRIALS),
    ("access_check", access::TRIALS),
    ("safety", safety::TRIALS),
    ("prompts", prompts::TRIALS),
    ("resources", resources::TRIALS),
    ("wrong_calls", wrong_calls::TRIALS),
    ("command_line", command_line::TRIALS),
    ("doctor", doctor::TRIALS),
];

/// Fails with the message unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err(format!($($message)+));
        }
    };
}
pub(crate) use ensure;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a test runner")]
fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let required = env::var_os("REQUIRE_CLUSTER").is_some_and(|value| value == "1");
    let absent = if arguments.list { None } else { cluster_absent() };
    if let Some(reason) = &absent {
        eprintln!("operations: no cluster: {reason}");
        if required {
            return ExitCode::FAILURE;
        }
    }

    let run = Arc::new(stage::new_run());
    let place: Arc<OnceLock<Result<Stage, String>>> = Arc::default();
    let ran = Arc::new(AtomicUsize::new(0));
    let told = Arc::new(AtomicBool::new(false));
    let mut trials = Vec::new();
    for (part, checks) in PARTS {
        for (name, check) in *checks {
            let (run, place) = (Arc::clone(&run), Arc::clone(&place));
            let (ran, told) = (Arc::clone(&ran), Arc::clone(&told));
            let trial = Trial::test(format!("{part}::{name}"), move || {
                // The first trial sets the stage for all; if it cannot be set, one of them says why.
                let stage = match place.get_or_init(|| Stage::set(&run)) {
                    Ok(stage) => stage,
                    Err(error) if !told.swap(true, Ordering::Relaxed) => {
                        return Err(format!("the stage could not be set: {error}").into());
                    }
                    Err(_) => return Err("the stage could not be set".into()),
                };
                ran.fetch_add(1, Ordering::Relaxed);
                Ok(check(stage)?)
            });
            trials.push(trial.with_ignored_flag(absent.is_some()));
        }
    }

    let conclusion = libtest_mimic::run(&arguments, trials);
    if place.get().is_some() {
        stage::strike(&run);
    }
    println!("operations on the cluster: {} ran", ran.load(Ordering::Relaxed));
    if required && !arguments.list && conclusion.num_ignored + conclusion.num_filtered_out > 0 {
        eprintln!("operations: REQUIRE_CLUSTER is set and not every trial ran");
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}

/// Why there is no cluster to test on, if there is none. `~/.kube/config` is left alone: only `KUBECONFIG` names a
/// cluster on which the suite may make things.
fn cluster_absent() -> Option<String> {
    if env::var_os("KUBECONFIG").is_none_or(|value| value.is_empty()) {
        return Some("KUBECONFIG is not set".to_owned());
    }
    kubectl::kubectl(&["get", "--raw", "/readyz"]).err()
}
