//! `lint`: the checks of the build, without a build.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use kube_mcp_core::{engine::surface::Surface, output::size::counted};
use kube_mcp_model::{Colour, Sources, Taken, check, render};

use super::{operations::catalog, terminal, terminal::Outcome};

/// Check specs and templates as the build does; needs no Rust and no cluster
#[derive(Debug, Args)]
pub(super) struct Lint {
    /// A folder that holds spec/ and templates/, or a spec folder with templates/ beside it
    #[arg(default_value = ".")]
    dir: PathBuf,
}

impl Lint {
    pub(super) fn run(self, surfaces: &[&'static Surface]) -> Outcome {
        let files = Sources::read(&self.dir)?;
        let catalog = catalog(surfaces)?;
        let (package, mistakes) = check(&files, &catalog, &taken(surfaces, &files));
        if !mistakes.is_empty() {
            let colour = if terminal::shows_colours() {
                Colour::Ansi
            } else {
                Colour::Plain
            };
            terminal::say(&render(&mistakes, &files, colour));
            terminal::say(&format!(
                "\n{} in {}",
                counted(mistakes.len(), "mistake"),
                self.dir.display()
            ));
            let unknown = mistakes
                .iter()
                .any(|mistake| mistake.check == "unknown-operation");
            if unknown && self.dir.join("src/operations").is_dir() {
                terminal::say(
                    "operations that this package declares itself are known to its own binary and to its build",
                );
            }
            return Ok(ExitCode::FAILURE);
        }
        let package = package.unwrap_or_default();
        terminal::print(&format!(
            "{}, {}, {}: no mistakes",
            counted(package.tools.len(), "tool"),
            counted(package.prompts.len(), "prompt"),
            counted(package.resources.len(), "resource"),
        ))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The names that the other surfaces of this binary have. The surface that is being checked is the one of whose names
/// the most are in the folder: specs may have been added, renamed and moved since the build.
fn taken(surfaces: &[&'static Surface], files: &Sources) -> Vec<Taken> {
    let percent_here = |names: &Vec<Taken>| {
        let here = names.iter().filter(|taken| is_declared(files, taken));
        here.count() * 100 / names.len().max(1)
    };
    let mut all: Vec<Vec<Taken>> = surfaces.iter().map(|surface| names(surface)).collect();
    let own = (0..all.len()).max_by_key(|index| percent_here(&all[*index]));
    if let Some(own) = own.filter(|own| percent_here(&all[*own]) > 25) {
        all.remove(own);
    }
    all.concat()
}

fn is_declared(files: &Sources, taken: &Taken) -> bool {
    if taken.sort == "template" {
        return files.text(&format!("templates/{}", taken.name)).is_some();
    }
    let (folder, file) = (format!("spec/{}s/", taken.sort), format!("/{}.yaml", taken.name));
    files
        .files
        .iter()
        .any(|known| known.name.starts_with(&folder) && known.name.ends_with(&file))
}

fn names(surface: &Surface) -> Vec<Taken> {
    let all = surface.names();
    all.map(|(sort, name)| Taken {
        sort: sort.to_owned(),
        name: name.to_owned(),
        package: surface.package.to_owned(),
    })
    .collect()
}
