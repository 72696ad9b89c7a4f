//! What an author of operations reads when one is wrong: few cases, because the texts of rustc drift. The parser's
//! own messages have their tests beside the parser.
//!
//! `TRYBUILD=overwrite cargo test -p kube-mcp-macros` rewrites the expected texts.

#[test]
fn misuse_is_told_where_it_stands() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/accepted.rs");
    cases.compile_fail("tests/ui/refused_*.rs");
    cases.compile_fail("tests/ui/backstop_*.rs");
}
