//! Calls on several clusters, through the whole engine: how an operation answers is told by its cluster's name.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::{FutureExt as _, future::BoxFuture};
use serde_json::{Map, Value, json};

use crate::{
    Error, ErrorKind,
    call::{Access, Cx, Operation, Page, Reach, Result, Values},
    cluster::testing::Script,
    config::Config,
    engine::{
        Answer, Engine,
        surface::{Invoke, Param, ParamKind, Source, Surface, Tool, Toolset},
        tests::{Recorded, Silent, bind, context, map, operation, param, step, tool},
    },
    output::{
        Column, Health, Object, ObjectId, Output, OutputKind, Part, Role, Row, Table, filter::Collector,
    },
};

static LIST: Operation = Operation {
    reach: Reach::Cluster,
    output: OutputKind::Table,
    paged: true,
    ..operation("test.list", Access::Read)
};
static GET: Operation = Operation {
    reach: Reach::Cluster,
    output: OutputKind::Object,
    ..operation("test.get", Access::Read)
};
static CHANGE: Operation = Operation {
    reach: Reach::Cluster,
    ..operation("test.change", Access::Write)
};

/// What a cluster of this name does before it answers.
async fn reach(cx: &Cx, page: &Page) -> Result<(), Error> {
    let unreachable = |name: &str| {
        let message = format!("{name} unreachable: no answer in 5 s; check VPN/network");
        Err(Error::new(ErrorKind::Unreachable, message))
    };
    match cx.cluster().name() {
        name if name.starts_with("slow") => futures::future::pending().await,
        name if name.starts_with("down") => unreachable(name),
        // It is back when the second page is asked for.
        "up-late" if page.cursor.is_none() => unreachable("up-late"),
        _ => Ok(()),
    }
}

/// Six objects, of which every third is degraded.
fn list(cx: &Cx, values: Values) -> BoxFuture<'_, Result<Output>> {
    async move {
        let page = values.page();
        reach(cx, &page).await?;
        let columns = [
            Column::new("NAMESPACE", Role::Namespace),
            Column::new("NAME", Role::Name),
        ];
        let filter = page.row_filter(&[columns.as_slice(), &[Column::new("SIZE", Role::Number)]].concat())?;
        let mut collector = Collector::new(filter, &page.query("things"))?;
        for size in 0..6_u8 {
            let (namespace, name) = (["a", "b"][usize::from(size % 2)], format!("n{size}"));
            collector.push(
                Row {
                    id: ObjectId {
                        kind: "Thing".to_owned(),
                        namespace: Some(namespace.to_owned()),
                        name: name.clone(),
                        ..ObjectId::default()
                    },
                    health: if size % 3 == 0 {
                        Health::Degraded
                    } else {
                        Health::Healthy
                    },
                    cells: vec![namespace.to_owned(), name, size.to_string()],
                    ..Row::default()
                },
                0,
                None,
            );
        }
        Ok(collector
            .finish(Table {
                subject: "Things".to_owned(),
                complete: true,
                ..Table::default()
            })
            .into())
    }
    .boxed()
}

/// An object, which is large on the cluster `large`.
fn get(cx: &Cx, _: Values) -> BoxFuture<'_, Result<Output>> {
    async move {
        reach(cx, &Page::default()).await?;
        let large = cx.cluster().name().starts_with("large");
        let items: Vec<String> = (0..if large { 2_000 } else { 2 })
            .map(|n| format!("item number {n}"))
            .collect();
        Ok(Object {
            parts: vec![Part {
                id: ObjectId {
                    kind: "Thing".to_owned(),
                    name: "n0".to_owned(),
                    ..ObjectId::default()
                },
                value: json!({"kind": "Thing", "items": items}),
                ..Part::default()
            }],
            ..Object::default()
        }
        .into())
    }
    .boxed()
}

static SURFACE: Surface = Surface {
    package: "test",
    toolsets: &[Toolset {
        name: "core",
        description: "",
        default: true,
    }],
    tools: &[
        Tool {
            schema: r#"{"type":"object","properties":{"cursor":{},"where":{},"sort":{},"output":{}},"additionalProperties":false}"#,
            ..tool(
                "list",
                &[Param {
                    kind: ParamKind::Integer,
                    default: Some("100"),
                    ..param("limit", false)
                }],
                &[step(
                    "",
                    &LIST,
                    &[bind("limit", Source::Param("limit"))],
                    Invoke::Cluster(list),
                )],
                None,
            )
        },
        tool("get", &[], &[step("", &GET, &[], Invoke::Cluster(get))], None),
        tool(
            "change",
            &[],
            &[step("", &CHANGE, &[], Invoke::Cluster(get))],
            None,
        ),
    ],
    prompts: &[],
    resources: &[],
    templates: &[],
    operations: &[&LIST, &GET, &CHANGE],
    signatures: "{}",
};

async fn call_on(names: &[&str], tool: &str, arguments: Value) -> Answer {
    let engine = Engine::new(
        &[&SURFACE],
        Arc::new(Config::default()),
        Script::new().clusters(names),
        Arc::new(Silent),
        Arc::new(Recorded::default()),
    );
    engine.unwrap().call_tool(tool, map(arguments), &context()).await
}

async fn call(tool: &str, arguments: Value) -> Answer {
    call_on(&["one", "two", "three"], tool, arguments).await
}

/// The rows of an answer in JSON, `cluster namespace name`, and its cursor.
fn read(text: &str) -> (Vec<String>, Option<String>) {
    let (_, rows) = text.split_once("\n[").unwrap();
    let (rows, _) = rows.split_once("}]").unwrap();
    let rows: Vec<Value> = serde_json::from_str(&format!("[{rows}}}]")).unwrap();
    let row = |row: &Value| {
        ["CLUSTER", "NAMESPACE", "NAME"].map(|cell| row[cell].as_str().unwrap_or_default().to_owned())
    };
    let rows = rows.iter().map(|cells| row(cells).join(" "));
    let cursor = text.lines().find_map(|line| line.strip_prefix("More: cursor="));
    (
        rows.collect(),
        cursor.and_then(|rest| Some(rest.split(',').next()?.to_owned())),
    )
}

/// All rows, page by page.
async fn pages(names: &[&str], limit: usize, mut arguments: Map<String, Value>) -> Vec<String> {
    let mut all = Vec::new();
    arguments.insert("limit".to_owned(), json!(limit));
    arguments.insert("output".to_owned(), json!("json"));
    loop {
        let answer = call_on(names, "list", Value::Object(arguments.clone())).await;
        assert!(!answer.is_error, "{}", answer.text);
        let (rows, cursor) = read(&answer.text);
        assert!(rows.len() <= limit, "{}", answer.text);
        all.extend(rows);
        match cursor {
            Some(cursor) => _ = arguments.insert("cursor".to_owned(), json!(cursor)),
            None => return all,
        }
    }
}

#[tokio::test]
async fn a_limit_counts_the_rows_of_all_clusters_and_one_cursor_goes_on() {
    let answer = call("list", json!({"cluster": "two,one", "limit": 5})).await;
    let (text, digest) = answer.text.rsplit_once('/').unwrap();
    assert_eq!(
        text,
        "[2 clusters] Things: two 6; one 6\n\
         Unhealthy (4)\n\
         CLUSTER\tNAMESPACE\tNAME\tSIZE\n\
         one\ta\tn0\t0\n\
         one\tb\tn3\t3\n\
         two\ta\tn0\t0\n\
         two\tb\tn3\t3\n\
         Healthy (first 1 of 8)\n\
         CLUSTER\tNAMESPACE\tNAME\tSIZE\n\
         one\ta\tn2\t2\n\
         More: cursor=3/one/a/n2"
    );
    // The tool takes neither namespace nor selector.
    assert_eq!(digest.len(), "7f3a".len(), "{digest}");
    let whole = pages(&["one", "two", "three"], 100, map(json!({"cluster": "*"}))).await;
    assert_eq!(whole.len(), 18);
    assert_eq!(whole[4..8], ["two a n0", "two b n3", "one a n2", "one a n4"]);
    for limit in [1, 4, 17] {
        assert_eq!(
            pages(&["one", "two", "three"], limit, map(json!({"cluster": "*"}))).await,
            whole,
            "{limit}"
        );
    }
}

#[tokio::test]
async fn a_chosen_order_holds_over_all_clusters() {
    let names = ["one", "two", "three"];
    let sorted = pages(
        &names,
        4,
        map(json!({"cluster": "*", "sort": "-size", "where": "size>3"})),
    )
    .await;
    let expected = [
        "one b n5",
        "three b n5",
        "two b n5",
        "one a n4",
        "three a n4",
        "two a n4",
    ];
    assert_eq!(sorted, expected);
    let of_two = pages(&names, 4, map(json!({"cluster": "*", "where": "cluster=two"}))).await;
    assert_eq!(of_two.len(), 6);
    assert!(of_two.iter().all(|row| row.starts_with("two ")), "{of_two:?}");
}

#[tokio::test]
async fn a_cluster_that_comes_late_costs_the_others_no_row() {
    let names = ["one", "two", "up-late"];
    let rows = pages(&names, 5, map(json!({"cluster": "*"}))).await;
    let of = |cluster: &str| rows.iter().filter(|row| row.starts_with(cluster)).count();
    assert_eq!((of("one"), of("two")), (6, 6));
    let once: BTreeSet<_> = rows.iter().collect();
    assert_eq!(once.len(), rows.len(), "{rows:?}");
    assert!(of("up-late") > 0);
}

#[tokio::test]
async fn a_cursor_counts_for_its_clusters_in_whatever_order_they_are_named() {
    let first = call(
        "list",
        json!({"cluster": "one,two", "limit": 2, "output": "json"}),
    )
    .await;
    let (_, cursor) = read(&first.text);
    let page = async |cluster: &str| {
        let arguments = json!({"cluster": cluster, "limit": 2, "cursor": cursor, "output": "json"});
        call("list", arguments).await
    };
    let next = page("two, one,two").await;
    assert_eq!(read(&next.text).0, ["two a n0", "two b n3"]);
    for other in ["one,three", "*", "one"] {
        let refused = page(other).await;
        let error = "cursor belongs to another query: repeat the call that gave it";
        assert!(
            refused.is_error && refused.text.contains(error),
            "{}",
            refused.text
        );
        assert_eq!(refused.text.matches(error).count(), 1, "{}", refused.text);
    }
}

#[tokio::test]
async fn clusters_are_named_once_and_a_change_names_one() {
    let text = call("list", json!({"cluster": "two,two"})).await.text;
    assert!(text.starts_with("[two] Things, all namespaces: 6\n"), "{text}");
    for (tool, cluster, says) in [
        (
            "list",
            "one,tow",
            "no cluster \"tow\"; did you mean two? (clusters: one, three, two)",
        ),
        (
            "list",
            " , ",
            "cluster names none; nothing was done. There are: one, three, two",
        ),
        (
            "change",
            "*",
            "cluster: a change takes one cluster; nothing was done. There are: one, three, two",
        ),
        (
            "change",
            "one,two",
            "cluster: a change takes one cluster; nothing was done. There are: one, three, two",
        ),
    ] {
        let answer = call(tool, json!({"cluster": cluster})).await;
        assert!(answer.is_error, "{}", answer.text);
        assert_eq!(answer.text, format!("error: {says}"));
    }
}

#[tokio::test]
async fn an_error_names_its_cluster_once() {
    let nowhere = call_on(&[], "list", json!({"cluster": "*"})).await;
    assert_eq!(nowhere.text, "error: there is no cluster");
    for (cluster, arguments, error) in [
        (
            "down",
            json!({}),
            "down unreachable: no answer in 5 s; check VPN/network",
        ),
        (
            "one",
            json!({"cursor": "x"}),
            "[one] cursor \"x\" is none of ours",
        ),
    ] {
        let mut arguments = map(arguments);
        arguments.insert("cluster".to_owned(), json!(cluster));
        let answer = call_on(&["one", "down"], "list", Value::Object(arguments)).await;
        assert!(
            answer.text.starts_with(&format!("error: {error}")),
            "{}",
            answer.text
        );
    }
}

#[tokio::test(start_paused = true)]
async fn clusters_that_never_answer_cost_the_others_nothing() {
    let started = tokio::time::Instant::now();
    let answer = call_on(&["one", "slow1", "slow2"], "list", json!({"cluster": "*"})).await;
    assert_eq!(
        answer.text.lines().next().unwrap(),
        "[3 clusters] Things: one 6; slow1, slow2: no answer before the call's deadline"
    );
    assert!(answer.text.ends_with("\nb\tn5\t5"), "{}", answer.text);
    assert!(started.elapsed() < Duration::from_secs(31));
}

#[tokio::test]
async fn objects_stand_one_below_the_other_and_share_the_budget() {
    let answer = call_on(
        &["one", "large", "down"],
        "get",
        json!({"cluster": "one,down,large"}),
    )
    .await;
    let lines: Vec<&str> = answer.text.lines().collect();
    assert_eq!(
        lines[..3],
        [
            "[3 clusters] down unreachable: no answer in 5 s",
            "[one] Thing n0",
            "kind: Thing"
        ]
    );
    assert!(answer.text.contains("\n[large] Thing n0\n"));
    // What the small one leaves is the large one's.
    let cost = crate::engine::render::tokens(&answer.text);
    assert!((3_000..=4_000).contains(&cost), "{cost}");
    assert!(answer.text.contains("\nCut to fit: "), "{}", &answer.text[..400]);
}
