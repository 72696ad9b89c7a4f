//! The names that the engine's minijinja knows.
//!
//! A test asks minijinja whether each is there. What the engine adds has to be added here as well.

/// Filters: those that minijinja has built in, and the engine's own.
pub const FILTERS: &[&str] = &[
    "abs",
    "age",
    "attr",
    "batch",
    "bool",
    "capitalize",
    "chain",
    "count",
    "counted",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "first",
    "float",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "pprint",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
    "zip",
];

/// Tests: those that minijinja has built in.
pub const TESTS: &[&str] = &[
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "escaped",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "int",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "safe",
    "sameas",
    "sequence",
    "startingwith",
    "string",
    "test",
    "true",
    "undefined",
    "upper",
    "!=",
    "<",
    "<=",
    "==",
    ">",
    ">=",
];

/// Functions: those that minijinja has built in, and the engine's `next(op, key=value…)`.
pub const FUNCTIONS: &[&str] = &["debug", "dict", "namespace", "next", "range"];

/// Where somebody used to Python or Jinja looks for something that has another name here.
pub(super) fn other_filter(name: &str) -> Option<&'static str> {
    Some(match name {
        "strip" => "use `trim`",
        "len" | "size" => "use `length`",
        "json" | "to_json" | "toJson" => "use `tojson`",
        "yaml" | "to_yaml" | "toYaml" | "to_nice_yaml" => {
            "use `tojson`, or render the step's whole answer: `{{ steps.id }}`"
        }
        "truncate" => "use a slice: `x[:80]`",
        "uppercase" | "toupper" => "use `upper`",
        "lowercase" | "tolower" => "use `lower`",
        "splitlines" => "use `lines`",
        "startswith" => "use the test: `x is startingwith(\"…\")`",
        "endswith" => "use the test: `x is endingwith(\"…\")`",
        "keys" => "go over the mapping itself, or over `x | items`",
        "values" => "go over `x | items`",
        "get" => "use `x.name | default(…)`",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use minijinja::Environment;

    use super::*;

    #[test]
    fn minijinja_has_every_name_listed() {
        let environment = Environment::new();
        let holds = |expression: String| {
            environment
                .compile_expression(&expression)
                .unwrap()
                .eval(())
                .unwrap()
                .is_true()
        };
        for filter in FILTERS.iter().filter(|name| !matches!(**name, "age" | "counted")) {
            assert!(holds(format!("'{filter}' is filter")), "{filter} is no filter");
        }
        for test in TESTS {
            assert!(holds(format!("'{test}' is test")), "{test} is no test");
        }
        for function in FUNCTIONS.iter().filter(|name| **name != "next") {
            assert!(
                holds(format!("{function} is defined")),
                "{function} is no function"
            );
        }
        assert!(
            !holds("'truncate' is filter".to_owned()),
            "minijinja has `truncate` now: list it"
        );
    }
}
