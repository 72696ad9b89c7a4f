//! Every check there is.

/// A check.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Its id, as messages show it.
    pub id: &'static str,
    /// What it finds.
    pub summary: &'static str,
    /// The nearest form that is accepted.
    pub accepted: &'static str,
}

const fn check(id: &'static str, summary: &'static str, accepted: &'static str) -> Check {
    Check {
        id,
        summary,
        accepted,
    }
}

/// All checks, in the order in which an author meets them.
pub const CHECKS: &[Check] = &[
    check(
        "yaml-tab",
        "A tab where a line is indented",
        "Spaces, two for each level",
    ),
    check(
        "yaml-indentation",
        "A line that is indented as nothing before it",
        "The indentation of its neighbours",
    ),
    check(
        "yaml-quote",
        "A text that YAML reads as something else: it starts with `{{`, `@`, `*` … or has a colon in it",
        "The text in quotes",
    ),
    check(
        "yaml-syntax",
        "Anything else that is not YAML: an open quote or bracket",
        "The bracket closed",
    ),
    check(
        "yaml-documents",
        "A second document in a file",
        "One thing in a file",
    ),
    check("yaml-merge-key", "A merge key, `<<`", "The keys written out"),
    check("duplicate-key", "A key that is written twice", "One of them"),
    check("empty-file", "A file with nothing in it", "A spec"),
    check(
        "misplaced-file",
        "A file that nothing reads: no toolset's folder, `.yml`, a wrong folder",
        "`spec/tools/TOOLSET/NAME.yaml`",
    ),
    check(
        "unsupported-version",
        "A version of the spec language that is not known",
        "`spec: 1`",
    ),
    check(
        "bad-name",
        "A name that is not `[a-z][a-z0-9_]*` of at most 64 characters",
        "`pods_list`",
    ),
    check(
        "name-differs-from-file",
        "A file that is not called as what it declares",
        "`name: pods_list` in `pods_list.yaml`",
    ),
    check(
        "duplicate-name",
        "Two tools, prompts, resources, toolsets or examples of one name, in this package or another",
        "A name of its own",
    ),
    check(
        "unknown-toolset",
        "A folder under `spec/tools` that `spec/toolsets.yaml` does not declare",
        "`- {name: core, description: …}`",
    ),
    check(
        "unknown-key",
        "A key that does not exist",
        "The key that it is near",
    ),
    check("missing-key", "A key that has to be there", "`description: …`"),
    check(
        "wrong-type",
        "A value of another sort than the key takes",
        "A string in quotes, `true`, a list",
    ),
    check("empty-value", "A key that is left empty", "A value, or no key"),
    check(
        "unknown-value",
        "A word that the key does not take",
        "One of its words",
    ),
    check(
        "op-or-steps",
        "Both `op` and `steps`, neither, or `with` beside `steps`",
        "One of the two",
    ),
    check(
        "output-without-steps",
        "`output` in a tool that has no steps to render",
        "`steps` with ids",
    ),
    check(
        "reserved-parameter",
        "A parameter that the engine adds (`cluster`, `cursor`, `dry_run`, `confirm`) or that is offered",
        "`offer: [output]`",
    ),
    check(
        "prompt-parameter-type",
        "A parameter of a prompt that is no string",
        "No `type`",
    ),
    check(
        "array-items",
        "An array without `items`, or `items` without an array",
        "`{type: array, items: string}`",
    ),
    check(
        "bad-default",
        "A default that does not fit the parameter or the operation",
        "A value of the type, within bounds and choices",
    ),
    check(
        "required-with-default",
        "A required parameter with a default",
        "One of the two",
    ),
    check(
        "bad-bounds",
        "Bounds that leave no value, or bounds of what is no number",
        "`{minimum: 1, maximum: 10}`",
    ),
    check(
        "bad-enum",
        "Choices that are no strings, repeated, or of a parameter that is no string",
        "`enum: [Normal, Warning]`",
    ),
    check(
        "enum-not-narrower",
        "A choice that the operation does not take",
        "A part of the operation's choices",
    ),
    check(
        "unused-parameter",
        "A parameter that nothing uses",
        "`$params.x`, or no parameter",
    ),
    check(
        "unknown-operation",
        "An operation that does not exist",
        "A name of `kube-mcp operations`",
    ),
    check(
        "unknown-binding",
        "A `with` key, or an argument of `next`, that the operation does not have",
        "A parameter of the operation",
    ),
    check(
        "unbound-parameter",
        "A required parameter of the operation that nothing is bound to",
        "A parameter of that name, or `with`",
    ),
    check(
        "maybe-absent",
        "What may have no value, bound to what the operation needs",
        "`required: true`, a default, or `when: steps.id.ok`",
    ),
    check(
        "type-mismatch",
        "A reference of another type than the operation takes",
        "A parameter of the operation's type",
    ),
    check(
        "wrong-literal",
        "A fixed value of another type than the operation takes",
        "A value of its type",
    ),
    check(
        "literal-out-of-range",
        "A fixed value or bound outside of the operation's integer type",
        "A value within it",
    ),
    check(
        "unknown-choice",
        "A fixed value that is none of the operation's choices",
        "One of them",
    ),
    check(
        "bad-text-format",
        "A fixed value that is no kind, duration or point in time",
        "`Pod`, `15m`, `2026-07-28T13:41:00Z`",
    ),
    check(
        "page-binding",
        "A binding of the page's `cursor`, `where`, `sort` or `fields`",
        "`offer: [sort]`",
    ),
    check(
        "bad-reference",
        "A `$` that refers to nothing",
        "`$params.x`, `$steps.id.path`, `$uri.x`, `$$`",
    ),
    check(
        "embedded-reference",
        "A reference within a text or a list, where it is not replaced",
        "`\"app={{ params.app }}\"`",
    ),
    check(
        "unknown-parameter",
        "A parameter that is not declared",
        "A parameter of the tool or prompt",
    ),
    check(
        "unknown-uri-variable",
        "A variable that the URI does not have",
        "A variable of the URI",
    ),
    check(
        "unknown-step",
        "A step that does not exist",
        "The id of an earlier step",
    ),
    check(
        "later-step",
        "A step that does not come before the one that refers to it",
        "An earlier step",
    ),
    check(
        "unknown-field",
        "A path that a step's result does not have",
        "`$steps.pods.rows.0.name`",
    ),
    check("duplicate-step", "Two steps of one id", "An id of its own"),
    check("too-many-steps", "More than eight steps", "An operation"),
    check(
        "second-change",
        "A second step that changes something",
        "A tool for each change",
    ),
    check(
        "change-not-last",
        "A step after the one that changes something",
        "The change at the end",
    ),
    check(
        "change-continues",
        "`on_error: continue` on a step that changes something",
        "No `on_error`",
    ),
    check(
        "cluster-not-taken",
        "`cluster` on a step whose operation works on none",
        "No `cluster`",
    ),
    check(
        "unused-step",
        "A step whose result nothing uses",
        "A use in a later step or the template",
    ),
    check(
        "braces-in-condition",
        "`{{ }}` in a condition",
        "`when: steps.pod.ok`",
    ),
    check(
        "offer-not-available",
        "An offer that the operation cannot keep",
        "`where`, `sort`, `fields` of what lists, `fields` of an object, `output` of what has several views",
    ),
    check("duplicate-offer", "A parameter that is offered twice", "Once"),
    check(
        "confirm-on-read",
        "`confirm` on a tool that only reads",
        "No `confirm`",
    ),
    check(
        "example-argument",
        "An argument of an example that the tool does not take, or one that is missing",
        "Arguments that fit, or `expect: {error: …}`",
    ),
    check(
        "rows-without-table",
        "`rows` where the answer is no table",
        "`contains`",
    ),
    check(
        "not-a-read",
        "A prompt, resource or completion whose operation changes something",
        "An operation that reads",
    ),
    check(
        "complete-not-a-table",
        "A completion whose operation gives no table",
        "One that lists",
    ),
    check(
        "template-syntax",
        "A template, text or condition that minijinja cannot parse",
        "`{% for … %}` … `{% endfor %}`",
    ),
    check(
        "unknown-template",
        "A template that is not there",
        "A file under `templates/`",
    ),
    check(
        "unknown-template-variable",
        "A variable that the template is not given",
        "`params.x`, `steps.id`, `uri.x`, or one that it sets",
    ),
    check(
        "unknown-filter",
        "A filter that does not exist, in any branch",
        "A filter of minijinja",
    ),
    check(
        "unknown-test",
        "A test that does not exist",
        "A test of minijinja",
    ),
    check(
        "unknown-function",
        "A function or macro that does not exist",
        "`next(\"pods.logs\", name=…)`",
    ),
    check("unknown-method", "A call of a method", "A filter: `x \\| upper`"),
    check(
        "unguarded-value",
        "What may have no value, used in a template as if it had",
        "`\\| default(\"…\")` or `{% if %}`",
    ),
    check(
        "include-cycle",
        "Templates that include each other",
        "A third template",
    ),
    check(
        "dynamic-include",
        "An include whose name is not known before rendering",
        "`{% include \"partials/rows.md.j2\" %}`",
    ),
    check(
        "bad-uri",
        "A URI template that cannot be read",
        "`k8s://{cluster}/{namespace}/{kind}/{name}`",
    ),
    check(
        "unused-uri-variable",
        "A variable of the URI that nothing uses",
        "`with: {name: $uri.x}`",
    ),
    check(
        "duplicate-uri",
        "Two resources whose URIs have the same form",
        "URIs that differ in their fixed parts",
    ),
    check(
        "subscribe-without-object",
        "`subscribe` on what is no API object",
        "No `subscribe`",
    ),
];
