//! How much a list reads before it answers with what it has.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{POD, list_of, page, with_namespaces};
use crate::{
    call::{Access, Cx},
    cluster::testing::Script,
    operations::{events, pods},
    output::Table,
};

async fn all_pods(cx: &Cx) -> Table {
    pods::list::list(cx, None, None, None, None, page(3))
        .await
        .unwrap()
}

fn pods_table(count: usize) -> Value {
    let columns: Vec<_> = POD
        .iter()
        .map(|name| json!({"name": name, "type": "string"}))
        .collect();
    let rows: Vec<_> = (0..count)
        .map(|index| json!({"cells": [format!("p-{index}"), "1/1", "Running", "0", "1d"]}))
        .collect();
    json!({"kind": "Table", "columnDefinitions": columns, "rows": rows})
}

#[tokio::test]
async fn a_list_stops_after_20_000_objects_and_says_so() {
    for (of_each, seen, complete) in [(10_000, 20_000, true), (10_001, 20_000, false)] {
        let server = with_namespaces(&["a", "b"])
            .on("GET", "/api/v1/namespaces/a/pods", pods_table(of_each))
            .on("GET", "/api/v1/namespaces/b/pods", pods_table(of_each));
        let table = all_pods(&server.cx(Access::Read)).await;
        assert_eq!(
            (table.total, table.complete, table.rows.len()),
            (seen, complete, 3)
        );
    }
}

#[tokio::test]
async fn so_does_a_list_that_reads_objects() {
    let event = |index: usize| {
        json!({"metadata": {"namespace": "a"}, "reason": format!("R{index}"), "message": "said",
               "involvedObject": {"kind": "Pod", "name": "p"}, "lastTimestamp": "2026-11-23T11:00:00Z"})
    };
    for (count, complete) in [(20_000, true), (20_001, false)] {
        let all: Vec<_> = (0..count).map(event).collect();
        let server = Script::new().on("GET", "/api/v1/namespaces/a/events", list_of(&all));
        let cx = server.cx(Access::Read);
        let table = events::list(&cx, Some("a".into()), None, None, None, None, None, None, None);
        let table = table.await.unwrap();
        assert_eq!((table.total, table.complete), (20_000, complete));
    }
}

#[tokio::test]
async fn a_list_answers_in_time_with_what_it_has() {
    let server = with_namespaces(&["a", "b"])
        .on("GET", "/api/v1/namespaces/a/pods", pods_table(2))
        .slowly(
            "/api/v1/namespaces/b/pods",
            Duration::from_secs(60),
            pods_table(2),
        );
    // A list ends half a second before its call has to.
    let cx = server.cx_with(Access::Read, |call| {
        call.deadline = Instant::now() + Duration::from_millis(700);
    });
    let table = all_pods(&cx).await;
    assert_eq!((table.total, table.complete), (2, false));
    assert_eq!(table.notes, ["out of time: 1 of 2 namespaces read"]);
}
