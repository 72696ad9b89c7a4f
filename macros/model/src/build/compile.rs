//! A surface's build script: specs and templates into tables.

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use super::{
    output::{Directives, failed, manifest_dir, out_dir, rendered, variable, write_files, write_mistakes},
    publish::Published,
};
use crate::{Sources, check, codegen, scan::Folders};

/// Where cargo puts the path of the core's catalog, for packages that depend on the core directly.
const CATALOG: &str = "DEP_KUBE_MCP_CORE_OPERATIONS";

/// Compiles `spec/` and `templates/` into the tables that `surface!()` includes. The package's own operations, if it
/// has any, are found in `src/operations`. The whole of a surface's build script.
pub fn compile() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn run() -> io::Result<()> {
    let (root, out_dir) = (manifest_dir()?, out_dir()?);
    let name = variable("CARGO_PKG_NAME")?;
    let published = env::var_os(CATALOG).map(PathBuf::from);
    let mut directives = Directives::default();
    directives.rerun_if_changed(&root.join("spec"));
    for folder in ["templates", "src/operations"] {
        directives.rerun_if_there_and_changed(&root.join(folder));
    }
    if let Some(file) = &published {
        directives.rerun_if_changed(file);
    }
    let compiled = match published {
        Some(file) => compiled(&root, &name, serde_json::from_str(&fs::read_to_string(file)?)?)?,
        None => Err(vec![format!(
            "package `{name}` has to depend on kube-mcp-core directly: build scripts learn of its operations by \
             metadata, which reaches direct dependents only"
        )]),
    };
    match compiled {
        Ok(files) => {
            write_files(&out_dir, &files)?;
            write_mistakes(&out_dir, &[])?;
        }
        Err(mistakes) => write_mistakes(&out_dir, &mistakes)?,
    }
    directives.print();
    Ok(())
}

/// The generated files of the package in `root`, or what is wrong with it.
fn compiled(root: &Path, name: &str, core: Published) -> io::Result<Result<codegen::Files, Vec<String>>> {
    let mut folders = Folders::default();
    folders.read(
        &root.join("src/operations"),
        "crate::operations",
        "src/operations",
    )?;
    let own = folders.finish(&core.catalog);
    let mut catalog = core.catalog;
    catalog.extend(&own.catalog);

    let mut mistakes = core.mistakes;
    mistakes.extend(rendered(&own.mistakes, own.sources));
    let files = match Sources::read(root) {
        Ok(files) => files,
        Err(error) => {
            mistakes.push(error.to_string());
            return Ok(Err(mistakes));
        }
    };
    let (package, mut told) = check(&files, &catalog, &[]);
    // Where an operation cannot be read, that is the mistake, and not that specs name it.
    told.retain(|mistake| {
        let named = mistake.message.split('`').nth(1).unwrap_or_default();
        mistake.check != "unknown-operation" || !own.unreadable.may_have(named)
    });
    let texts = files.files.into_iter().map(|file| (file.name, file.text));
    mistakes.extend(rendered(&told, texts.collect::<BTreeMap<_, _>>()));
    let package = match package {
        Some(package) if mistakes.is_empty() => package,
        _ => return Ok(Err(mistakes)),
    };
    let written = codegen::surface(name, &package, &catalog);
    Ok(written.map_err(|unknown| vec![format!("unknown operation `{}` at {}", unknown.op, unknown.at)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_of_a_package_are_texts_for_the_macro() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scan");
        let core = Published {
            mistakes: vec!["of the core".to_owned()],
            ..Published::default()
        };
        let mistakes = compiled(&root, "acme", core).unwrap().unwrap_err();
        assert_eq!(mistakes[0], "of the core");
        let unknown_type = "operation `pods.logs` cannot take `KindRef`";
        assert!(mistakes[1].contains(unknown_type), "{mistakes:?}");
        assert!(mistakes[2].starts_with("no specs in"), "{mistakes:?}");
    }
}
