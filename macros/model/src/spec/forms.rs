//! The tables: every key of the spec language, version 1.

use super::form::{Form, KeySpec, Shape};

const fn required(name: &'static str, shape: Shape, doc: &'static str) -> KeySpec {
    KeySpec {
        name,
        required: true,
        shape,
        doc,
    }
}

const fn optional(name: &'static str, shape: Shape, doc: &'static str) -> KeySpec {
    KeySpec {
        name,
        required: false,
        shape,
        doc,
    }
}

const VERSION: KeySpec = required("spec", Shape::Version, "The version of the spec language: 1.");
const NAME: KeySpec = required("name", Shape::Name, "The name; the file's stem is the same.");
const TITLE: KeySpec = optional("title", Shape::Text, "What clients show.");
const WITH: Shape = Shape::Map(&Shape::Value);
const WITH_DOC: &str = "What the operation's parameters get: a fixed value, `$params.x`, `$steps.id.path`, or a \
                        quoted string with `{{ }}`. Parameters of the same name bind by themselves.";
const COMPLETE_DOC: &str =
    "What completes it: an operation that answers with a table; its names are offered.";

/// A tool.
pub const TOOL: Form = Form {
    what: "a tool",
    keys: &[
        VERSION,
        NAME,
        TITLE,
        required(
            "description",
            Shape::Text,
            "What a model reads: what comes back, and in which order.",
        ),
        optional(
            "params",
            Shape::Map(&Shape::Form(&PARAM)),
            "The tool's parameters.",
        ),
        optional("op", Shape::Operation, "The operation that it is bound to."),
        optional("with", WITH, WITH_DOC),
        optional(
            "steps",
            Shape::List(&Shape::Form(&STEP)),
            "At most 8 steps, in place of `op`.",
        ),
        optional(
            "offer",
            Shape::List(&Shape::OneOf(&["output", "fields", "where", "sort"])),
            "Reserved parameters that the tool offers.",
        ),
        optional(
            "output",
            Shape::Form(&OUTPUT),
            "How the results of steps are rendered.",
        ),
        optional(
            "confirm",
            Shape::OneOf(&["always"]),
            "Asks even where the access mode would let it run.",
        ),
        optional(
            "examples",
            Shape::List(&Shape::Form(&EXAMPLE)),
            "Calls with what to expect; each is a test.",
        ),
    ],
};

/// A parameter of a tool.
pub const PARAM: Form = Form {
    what: "a parameter",
    keys: &[
        required(
            "type",
            Shape::OneOf(&["string", "integer", "number", "boolean", "array"]),
            "Its type; `array` needs `items`.",
        ),
        optional(
            "items",
            Shape::OneOf(&["string", "integer", "number", "boolean"]),
            "The type of an array's items.",
        ),
        optional(
            "description",
            Shape::Text,
            "What it means, if its name leaves a doubt.",
        ),
        optional("required", Shape::Boolean, "Whether a call must give it."),
        optional("default", Shape::Any, "What counts if a call does not give it."),
        optional(
            "enum",
            Shape::List(&Shape::Any),
            "The values it may have. Bound to a choice, it is inherited; writing it may only narrow.",
        ),
        optional("minimum", Shape::Number, "The least value of a number."),
        optional("maximum", Shape::Number, "The greatest value of a number."),
        optional("complete", Shape::Form(&COMPLETE), COMPLETE_DOC),
    ],
};

/// An operation with bindings, wherever one stands.
pub const BINDING: Form = Form {
    what: "a binding",
    keys: &[
        required("op", Shape::Operation, "The operation."),
        optional("with", WITH, WITH_DOC),
    ],
};

/// What completes a parameter or variable.
pub const COMPLETE: Form = Form {
    what: "a completion",
    keys: BINDING.keys,
};

/// A step.
pub const STEP: Form = Form {
    what: "a step",
    keys: &[
        required(
            "id",
            Shape::Name,
            "Its name, by which later steps and templates refer to it.",
        ),
        required("op", Shape::Operation, "The operation."),
        optional("with", WITH, WITH_DOC),
        optional(
            "when",
            Shape::Text,
            "A minijinja expression; the step runs only if it holds.",
        ),
        optional(
            "on_error",
            Shape::OneOf(&["fail", "continue"]),
            "Whether the call goes on if the step fails.",
        ),
        optional("cluster", Shape::Value, "The cluster, if it is not the call's."),
    ],
};

/// How a tool answers.
pub const OUTPUT: Form = Form {
    what: "an output",
    keys: &[required(
        "template",
        Shape::Text,
        "A file under templates/ that renders the steps' results.",
    )],
};

/// An example of a call.
pub const EXAMPLE: Form = Form {
    what: "an example",
    keys: &[
        required("name", Shape::Text, "What it shows."),
        optional("args", Shape::Map(&Shape::Any), "The arguments of the call."),
        required("expect", Shape::Form(&EXPECT), "What the answer has to satisfy."),
    ],
};

/// What an example expects.
pub const EXPECT: Form = Form {
    what: "an expectation",
    keys: &[
        optional(
            "contains",
            Shape::Either(&[Shape::Text, Shape::List(&Shape::Text)]),
            "Texts that occur in the answer.",
        ),
        optional(
            "rows",
            Shape::Either(&[Shape::Count, Shape::Form(&ROWS)]),
            "How many rows a table shows: a number, or `{min, max}`.",
        ),
        optional(
            "error",
            Shape::Text,
            "The call fails, with this text in the error.",
        ),
    ],
};

const ROWS: Form = Form {
    what: "a number of rows",
    keys: &[
        optional("min", Shape::Count, "At least so many."),
        optional("max", Shape::Count, "At most so many."),
    ],
};

/// A prompt.
pub const PROMPT: Form = Form {
    what: "a prompt",
    keys: &[
        VERSION,
        NAME,
        TITLE,
        required("description", Shape::Text, "What it is for."),
        optional(
            "params",
            Shape::Map(&Shape::Form(&PROMPT_PARAM)),
            "Its parameters; all are strings.",
        ),
        optional(
            "gather",
            Shape::List(&Shape::Form(&STEP)),
            "Steps that only read, so that the prompt arrives with live data.",
        ),
        required("messages", Shape::List(&Shape::Form(&MESSAGE)), "Its messages."),
    ],
};

/// A parameter of a prompt.
pub const PROMPT_PARAM: Form = Form {
    what: "a prompt's parameter",
    keys: &[
        optional("type", Shape::Text, "Always `string`."),
        optional("description", Shape::Text, "What it means."),
        optional("required", Shape::Boolean, "Whether it must be given."),
        optional("default", Shape::Any, "What counts if it is not given."),
        optional("enum", Shape::List(&Shape::Any), "The values it may have."),
        optional("complete", Shape::Form(&COMPLETE), COMPLETE_DOC),
    ],
};

/// A message of a prompt.
pub const MESSAGE: Form = Form {
    what: "a message",
    keys: &[
        required(
            "role",
            Shape::OneOf(&["user", "assistant"]),
            "Whose message it is.",
        ),
        required("template", Shape::Text, "A file under templates/."),
    ],
};

/// A resource.
pub const RESOURCE: Form = Form {
    what: "a resource",
    keys: &[
        VERSION,
        NAME,
        TITLE,
        required("description", Shape::Text, "What it is."),
        required(
            "uri",
            Shape::Text,
            "Its URI with `{variables}`, e.g. k8s://{cluster}/{namespace}/{kind}/{name}.",
        ),
        required("op", Shape::Operation, "The operation that reads it."),
        optional(
            "with",
            WITH,
            "What the operation's parameters get; `$uri.x` is a variable of the URI.",
        ),
        optional(
            "mime",
            Shape::Text,
            "The MIME type; by the operation's output if left out.",
        ),
        optional(
            "complete",
            Shape::Map(&Shape::Form(&COMPLETE)),
            "What completes each variable.",
        ),
        optional("subscribe", Shape::Boolean, "Whether it can be watched."),
    ],
};

/// The file `spec/toolsets.yaml`.
pub const TOOLSETS: Form = Form {
    what: "toolsets.yaml",
    keys: &[
        VERSION,
        required(
            "toolsets",
            Shape::List(&Shape::Form(&TOOLSET)),
            "The toolsets: folders under spec/tools.",
        ),
    ],
};

/// A toolset.
pub const TOOLSET: Form = Form {
    what: "a toolset",
    keys: &[
        required("name", Shape::Name, "Its name: the folder under spec/tools."),
        required("description", Shape::Text, "One line."),
        optional(
            "default",
            Shape::Boolean,
            "Whether it is served unless configured otherwise; false if left out.",
        ),
    ],
};
