//! A package: which file is what, and names that occur once.

use std::collections::HashMap;

use super::{Context, prompt, resource, scope::Scope, template::Walker, tool, toolsets};
use crate::{
    check::Taken,
    diagnostic::{Diagnostic, Place},
    ir::{Package, Template},
    sources::Sources,
    spec::Found,
    suggest,
    tree::{Node, Value, parse},
};

const TOOLSETS_FILE: &str = "spec/toolsets.yaml";
/// How templates are called, wherever they lie.
const TEMPLATE: &str = ".j2";

/// What a file of a spec folder is.
enum Sort<'a> {
    Toolsets,
    Tool { toolset: &'a str, stem: &'a str },
    Prompt { stem: &'a str },
    Resource { stem: &'a str },
    Template,
    Misplaced(String),
}

fn sort<'a>(name: &'a str, files: &Sources) -> Sort<'a> {
    if name.starts_with("templates/") {
        return Sort::Template;
    }
    if name.ends_with(TEMPLATE) {
        return Sort::Misplaced("templates stand in templates/, beside spec/".to_owned());
    }
    if name == TOOLSETS_FILE {
        return Sort::Toolsets;
    }
    if let Some(stem) = name.strip_suffix(".yml") {
        return Sort::Misplaced(format!("name it `{stem}.yaml`"));
    }
    let parts: Vec<&str> = name.trim_end_matches(".yaml").split('/').collect();
    match parts.as_slice() {
        ["spec", "tools", toolset, stem] => Sort::Tool { toolset, stem },
        ["spec", "prompts", stem] => Sort::Prompt { stem },
        ["spec", "resources", stem] => Sort::Resource { stem },
        ["spec", "tools", stem] => {
            let others = files
                .files
                .iter()
                .map(|file| file.name.split('/').collect::<Vec<_>>());
            let toolset = others
                .filter_map(|parts| match parts.as_slice() {
                    ["spec", "tools", toolset, _] => Some(*toolset),
                    _ => None,
                })
                .next();
            Sort::Misplaced(format!(
                "move it into the folder of its toolset, e.g. spec/tools/{}/{stem}.yaml",
                toolset.unwrap_or("core")
            ))
        }
        [.., stem] => Sort::Misplaced(format!(
            "files are spec/toolsets.yaml, spec/tools/TOOLSET/{stem}.yaml, spec/prompts/{stem}.yaml and \
             spec/resources/{stem}.yaml"
        )),
        [] => Sort::Misplaced(String::new()),
    }
}

/// All names of one sort, and who has them.
#[derive(Default)]
struct Names {
    seen: HashMap<(&'static str, String), String>,
}

impl Names {
    fn new(others: &[Taken]) -> Self {
        let mut names = Self::default();
        for other in others {
            let sort = match other.sort.as_str() {
                "tool" => "tool",
                "prompt" => "prompt",
                "resource" => "resource",
                "template" => "template",
                _ => "toolset",
            };
            names.seen.insert(
                (sort, other.name.clone()),
                format!("package {} has it", other.package),
            );
        }
        names
    }

    fn claim(&mut self, context: &mut Context<'_>, sort: &'static str, name: &str, place: &Place) {
        if name.is_empty() {
            return;
        }
        match self.seen.get(&(sort, name.to_owned())) {
            Some(first) => context.found.push(
                Diagnostic::new(
                    "duplicate-name",
                    format!("there is another {sort} `{name}`"),
                    place.clone(),
                )
                .note(first.clone())
                .help("give one of them another name"),
            ),
            None => {
                self.seen
                    .insert((sort, name.to_owned()), format!("first declared at {place}"));
            }
        }
    }
}

/// A spec file that could be read.
pub(crate) struct Tree<'a> {
    sort: Sort<'a>,
    node: Node,
}

/// Reads all spec files, reporting those that are no YAML or stand where nothing is looked for.
pub(crate) fn trees<'a>(files: &'a Sources, found: &mut Found) -> Vec<Tree<'a>> {
    let mut trees = Vec::new();
    for file in &files.files {
        let sort = sort(&file.name, files);
        match sort {
            Sort::Template => continue,
            Sort::Misplaced(help) => {
                let message = format!("nothing is read from {}", file.name);
                found.push(Diagnostic::new("misplaced-file", message, Place::start(&file.name)).help(help));
                continue;
            }
            _ => {}
        }
        let (node, mistakes) = parse(&file.name, &file.text);
        found.extend(mistakes);
        match node {
            Some(node) if matches!(node.value, Value::Null) => found.push(
                Diagnostic::new("empty-file", "the file is empty", Place::start(&file.name))
                    .help("`kube-mcp new tool OPERATION` prints a tool to start from"),
            ),
            Some(node) => trees.push(Tree { sort, node }),
            None => {}
        }
    }
    trees
}

/// Checks a whole package.
pub(crate) fn package<'a>(context: &mut Context<'a>, trees: &'a [Tree<'a>], others: &[Taken]) -> Package {
    let mut package = Package::default();
    let mut names = Names::new(others);
    // Whether toolsets.yaml could be read: if not, nobody knows which toolsets there are.
    let mut toolsets_known = context.files.text(TOOLSETS_FILE).is_none();
    for Tree { sort, node } in trees {
        if let Sort::Toolsets = sort {
            toolsets_known = true;
            for (toolset, node) in toolsets::read(context, node) {
                names.claim(context, "toolset", &toolset.name, &node.place);
                package.toolsets.push(toolset);
            }
        }
    }
    let toolsets: Vec<&str> = package
        .toolsets
        .iter()
        .map(|toolset| toolset.name.as_str())
        .chain(
            others
                .iter()
                .filter(|other| other.sort == "toolset")
                .map(|other| other.name.as_str()),
        )
        .collect();
    for Tree { sort, node } in trees {
        if stands_elsewhere(context, sort, node) {
            continue;
        }
        match sort {
            Sort::Tool { toolset, stem } => {
                if toolsets_known && !toolsets.contains(toolset) {
                    unknown_toolset(context, toolset, node, &toolsets);
                }
                own_name(context, &mut names, "tool", stem, node);
                package.tools.extend(tool::read(context, node, toolset));
            }
            Sort::Prompt { stem } => {
                own_name(context, &mut names, "prompt", stem, node);
                package.prompts.extend(prompt::read(context, node));
            }
            Sort::Resource { stem } => {
                own_name(context, &mut names, "resource", stem, node);
                package.resources.extend(resource::read(context, node));
            }
            _ => {}
        }
    }
    for file in &context.files.files {
        if let Some(name) = file.name.strip_prefix("templates/") {
            names.claim(context, "template", name, &Place::start(&file.name));
        }
    }
    same_uri(context, &package, trees);
    unused_templates(context, &mut package);
    package.tools.sort_by(|a, b| a.name.cmp(&b.name));
    package.prompts.sort_by(|a, b| a.name.cmp(&b.name));
    package.resources.sort_by(|a, b| a.name.cmp(&b.name));
    package
}

/// Whether it is a prompt among the tools and the like, which its keys show; reported if so.
fn stands_elsewhere(context: &mut Context<'_>, sort: &Sort<'_>, node: &Node) -> bool {
    let first = |keys: &[&str]| keys.iter().find_map(|key| node.entry(key)).map(|(key, _)| key);
    let prompt = || first(&["messages"]).map(|key| (key, "a prompt", "spec/prompts"));
    let resource = || first(&["uri"]).map(|key| (key, "a resource", "spec/resources"));
    let (found, here, stem) = match sort {
        Sort::Tool { stem, .. } => (prompt().or_else(resource), "tools", stem),
        Sort::Prompt { stem } if first(&["messages"]).is_none() => {
            let tool = || first(&["op"]).map(|key| (key, "a tool", "spec/tools/TOOLSET"));
            (resource().or_else(tool), "prompts", stem)
        }
        Sort::Resource { stem } if first(&["uri"]).is_none() => {
            let tool = || first(&["params", "steps"]).map(|key| (key, "a tool", "spec/tools/TOOLSET"));
            (prompt().or_else(tool), "resources", stem)
        }
        _ => return false,
    };
    let Some((key, what, folder)) = found else {
        return false;
    };
    let message = format!("this is {what}, and here {here} are read");
    let help = Some(format!("move it to {folder}/{stem}.yaml"));
    context.report("misplaced-file", message, &key.place, help);
    true
}

fn unknown_toolset(context: &mut Context<'_>, toolset: &str, node: &Node, toolsets: &[&str]) {
    let declaration = format!("- {{name: {toolset}, description: …, default: true}}");
    let (message, place, help) = if context.files.text(TOOLSETS_FILE).is_none() {
        (
            format!("there is no {TOOLSETS_FILE}, which declares toolset `{toolset}`"),
            Place::start(TOOLSETS_FILE),
            format!("write it: `spec: 1`, then `toolsets:`, then `  {declaration}`"),
        )
    } else {
        (
            format!("toolset `{toolset}` is not declared"),
            Place::start(&node.place.file),
            match suggest::nearest(toolset, toolsets.iter().copied()) {
                Some(nearest) => format!("did you mean the folder spec/tools/{nearest}?"),
                None => format!("declare it in {TOOLSETS_FILE}: `{declaration}`"),
            },
        )
    };
    context.report("unknown-toolset", message, &place, Some(help));
}

/// The name of a file and of what it declares are the same, and nobody else has it.
fn own_name(context: &mut Context<'_>, names: &mut Names, sort: &'static str, stem: &str, node: &Node) {
    let Some(name) = node.get("name") else { return };
    let Some(text) = name.as_str().filter(|text| !text.trim().is_empty()) else {
        return;
    };
    if text != stem {
        let message = format!("the {sort} is called `{text}`, and its file `{stem}.yaml`");
        let help = format!("write `name: {stem}`, or rename the file to {text}.yaml");
        context.report("name-differs-from-file", message, &name.place, Some(help));
    }
    names.claim(context, sort, text, &name.place);
}

/// Two resources of one URI could not be told apart.
fn same_uri(context: &mut Context<'_>, package: &Package, trees: &[Tree<'_>]) {
    let form = |uri: &str| uri.split(['{', '}']).step_by(2).collect::<Vec<_>>().join("{}");
    let mut seen: HashMap<String, &str> = HashMap::new();
    for resource in &package.resources {
        let Some(first) = seen.insert(form(&resource.uri), &resource.at) else {
            continue;
        };
        let file = resource.at.split(':').next().unwrap_or_default();
        let node = trees
            .iter()
            .find(|tree| tree.node.place.file == file)
            .and_then(|tree| tree.node.get("uri"));
        if let Some(node) = node {
            context.found.push(
                Diagnostic::new(
                    "duplicate-uri",
                    "another resource has a URI of this form",
                    node.place.clone(),
                )
                .note(format!("declared at {first}"))
                .help("let them differ in more than the names of variables"),
            );
        }
    }
}

/// What is wrong with a template is said even if nothing uses it yet.
fn unused_templates(context: &mut Context<'_>, package: &mut Package) {
    let names: Vec<&str> = context.library.names().collect();
    for name in names {
        let Some((_, parsed)) = context.library.get(name) else {
            continue;
        };
        if parsed.used.get() {
            continue;
        }
        let text = parsed.text;
        let (catalog, found) = (context.catalog, &mut context.found);
        Walker::new(Scope::OPEN, &context.library, catalog, text, found).file(name, None);
    }
    for file in &context.files.files {
        if let Some(name) = file.name.strip_prefix("templates/") {
            package.templates.push(Template {
                name: name.to_owned(),
                source: file.text.clone(),
            });
        }
    }
}
