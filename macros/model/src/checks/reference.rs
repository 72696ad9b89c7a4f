//! The generated page of all checks.

use std::fmt::Write;

use super::CHECKS;

/// The page docs/reference/checks.md.
pub fn reference() -> String {
    let mut page = String::from(
        "# Checks\n\nWhat `kube-mcp lint` and the build say about specs and templates. This page is generated: \
         `UPDATE_EXPECT=1 cargo test -p kube-mcp-model` rewrites it.\n\n\
         | check | what it finds | the nearest accepted form |\n| --- | --- | --- |\n",
    );
    for check in CHECKS {
        // Writing to a string cannot fail.
        let _ = writeln!(
            page,
            "| `{}` | {} | {} |",
            check.id, check.summary, check.accepted
        );
    }
    page
}
