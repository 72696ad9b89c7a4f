//! Values of all five classes of secrets are planted wherever they can stand, and looked for in every answer.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde_json::{Value, json};

use crate::{
    api::{Api, write_kubeconfig},
    mcp::Server,
};

/// Class 1, and 5 where it is repeated.
const DATA: &str = "Planted-data-7391";
const STRING_DATA: &str = "Planted-string-data-7391";
const LAST_APPLIED: &str = "Planted-last-applied-7391";
/// Class 2.
const TOKEN: &str = "Planted-token-of-kubeconfig-7391";
/// Class 3.
const CONFIG: &str = "Planted-config-7391";
const ENV: &str = "Planted-env-7391";
const CUSTOM: &str = "Planted-custom-7391";
const NESTED: &str = "Planted-nested-7391";
/// Class 4, in the forms of [`forms`].
const URL: &str = "Planted-url-7391";

/// Class 4. Put together here, so that no scanner takes this file for a leak.
fn forms() -> [String; 4] {
    let key = |word: &str| format!("-----{word} RSA PRIVATE KEY-----");
    [
        format!("postgres://app:{URL}@ledger:5432/books"),
        [
            "eyJhbGciOiJIUzI1NiJ9",
            "eyJzdWIiOiJwbGFudGVkIn0",
            "UGxhbnRlZFNpZ25hdHVyZQ",
        ]
        .join("."),
        format!("{}\nUGxhbnRlZEtleUJvZHlPZjczOTE\n{}", key("BEGIN"), key("END")),
        format!("{}PLANTEDKEY739100", "AKIA"),
    ]
}

/// What no answer may hold: each value, plain and in base64, and the telling parts of forms.
fn planted() -> Vec<String> {
    let values = [
        DATA,
        STRING_DATA,
        LAST_APPLIED,
        TOKEN,
        CONFIG,
        ENV,
        CUSTOM,
        NESTED,
        URL,
    ];
    let coded = values.map(|value| STANDARD_NO_PAD.encode(value));
    let parts = [
        "UGxhbnRlZFNpZ25hdHVyZQ",
        "UGxhbnRlZEtleUJvZHlPZjczOTE",
        "PLANTEDKEY739100",
    ];
    values
        .iter()
        .copied()
        .map(str::to_owned)
        .chain(coded)
        .chain(parts.map(str::to_owned))
        .collect()
}

fn cluster() -> Api {
    let coded = STANDARD_NO_PAD.encode(DATA);
    let told = forms().join(" and ");
    let repeated = format!("{DATA}, which is {coded} in base64, and {told}");
    let metadata = |name: &str, uid: &str| {
        json!({"name": name, "namespace": "shop", "uid": uid,
        "creationTimestamp": "2026-11-23T10:00:00Z", "annotations": {"example.com/told": told}})
    };
    let mut secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata("login", "s"),
        "data": {"password": format!("{coded}=")}, "stringData": {"pin": STRING_DATA}});
    secret["metadata"]["annotations"] = json!({
        "kubectl.kubernetes.io/last-applied-configuration": format!("{{\"stringData\":{{\"a\":\"{LAST_APPLIED}\"}}}}"),
        "example.com/copy": repeated});
    let widget = |name: &str, key: &str| {
        json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": metadata(name, name),
        "spec": {"apiKey": key, "note": told, "db": {"clientSecret": NESTED, "url": forms()[0]}, "list": [{"password": NESTED}]}})
    };
    let event = |kind: &str, name: &str, uid: &str, message: &str| {
        json!({"apiVersion": "v1", "kind": "Event",
        "metadata": {"name": format!("{name}.1"), "namespace": "shop"}, "type": "Warning", "reason": "Failed",
        "message": message, "lastTimestamp": "2026-11-23T10:00:00Z", "count": 2,
        "involvedObject": {"kind": kind, "name": name, "namespace": "shop", "uid": uid}})
    };
    let last_applied = json!({"data": {"DATABASE_PASSWORD": CONFIG}}).to_string();
    let mut settings = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata("settings", "c"),
        "data": {"DATABASE_PASSWORD": CONFIG, "urls": told}});
    settings["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] =
        json!(last_applied);
    Api {
        objects: vec![
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}),
            secret,
            settings,
            widget("first", &format!("{CUSTOM}-b")),
            widget("second", &format!("{CUSTOM}-a")),
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata("web", "p"),
                "spec": {"containers": [{"name": "main", "image": "x", "args": [told],
                    "env": [{"name": "DB_PASSWORD", "value": ENV}, {"name": "DB_URL", "value": forms()[0]}]}]},
                "status": {"phase": "Failed", "message": told, "containerStatuses": [{"name": "main", "ready": false,
                    "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff", "message": told}}}]}}),
            event("Secret", "login", "s", &repeated),
            event("Pod", "web", "p", &told),
        ],
        // The end of a long line is cut, and with it what would tell that it is a secret.
        log: format!(
            "connecting as {TOKEN}\n{told}\n{}{}\n",
            "x".repeat(1_975),
            forms()[0]
        ),
        refusal: format!(
            "Secret \"login\" is invalid: data.password: Invalid value: {repeated}: sent by {TOKEN}"
        ),
    }
}

/// A client of the real program, which logs all that it can.
struct Client {
    server: Server,
    folder: tempfile::TempDir,
}

impl Client {
    fn new(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        write_kubeconfig(&path("kubeconfig"), cluster().serve(), TOKEN);
        let mut command = Command::new(env!("CARGO_BIN_EXE_kube-mcp"));
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KUBE_MCP_")) {
            command.env_remove(name);
        }
        command
            .args(["--log", "trace"])
            .args(flags)
            .env("KUBECONFIG", path("kubeconfig"))
            .env("XDG_CONFIG_HOME", folder.path())
            .stderr(fs::File::create(path("log")).unwrap());
        let server = Server::connect(command).unwrap().0;
        Self { server, folder }
    }

    /// The answer to a request, as it comes: of an error of the protocol, the error.
    fn request(&mut self, method: &str, params: Value) -> String {
        match self.server.request(method, params) {
            Ok(result) => result.to_string(),
            Err(error) => error,
        }
    }

    fn call(&mut self, tool: &str, arguments: Value) -> String {
        let text = self
            .server
            .call(tool, &arguments)
            .map_or_else(|error| error, |answer| answer.text);
        keeps(&format!("{tool} {arguments}"), &text);
        text
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

#[track_caller]
fn keeps(source: &str, text: &str) {
    for value in planted() {
        assert!(!text.contains(&value), "{source} shows {value}:\n{text}");
    }
}

#[test]
fn no_answer_and_no_log_shows_a_secret() {
    let mut client = Client::new(&[]);
    let objects = [
        ("secret", "login"),
        ("cm", "settings"),
        ("pod", "web"),
        ("widgets.example.com", "first"),
    ];
    for (kind, name) in objects {
        for output in ["yaml", "json"] {
            let text = client.call(
                "resources_get",
                json!({"kind": kind, "name": name, "output": output}),
            );
            assert!(
                text.contains("<hidden, "),
                "nothing was planted in {kind}:\n{text}"
            );
        }
        for fields in [
            "data,spec,metadata",
            "..password,..apiKey,..value",
            "metadata.annotations",
        ] {
            client.call(
                "resources_get",
                json!({"kind": kind, "name": name, "fields": fields}),
            );
        }
        for output in ["table", "yaml", "json"] {
            client.call("resources_list", json!({"kind": kind, "output": output}));
            for path in [
                "data",
                "stringData",
                "metadata.annotations",
                "spec",
                "..env",
                ".spec.apiKey",
                "status",
            ] {
                for arguments in [
                    json!({"fields": path}),
                    json!({"where": format!("{path}!=nothing"), "fields": format!("name,{path}")}),
                    json!({"sort": path, "limit": 1}),
                    json!({"sort": format!("-{path}"), "fields": path}),
                ] {
                    let mut arguments = arguments;
                    arguments["kind"] = json!(kind);
                    arguments["output"] = json!(output);
                    client.call("resources_list", arguments);
                }
            }
        }
        client.call("resources_describe", json!({"kind": kind, "name": name}));
        let uri = format!("k8s://it/shop/{kind}/{name}");
        keeps(&uri, &client.request("resources/read", json!({"uri": uri})));
    }
    // The API server's own account of a change quotes what it does not like.
    let refused = client.call(
        "resources_label",
        json!({"kind": "secret", "name": "login", "labels": ["a=b"]}),
    );
    assert!(refused.contains("is invalid"), "{refused}");
    client.call("pods_list", json!({}));
    // Who asks for the events alone has read no Secret: what they repeat of one is known by its form or not at all.
    client.call("events_list", json!({"kind": "Pod", "name": "web"}));
    client.call("clusters_list", json!({}));
    let log = client.call("pods_logs", json!({"name": "web"}));
    assert!(log.contains("connecting as <hidden, 32 bytes>"), "{log}");
    client.call("pods_logs", json!({"name": "web", "include": "postgres"}));
    let prompt = client.request(
        "prompts/get",
        json!({"name": "pod_troubleshooting", "arguments": {"name": "web"}}),
    );
    assert!(prompt.contains("<hidden, "), "{prompt}");
    keeps("the prompt", &prompt);
    // What a caller says in the wrong place is not repeated either, if it has the form of a secret.
    let url = &forms()[0];
    for (method, params) in [
        ("prompts/get", json!({"name": url})),
        (
            "prompts/get",
            json!({"name": "pod_troubleshooting", "arguments": {url: "x"}}),
        ),
        ("tools/call", json!({"name": url})),
        (
            "tools/call",
            json!({"name": "pods_list", "arguments": {"namespace": url, url: url}}),
        ),
        (
            "tools/call",
            json!({"name": "resources_get", "arguments": {"kind": url, "name": url}}),
        ),
        (
            "tools/call",
            json!({"name": "pods_logs", "arguments": {"name": url, "since": url}}),
        ),
        (
            "tools/call",
            json!({"name": "resources_list", "arguments": {"kind": "cm", "where": url, "fields": url, "sort": url}}),
        ),
    ] {
        keeps(method, &client.request(method, params));
    }
    let log = client.log();
    assert!(
        log.contains("resources_describe") && log.contains("request"),
        "no audit or no log:\n{log}"
    );
    keeps("the log", &log);
}

/// Whether two answers differ in anything but the guess and the fences.
#[track_caller]
fn tells_nothing(
    client: &mut Client,
    tool: &str,
    arguments: impl Fn(&str) -> Value,
    right: &str,
    wrong: &str,
) {
    assert_eq!(right.len(), wrong.len());
    let [right, wrong] = [right, wrong].map(|guess| {
        let answer = client.server.call(tool, &arguments(guess)).unwrap();
        let fence = answer.text.lines().find_map(|line| line.strip_prefix("--- end "));
        let text = match fence {
            Some(nonce) => answer.text.replace(nonce, "NONCE"),
            None => answer.text.clone(),
        };
        (answer.is_error, text.replace(guess, "GUESS"))
    });
    assert_eq!(
        right,
        wrong,
        "{tool} {} tells that the guess is right",
        arguments("GUESS")
    );
}

#[test]
fn no_filter_tells_a_right_guess_from_a_wrong_one() {
    let mut client = Client::new(&[]);
    let coded = STANDARD_NO_PAD.encode(DATA);
    let [_, jwt, _, _] = forms();
    for (kind, name, path, right) in [
        ("secret", "login", "data.password", format!("{coded}=")),
        ("secret", "login", "data.password", DATA.to_owned()),
        ("secret", "login", "stringData.pin", STRING_DATA.to_owned()),
        (
            "secret",
            "login",
            "metadata.annotations['example.com/copy']",
            DATA.to_owned(),
        ),
        ("cm", "settings", "data.DATABASE_PASSWORD", CONFIG.to_owned()),
        ("pod", "web", "spec.containers[0].env[0].value", ENV.to_owned()),
        (
            "widgets.example.com",
            "second",
            "spec.apiKey",
            format!("{CUSTOM}-a"),
        ),
        (
            "widgets.example.com",
            "second",
            "spec.db.clientSecret",
            NESTED.to_owned(),
        ),
        ("widgets.example.com", "second", "spec.db.url", forms()[0].clone()),
        ("widgets.example.com", "second", "spec.note", jwt.clone()),
    ] {
        // Of the same length and form, and wrong in the middle.
        let wrong = right
            .replacen("ed", "ee", 1)
            .replacen("xhbnRl", "xhbnRm", 1)
            .replacen("wbGFu", "wbGFv", 1);
        assert_ne!(right, wrong);
        for condition in [
            "{path}='{guess}'",
            "{path}!='{guess}'",
            "{path}>'{guess}'",
            "{path}~'{guess}'",
        ] {
            let filter = |guess: &str| condition.replace("{path}", path).replace("{guess}", guess);
            let list = |guess: &str| json!({"kind": kind, "where": filter(guess), "fields": "name"});
            tells_nothing(&mut client, "resources_list", list, &right, &wrong);
        }
        let (parent, leaf) = path.rsplit_once('.').unwrap_or((path, ""));
        let select = |guess: &str| json!({"kind": kind, "name": name, "fields": format!("{parent}[?(@=='{guess}')],{parent}[?(@.{leaf}=='{guess}')]")});
        tells_nothing(&mut client, "resources_get", select, &right, &wrong);
    }
    let include = |guess: &str| json!({"name": "web", "include": guess});
    tells_nothing(
        &mut client,
        "pods_logs",
        include,
        "app:Planted-u",
        "app:Planted-x",
    );
    let exclude = |guess: &str| json!({"name": "web", "exclude": guess});
    tells_nothing(&mut client, "pods_logs", exclude, "ZFNpZ25h", "ZFNpZ25x");

    // The keys of the two widgets are in the other order than their names, and as long.
    for sort in ["spec.apiKey", "-spec.apiKey"] {
        let arguments =
            json!({"kind": "widgets.example.com", "sort": sort, "fields": "name", "output": "json"});
        let text = client.call("resources_list", arguments);
        assert!(text.find("first") < text.find("second"), "{text}");
    }
}

#[test]
fn a_template_of_a_teams_own_gets_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    copy(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"),
        folder.path(),
    );
    let template = "{{ steps.object }} {{ steps.object.data | default('') }} {{ steps.object.spec | default('') }} {{ steps.object.metadata.annotations }}
{% for event in steps.events.rows %}{{ event.cells }}{% endfor %} {{ steps.events }}
{{ (steps.object.data | default({})).password | default('') | upper }} {{ (steps.object.data | default({})).DATABASE_PASSWORD | default('') | reverse }}
";
    fs::write(folder.path().join("tools/resources_describe.md.j2"), template).unwrap();
    let mut client = Client::new(&["--templates", folder.path().to_str().unwrap()]);
    for (kind, name) in [
        ("secret", "login"),
        ("cm", "settings"),
        ("pod", "web"),
        ("widgets.example.com", "first"),
    ] {
        let text = client.call("resources_describe", json!({"kind": kind, "name": name}));
        assert!(text.contains("<hidden, "), "{text}");
        let reversed: String = CONFIG.chars().rev().collect();
        assert!(
            !text.contains(&reversed) && !text.contains(&DATA.to_uppercase()),
            "{text}"
        );
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
