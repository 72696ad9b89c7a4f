//! The documentation of every key, from the table that reads them.

use std::fmt::Write as _;

use super::keys::{SECTIONS, SETTINGS};

const HEAD: &str = "\
# Configuration

Everything has a default: without a file, a variable or a flag the server uses `~/.kube/config`.

A file is read from `--config FILE`, else `KUBE_MCP_CONFIG`, else `kube-mcp/config.yaml` in the user's configuration
folder (`~/.config` on Linux), if it exists. Variables win over the file, flags over variables. An unknown key or
variable is an error that names the place and the nearest known one; so is a value that does not fit. Relative paths in
the file are relative to it.

    server:
      toolsets: [core, workloads]
    kubernetes:
      contexts: [prod, staging]
      aliases: {staging: stage}
    access:
      mode: guarded
      deny:
        - {resources: [secrets]}
        - {verbs: [delete, deletecollection], namespaces: [kube-system]}

Values of secrets are shown only if the server is started with `--reveal-secrets`: no file and no variable can say it.
";

const TAIL: &str = "
## Rules

A rule of `access.allow` or `access.deny` has `verbs` (`get`, `list`, `watch`, `create`, `update`, `patch`, `delete`,
`deletecollection`), `resources` (`secrets`, `deployments.apps`, `pods/exec`), `namespaces` and `clusters`; what is left
out matches everything, and so does `*`. Rules hold for every request that the server sends, whichever tool it is for.
Discovery, the server's version and health, and the reviews about oneself can always be read.

In the environment a list is separated by commas (`KUBE_MCP_KUBECONFIG` as `KUBECONFIG` is), a map is
`context=name,…`, and an empty variable says nothing.
";

/// All keys as a Markdown page: what `docs/configuration.md` holds.
pub fn reference() -> String {
    let mut page = HEAD.to_owned();
    for section in SECTIONS {
        // Writing to a string cannot fail.
        let _ = write!(
            page,
            "\n## `{section}`\n\n| key | variable | takes | default | |\n| --- | --- | --- | --- | --- |\n"
        );
        for setting in SETTINGS {
            let Some(key) = setting
                .key
                .strip_prefix(section)
                .and_then(|rest| rest.strip_prefix('.'))
            else {
                continue;
            };
            let variable = setting
                .variable
                .map(|name| format!("`{name}`"))
                .unwrap_or_default();
            let _ = writeln!(
                page,
                "| `{key}` | {variable} | {} | {} | {} |",
                setting.takes, setting.default, setting.about
            );
        }
    }
    page.push_str(TAIL);
    page
}
