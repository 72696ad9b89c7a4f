//! The operations on a cluster: every tool is called through the built program, and its facts are compared with what
//! kubectl says.
//!
//! Set `KUBECONFIG` to a cluster on which pods run; the suite makes a namespace and a custom resource definition of
//! its own there and removes them at the end. Without one it runs on the embedded cluster, but for the few trials of
//! [`ground::REAL_ONLY`]; without kubectl its trials are reported as ignored. With `REQUIRE_CLUSTER=1` the absence of
//! a real cluster or a skipped trial is a failure.

use std::{
    env, fs,
    path::Path,
    process::ExitCode,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use libtest_mimic::{Arguments, Failed, Trial};

mod access;
mod changes;
mod clusters;
mod command_line;
mod describe;
mod doctor;
mod events;
mod facts;
mod ground;
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

use ground::{Ground, REAL_ONLY};
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
            return Err(format!($($message)+).into());
        }
    };
}
pub(crate) use ensure;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a test runner")]
fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let required = env::var_os("REQUIRE_CLUSTER").is_some_and(|value| value == "1");
    let ground = (!arguments.list).then(Ground::find);
    let embedded = matches!(ground, Some(Ground::Embedded { .. }));
    let absent = matches!(ground, Some(Ground::None(_)));
    match &ground {
        Some(Ground::Embedded { why, .. }) => eprintln!("operations: on the embedded cluster: {why}"),
        Some(Ground::None(why)) => eprintln!("operations: no cluster: {why}"),
        _ => {}
    }
    if required && (embedded || absent) {
        eprintln!("operations: REQUIRE_CLUSTER is set and there is no real cluster");
        return ExitCode::FAILURE;
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
            let name = format!("{part}::{name}");
            let skipped = absent || embedded && REAL_ONLY.iter().any(|(trial, _)| *trial == name);
            let trial = Trial::test(name, move || {
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
            trials.push(trial.with_ignored_flag(skipped));
        }
    }

    trials.push(Trial::test("suite::real_only_is_told", real_only_is_told));

    let conclusion = libtest_mimic::run(&arguments, trials);
    if place.get().is_some() {
        stage::strike(&run);
    }
    let ran = ran.load(Ordering::Relaxed);
    match embedded {
        true => println!(
            "operations on the embedded cluster: {ran} ran, {} real-only",
            REAL_ONLY.len()
        ),
        false => println!("operations on the cluster: {ran} ran"),
    }
    if required && !arguments.list && conclusion.num_ignored + conclusion.num_filtered_out > 0 {
        eprintln!("operations: REQUIRE_CLUSTER is set and not every trial ran");
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}

/// What only a real cluster can pass stands in the documentation, and is a trial.
fn real_only_is_told() -> Result<(), Failed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/testing.md");
    let told = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    for (trial, reason) in REAL_ONLY {
        let row = format!("| `{trial}` | {reason} |");
        ensure!(told.contains(&row), "docs/testing.md lacks the row {row}");
        let mut parts = trial.split("::");
        let (part, name) = (parts.next(), parts.next());
        let known = PARTS
            .iter()
            .filter(|(known, _)| Some(*known) == part)
            .flat_map(|(_, trials)| *trials)
            .any(|(known, _)| Some(*known) == name);
        ensure!(known, "{trial} is no trial");
    }
    Ok(())
}
