//! Mistakes that authors make: each is told once, at its place, with what to write in place of it.

use kube_mcp_model::{Sources, check};

#[path = "support/mod.rs"]
mod support;

/// What is said of a package: check, line and help of each mistake.
fn told(sources: &Sources) -> Vec<String> {
    let (_, found) = check(sources, &support::catalog(), &[]);
    found
        .iter()
        .map(|told| {
            let help = told.help.as_deref().unwrap_or_default();
            format!("{} {}: {help}", told.check, told.place.line)
        })
        .collect()
}

fn told_in(file: &str, text: &str) -> Vec<String> {
    told(&support::sources(&[(file, text)]))
}

#[test]
fn a_mistake_in_a_tool_is_told_once() {
    let cases = [
        (
            "parameters:\n  name: {type: string, required: true}\nop: pods.logs",
            "unknown-key 4: did you mean `params`?",
        ),
        (
            "op: pods.logs\nparams:\n  name: {required: true}",
            "missing-key 6: add `type: string`, its type; `array` needs `items`",
        ),
        (
            "op: pods.logs\nparams:\n  name: string",
            "wrong-type 6: write `{type: string}`",
        ),
        (
            "op: pods.logs\nparams:\n  name: {type: string, required: yes}",
            "wrong-type 6: write `true`",
        ),
        (
            "op: pods.list\nparams:\n  - {name: status, type: string}",
            "wrong-type 6: write `key: value`, without a dash",
        ),
        (
            "op: resources.delete\nparams:\n  kind: {type: string, required: true}\n  name: {type: string, required: true}\n\
             confirm: true",
            "wrong-type 8: write `always`, or leave the key out",
        ),
        (
            "op: pods.list\nsteps:\n  - {id: pods, op: pods.list}\noutput: {template: tools/example.md.j2}",
            "op-or-steps 5: make a step of the operation too, or leave the steps out",
        ),
        (
            "steps:\n  - {id: pods, op: pods.list}\n  - {op: events.list}\n  - {id: last, op: pods.list}\n\
             output: {template: tools/both.md.j2}",
            "missing-key 6: add `id: …`, its name, by which later steps and templates refer to it",
        ),
        (
            "op: pods.list\nparams:\n  namespace: {type: string, complete: {op: resources.delete}}",
            "not-a-read 6: take one that reads: `kube-mcp operations` says which do",
        ),
        (
            "op: metrics.top\noffer: [where]",
            "offer-not-available 5: leave `where` out; it comes with `page: Page`, which the operation's function \
             does not take",
        ),
        (
            "op: pods.list\nwith: {status: \"${{ params.status }}\"}",
            "bad-reference 5: write \"{{ params.status }}\"",
        ),
        (
            "op: pods.list\nwith: {status: ${{ params.status }}}",
            "yaml-quote 5: write \"{{ params.status }}\"",
        ),
        (
            "params:\n  name: {type: string, required: true}\nop: pods.logs\n\
             with: {namespace: $params.name, container: $params.names[0]}",
            "bad-reference 7: indexes and keys stand after a dot: `$params.names.0`",
        ),
        (
            "params:\n  name: {type: string, required: true\n  tail: {type: integer}\nop: pods.logs",
            "yaml-syntax 5: close it with `}`, and put commas between the items",
        ),
        (
            "title List pods\nop: pods.list",
            "yaml-syntax 4: write `title: List pods`",
        ),
        (
            "steps:\n  - {id: pods, op: pods.list}\n  - {id: rest, op: pods.list, when: steps.pods.ok && steps.pods.total}",
            "template-syntax 6: write `and`",
        ),
        (
            "op: resources.delete\nparams:\n  kind: {type: string, required: true}\n  name: {type: string, required: true}\n  \
             propagation: {type: string, default: foregroud}",
            "bad-default 8: did you mean `foreground`?",
        ),
        (
            "op: pods.list\nparams:\n  status: {type: string}\nwith: {status: Running}",
            "unused-parameter 6: `with` binds `status` to something else: leave one of the two out",
        ),
        (
            "steps:\n  - {id: pods, op: pods.list}\n  - {id: pods, op: pods.list}\n\
             output: {template: tools/both.md.j2}",
            "duplicate-step 6: give it an id of its own",
        ),
        (
            "steps:\n  - {id: pods, op: pods.list}\n  - {id: the-last, op: pods.list}\n\
             output: {template: tools/both.md.j2}",
            "bad-name 6: names are lower case letters, digits and `_`, at most 64: write `the_last`",
        ),
    ];
    for (body, expected) in cases {
        let text = format!("spec: 1\nname: example\ndescription: An example.\n{body}\n");
        let sources = support::sources(&[
            ("spec/tools/core/example.yaml", text.as_str()),
            ("templates/tools/example.md.j2", "{{ steps.pods }}"),
            ("templates/tools/both.md.j2", "{{ steps.pods }}{{ steps.last }}"),
        ]);
        assert_eq!(told(&sources), [expected], "{body}");
    }
}

#[test]
fn a_file_in_the_wrong_place_is_told_where_it_belongs() {
    let tool = "spec: 1\nname: example\ndescription: An example.\nop: pods.list\n";
    let prompt = "spec: 1\nname: example\ndescription: An example.\n\
                  messages:\n  - {role: user, template: prompts/example.md.j2}\n";
    let cases = [
        (
            "spec/prompts/example.yaml",
            tool,
            "misplaced-file 4: move it to spec/tools/TOOLSET/example.yaml",
        ),
        (
            "spec/tools/core/example.yaml",
            prompt,
            "misplaced-file 4: move it to spec/prompts/example.yaml",
        ),
        (
            "spec/resources/example.yaml",
            prompt,
            "misplaced-file 4: move it to spec/prompts/example.yaml",
        ),
        (
            "spec/templates/example.md.j2",
            "An example.",
            "misplaced-file 1: templates stand in templates/, beside spec/",
        ),
    ];
    for (file, text, expected) in cases {
        assert_eq!(told_in(file, text), [expected], "{file}");
    }
    let mut sources = Sources::default();
    sources.add("spec/tools/shop/example.yaml", tool);
    sources.add(
        "spec/tools/shop/other.yaml",
        tool.replace("name: example", "name: other"),
    );
    sources.add("spec/tools/third.yaml", tool);
    assert_eq!(
        told(&sources),
        [
            "misplaced-file 1: move it into the folder of its toolset, e.g. spec/tools/shop/third.yaml",
            "unknown-toolset 1: write it: `spec: 1`, then `toolsets:`, then \
             `  - {name: shop, description: …, default: true}`",
        ]
    );
}

#[test]
fn a_template_that_cannot_be_parsed_is_told_what_to_write() {
    let cases = [
        (
            "{{ $params.name }}",
            "names have no dollar here: `params.x`, `steps.id.path`",
        ),
        ("{% if a %}\n{% elseif b %}\n{% endif %}", "write `{% elif … %}`"),
        ("{% if a %}\n{% else if b %}\n{% endif %}", "write `{% elif … %}`"),
        ("{% if a || b %}{% endif %}", "write `or`"),
        ("{{ params.name }", "`{{` is closed by `}}`, and `{%` by `%}`"),
        ("a {{ params.name", "`{{` is closed by `}}`, and `{%` by `%}`"),
        (
            "{% if a %}\n{% for b in c %}\n{% endif %}",
            "close `{% for %}` of line 2 with `{% endfor %}`",
        ),
        (
            "{% if a %}{% for b in c %}{% endfor %}",
            "close `{% if %}` of line 1 with `{% endif %}`",
        ),
        ("{% endif %}", "no `{% if … %}` is open here: leave it out"),
    ];
    for (text, expected) in cases {
        let told = told_in("templates/tools/example.md.j2", text);
        assert_eq!(told.len(), 1, "{text}: {told:?}");
        assert!(
            told[0].starts_with("template-syntax") && told[0].ends_with(expected),
            "{text}: {told:?}"
        );
    }
}

#[test]
fn what_a_template_can_never_write_is_told_at_its_word() {
    let cases = [
        (
            "{{ next(\"pods.logs\", namespace=\"shop\") }}",
            "unbound-parameter 9 give it: `next(\"pods.logs\", name=…)`",
        ),
        (
            "{{ next(\"pods.logs\", nam=\"web-0\") }}",
            "unknown-binding 22 did you mean `name`?",
        ),
        (
            "{% for pod in steps.pods.rows %}{{ loop.indx }}{% endfor %}",
            "unknown-field 41 did you mean `index`?",
        ),
        ("{{ next(\"pods.list\", limit=5) }}", ""),
        ("{{ next(\"pods.logs\", **params) }}", ""),
        ("{% for pod in steps.pods.rows %}{{ loop.index }}{% endfor %}", ""),
    ];
    for (text, expected) in cases {
        let tool = "spec: 1\nname: example\ndescription: An example.\nsteps: [{id: pods, op: pods.list}]\n\
                    output: {template: tools/example.md.j2}\n";
        let sources = support::sources(&[
            ("spec/tools/core/example.yaml", tool),
            (
                "templates/tools/example.md.j2",
                &format!("{text} {{{{ steps.pods }}}}"),
            ),
        ]);
        let (_, found) = check(&sources, &support::catalog(), &[]);
        let told: Vec<String> = found
            .iter()
            .map(|told| {
                let help = told.help.as_deref().unwrap_or_default();
                format!("{} {} {help}", told.check, told.place.column)
            })
            .collect();
        assert_eq!(told.join("\n"), expected, "{text}");
    }
}
