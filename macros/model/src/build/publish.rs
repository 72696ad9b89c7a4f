//! The core's build script: what operations there are, as build metadata for every surface that binds them.

use std::{io, path::Path, process::ExitCode};

use serde::{Deserialize, Serialize};

use super::output::{Directives, failed, manifest_dir, out_dir, rendered, variable, write_if_changed};
use crate::{scan::Folders, signature::Catalog};

/// What a package with operations tells the build scripts of surfaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Published {
    /// What it declares.
    pub(super) catalog: Catalog,
    /// What is wrong with its sources, rendered.
    pub(super) mistakes: Vec<String>,
}

/// Scans `src/operations`, `src/monitoring` and `src/call/params.rs`, and publishes what they declare as
/// `DEP_KUBE_MCP_CORE_OPERATIONS`. The whole of the core's build script.
pub fn publish() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn run() -> io::Result<()> {
    let root = manifest_dir()?;
    let file = out_dir()?.join("operations.json");
    let mut directives = Directives::default();
    let published = scan(&root, &variable("CARGO_PKG_NAME")?, &mut directives)?;
    let text = serde_json::to_string(&published).map_err(io::Error::other)?;
    write_if_changed(&file, &text)?;
    directives.metadata("operations", &file.display().to_string());
    directives.print();
    Ok(())
}

/// Scans the folders of the package in `root`.
fn scan(root: &Path, package: &str, directives: &mut Directives) -> io::Result<Published> {
    let krate = package.replace('-', "_");
    // Places are told from the folder above: a reader of an error in a spec is not in the core's folder.
    let folder = root.file_name().and_then(|name| name.to_str()).unwrap_or(package);
    let mut folders = Folders::default();
    for (path, module) in [
        ("src/operations", "operations"),
        ("src/monitoring", "monitoring"),
        ("src/call/params.rs", "call"),
    ] {
        folders.read(
            &root.join(path),
            &format!("::{krate}::{module}"),
            &format!("{folder}/{path}"),
        )?;
        directives.rerun_if_there_and_changed(&root.join(path));
    }
    let scanned = folders.finish(&Catalog::default());
    for mistake in &scanned.mistakes {
        let place = &mistake.place;
        directives.warning(&format!(
            "{}:{}:{}: {}",
            place.file, place.line, place.column, mistake.message
        ));
    }
    Ok(Published {
        mistakes: rendered(&scanned.mistakes, scanned.sources),
        catalog: scanned.catalog,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalog_survives_the_way_to_the_other_build_script() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scan");
        let published = scan(&root, "kube-mcp-core", &mut Directives::default()).unwrap();
        assert_eq!(published.mistakes, [""; 0]);
        let paths: Vec<&str> = published
            .catalog
            .operations
            .iter()
            .map(|op| op.path.as_str())
            .collect();
        assert_eq!(
            paths,
            [
                "::kube_mcp_core::operations::nested::pods::logs",
                "::kube_mcp_core::operations::top"
            ]
        );
        assert_eq!(
            published.catalog.operations[0].at,
            "scan/src/operations/nested/pods.rs:5"
        );
        let text = serde_json::to_string(&published).unwrap();
        assert_eq!(serde_json::from_str::<Published>(&text).unwrap(), published);
    }
}
