use super::*;

const fn surface(package: &'static str, templates: &'static [Template]) -> Surface {
    Surface {
        package,
        toolsets: &[],
        tools: &[],
        prompts: &[],
        resources: &[],
        templates,
        operations: &[],
        signatures: "{}",
    }
}

static OURS: Surface = surface(
    "ours",
    &[
        Template {
            name: "prompts/ask.md.j2",
            source: "{% include \"partials/name.md.j2\" %}",
        },
        Template {
            name: "partials/name.md.j2",
            source: "a name: {{ nme }}",
        },
    ],
);

static TEAMS: Surface = surface(
    "a team's",
    &[Template {
        name: "prompts/team.md.j2",
        source: "compiled",
    }],
);

fn render(folder: Option<&Path>, name: &str) -> Result<String, String> {
    let templates = Templates::new(&[&OURS, &TEAMS], folder.map(Path::to_owned), Arc::new([]));
    let rendered = templates.render(name, &minijinja::context! { name => "web-0" });
    rendered.map_err(|error| error.message)
}

#[test]
fn a_mistake_in_what_is_included_is_told_where_it_is() {
    assert_eq!(
        render(None, "prompts/ask.md.j2").unwrap_err(),
        "templates/partials/name.md.j2:1: `nme` is undefined"
    );
}

#[test]
fn a_folder_has_one_surfaces_templates_and_new_ones_beside_them() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let wrong = render(Some(folder), "prompts/team.md.j2").unwrap_err();
    let expected = "none of this program's is in it, such as prompts/ask.md.j2";
    assert!(wrong.ends_with(expected), "{wrong}");

    for name in ["prompts", "partials"] {
        fs::create_dir(folder.join(name)).unwrap();
    }
    let text = "new: {% include \"partials/new.md.j2\" %}";
    fs::write(folder.join("prompts/team.md.j2"), text).unwrap();
    fs::write(folder.join("partials/new.md.j2"), "{{ name }}").unwrap();
    assert_eq!(render(Some(folder), "prompts/team.md.j2").unwrap(), "new: web-0");

    // Of the surface whose folder it is, none may be missing.
    fs::write(folder.join("prompts/ask.md.j2"), "").unwrap();
    let missing = render(Some(folder), "prompts/ask.md.j2").unwrap_err();
    assert!(missing.contains("partials/name.md.j2: No such file"), "{missing}");
}
