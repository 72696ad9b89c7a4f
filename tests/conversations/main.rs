//! Plays the conversations in this folder: what a client writes, and what it must get back.
//!
//! Most are played with the built program over its stdin and stdout, without a cluster. Those that need a tool which
//! asks, waits or reports progress are played in this process, with a surface of a few operations that need no
//! cluster; the code from the transport on is the same.

mod pattern;
mod player;
mod surface;

use std::{fs, path::Path, process::ExitCode};

use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conversations");
    let Ok(entries) = fs::read_dir(&folder) else {
        return ExitCode::FAILURE;
    };
    let mut trials: Vec<Trial> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| {
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            Trial::test(name, move || player::play(&path).map_err(Failed::from))
        })
        .collect();
    trials.sort_by(|a, b| a.name().cmp(b.name()));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
