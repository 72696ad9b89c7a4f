mod calls;

use std::sync::Arc;

use super::*;
use crate::{
    engine::render::{NextResolver as _, tests::Calls},
    output::{Column, Health, ObjectId, Role, Row, Scope, Total, filter::Key},
};

fn merge(answers: Vec<(&str, Result<Table, Error>)>) -> Result<String, Error> {
    let answers = answers.into_iter().map(|(cluster, answer)| {
        let answer = answer
            .map(|table| Answered::Output(Box::new(table.into())))
            .map_err(Stop::from);
        (Some(cluster.to_owned()), answer)
    });
    let merging = Merging {
        stage: &Stage::new(4_000, Arc::new(Calls)).taking([("since", "since"), ("limit", "limit")]),
        view: None,
        redactor: &Redactor::new(false),
        again: Next::op("pods.list").arg("status", "unhealthy"),
        asked: "one,two",
    };
    merging.merge(answers.collect())
}

fn pods(names: &[&str], unfiltered: Option<usize>) -> Table {
    let columns = [
        ("NAMESPACE", Role::Namespace),
        ("NAME", Role::Name),
        ("READY", Role::Ready),
        ("STATUS", Role::Status),
        ("RESTARTS", Role::Number),
        ("AGE", Role::Age),
    ];
    let rows = names.iter().map(|name| Row {
        id: ObjectId {
            kind: "Pod".to_owned(),
            namespace: Some("shop".to_owned()),
            name: (*name).to_owned(),
            ..ObjectId::default()
        },
        health: Health::Degraded,
        status: "CrashLoopBackOff".to_owned(),
        cells: ["shop", name, "0/1", "CrashLoopBackOff", "14", "51m"]
            .map(str::to_owned)
            .to_vec(),
        ..Row::default()
    });
    let rows: Vec<Row> = rows.collect();
    Table {
        subject: "unhealthy pods".to_owned(),
        columns: columns.map(|(header, role)| Column::new(header, role)).to_vec(),
        total: rows.len(),
        unhealthy: rows.len(),
        unfiltered,
        rows,
        complete: true,
        ..Table::default()
    }
}

fn unreachable() -> Error {
    Error::new(
        ErrorKind::Unreachable,
        "staging unreachable: no answer from https://10.4.0.1:6443 in 5 s; check VPN/network",
    )
}

#[test]
fn the_first_line_says_what_each_cluster_told() {
    let mut table = pods(&["checkout-7d9c6bf6d4-2xkqp", "indexer-0"], Some(214));
    table.next = vec![Next::op("resources.describe").arg("name", "indexer-0")];
    assert_eq!(
        merge(vec![("prod-eu", Ok(table)), ("staging", Err(unreachable()))]).unwrap(),
        "\
[2 clusters] Unhealthy pods: prod-eu 2 of 214; staging unreachable: no answer from https://10.4.0.1:6443 in 5 s
CLUSTER	NAMESPACE	NAME	READY	STATUS	RESTARTS	AGE
prod-eu	shop	checkout-7d9c6bf6d4-2xkqp	0/1	CrashLoopBackOff	14	51m
prod-eu	shop	indexer-0	0/1	CrashLoopBackOff	14	51m
Next: resources_describe name=indexer-0 cluster=prod-eu"
    );
}

#[test]
fn rows_without_cursors_that_are_left_out_are_counted_and_their_cluster_is_named() {
    let names: Vec<String> = (0..600)
        .map(|index| format!("checkout-7d9c6bf6d4-{index:05}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let text = merge(vec![
        ("one", Ok(pods(&names, None))),
        ("two", Ok(pods(&names[..3], None))),
    ])
    .unwrap();
    let end: Vec<&str> = text.lines().rev().take(2).collect();
    assert!(
        end[1].starts_with("Cut to fit: ") && end[1].ends_with(" more rows"),
        "{}",
        end[1]
    );
    assert_eq!(end[0], "Next: pods_list status=unhealthy cluster=one");
}

#[test]
fn what_fails_everywhere_is_an_error_of_its_own_kind_with_what_to_do() {
    let unknown = |cluster: &str| {
        Error::not_found(format!("no kind \"widgit\" on {cluster}"))
            .next(Next::op("kinds.list").arg("search", "widg"))
    };
    let error = merge(vec![("one", Err(unknown("one"))), ("two", Err(unknown("two")))]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert_eq!(
        error.message,
        "no kind \"widgit\" on one; no kind \"widgit\" on two"
    );
    let calls: Vec<_> = error.next.iter().filter_map(|next| Calls.call(next)).collect();
    assert_eq!(
        calls,
        [
            "kinds_list search=widg cluster=one",
            "kinds_list search=widg cluster=two"
        ]
    );
    let error = merge(vec![
        ("one", Err(unknown("one"))),
        ("staging", Err(unreachable())),
    ])
    .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Server);
    assert!(
        error.message.ends_with(
            "; staging unreachable: no answer from https://10.4.0.1:6443 in 5 s; check VPN/network"
        )
    );
}

#[test]
fn columns_of_clusters_that_differ_are_matched_by_header() {
    let mut old = pods(&["a"], None);
    old.columns.remove(4);
    old.rows[0].cells.remove(4);
    old.scope = Scope::AllNamespaces;
    let text = merge(vec![("old", Ok(old)), ("new", Ok(pods(&["b"], None)))]).unwrap();
    assert!(
        text.contains("old\tshop\ta\t0/1\tCrashLoopBackOff\t51m\n"),
        "{text}"
    );
    assert!(
        text.contains("new\tshop\tb\t0/1\tCrashLoopBackOff\t51m\t14"),
        "{text}"
    );
}

#[test]
fn a_list_with_an_order_of_its_own_keeps_it_over_all_clusters() {
    let newest = |ages: &[u64], total: usize| {
        let names: Vec<String> = ages.iter().map(|age| format!("e{age}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Table {
            sorted: true,
            total,
            limit: Some(3),
            keys: ages.iter().map(|age| Key::by_number(*age, false)).collect(),
            narrow: &["since"],
            notes: vec!["a remark".to_owned()],
            next: vec![Next::op("resources.describe").arg("name", names[0])],
            ..pods(&names, None)
        }
    };
    let text = merge(vec![
        ("one", Ok(newest(&[4, 5, 9], 10))),
        ("two", Ok(newest(&[1, 7], 2))),
    ])
    .unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[1], "one, two: a remark");
    let rows = lines[4..7]
        .iter()
        .map(|row| row.split('\t').take(3).collect::<Vec<_>>());
    let expected = [
        ["two", "shop", "e1"],
        ["one", "shop", "e4"],
        ["one", "shop", "e5"],
    ];
    assert_eq!(rows.collect::<Vec<_>>(), expected);
    assert_eq!(
        lines[7..],
        [
            "9 more rows: raise limit, or narrow with since",
            "Next: resources_describe name=e1 cluster=two; resources_describe name=e4 cluster=one"
        ]
    );
}

#[test]
fn a_filter_is_told_once() {
    let matching = |names: &[&str]| Table {
        filter: Some("restarts>5".to_owned()),
        ..pods(names, Some(7))
    };
    let text = merge(vec![("one", Ok(matching(&["a"]))), ("two", Ok(matching(&[])))]).unwrap();
    assert_eq!(
        text.lines().next().unwrap(),
        "[2 clusters] Unhealthy pods matching restarts>5: one 1 of 7; two none of 7"
    );
}

#[test]
fn of_many_clusters_the_states_are_told_together_and_what_found_nothing_in_one_go() {
    let states = |running: usize| Table {
        subject: "Pods".to_owned(),
        total: running + 1,
        totals: [("Running", running), ("Pending", 1)]
            .map(|(name, count)| Total {
                name: name.to_owned(),
                count,
            })
            .to_vec(),
        ..pods(&[], None)
    };
    let of = |clusters: &[(&'static str, usize)]| {
        let tables = clusters.iter().map(|(cluster, running)| match running {
            0 => (
                *cluster,
                Ok(Table {
                    subject: "Pods".to_owned(),
                    ..pods(&[], None)
                }),
            ),
            running => (*cluster, Ok(states(*running))),
        });
        let text = merge(tables.collect()).unwrap();
        text.lines().next().unwrap().to_owned()
    };
    let mut clusters = vec![("a", 5), ("b", 0), ("c", 5), ("d", 0)];
    assert_eq!(
        of(&clusters),
        "[4 clusters] Pods: a 6: 5 Running, 1 Pending; b, d none; c 6: 5 Running, 1 Pending"
    );
    clusters.extend([("e", 2), ("f", 1)]);
    assert_eq!(
        of(&clusters),
        "[6 clusters] Pods: 17: 13 Running, 4 Pending; a 6; b, d none; c 6; e 3; f 2"
    );
}

#[test]
fn a_heading_that_ends_in_the_clusters_name_is_told_after_it_all_the_same() {
    let who = |cluster: &str| Table {
        heading: Some(format!("Who may delete pods on {cluster}")),
        ..pods(&[], None)
    };
    let text = merge(vec![("one", Ok(who("one"))), ("two", Ok(who("two")))]).unwrap();
    assert_eq!(
        text,
        "[2 clusters] one: Who may delete pods on one; two: Who may delete pods on two"
    );
    let text = merge(vec![("one", Ok(who("apps/v1"))), ("two", Ok(who("apps/v1")))]).unwrap();
    assert_eq!(text, "[2 clusters] one, two: Who may delete pods on apps/v1");
}
