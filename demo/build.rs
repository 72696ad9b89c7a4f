//! Reads the YAML of `story/` once and for all: as JSON it is read in no time at each start.

use std::{collections::BTreeMap, env, error::Error, fs, path::Path};

use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=story");
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
    let out = Path::new(&env::var("OUT_DIR")?).join("story.json");
    fs::write(out, serde_json::to_string(&files)?)?;
    Ok(())
}
