//! Reads the YAML of `story/` and `data/` once and for all: as JSON it is read in no time at each start.

use std::{collections::BTreeMap, env, error::Error, fs, path::Path};

use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=story");
    println!("cargo::rerun-if-changed=data");
    let out = env::var("OUT_DIR")?;
    let out = Path::new(&out);
    for entry in fs::read_dir("data")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let table: Value = serde_yaml::from_str(&fs::read_to_string(&path)?)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            let name = path.with_extension("json");
            fs::write(out.join(name.file_name().unwrap_or_default()), table.to_string())?;
        }
    }
    let mut files: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for entry in fs::read_dir("story")? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let documents = serde_yaml::from_multiple(&fs::read_to_string(&path)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        files.insert(name, documents);
    }
    fs::write(out.join("story.json"), serde_json::to_string(&files)?)?;
    Ok(())
}
