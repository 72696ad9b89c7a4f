use serde_json::{Value, json};

use super::*;
use crate::output::{Column, Health, ObjectId, Role, Row, Scope, Table};

fn columns() -> Vec<Column> {
    [
        ("NAMESPACE", Role::Namespace),
        ("NAME", Role::Name),
        ("READY", Role::Ready),
        ("STATUS", Role::Status),
        ("RESTARTS", Role::Number),
        ("AGE", Role::Age),
        ("UP-TO-DATE", Role::Number),
    ]
    .map(|(header, role)| Column::new(header, role))
    .to_vec()
}

fn pod(name: &str, ready: &str, status: &str, restarts: &str, age: u64) -> Row {
    let (have, want) = ready.split_once('/').unwrap();
    let health = match status {
        "Running" => Health::Healthy,
        "Pending" => Health::Progressing,
        _ => Health::Degraded,
    };
    Row {
        id: ObjectId {
            cluster: None,
            kind: "Pod".to_owned(),
            namespace: Some("shop".to_owned()),
            name: name.to_owned(),
        },
        health,
        status: status.to_owned(),
        ready: Some((have.parse().unwrap(), want.parse().unwrap())),
        age: Some(age),
        cells: [
            "shop",
            name,
            ready,
            status,
            restarts,
            &crate::output::size::short_age(age),
            "",
        ]
        .map(str::to_owned)
        .to_vec(),
    }
}

fn pods() -> Vec<Row> {
    vec![
        pod("a", "1/1", "Running", "0", 3_000),
        pod("b", "0/1", "CrashLoopBackOff", "14 (2m ago)", 3_090),
        pod("c", "2/3", "Running", "3", 172_900),
        pod("d", "0/1", "Pending", "", 60),
        pod("e", "1/1", "Running", "7", 40_000),
    ]
}

fn kept(filter: &str) -> String {
    let filter = RowFilter::parse(Some(filter), None, None, &columns()).unwrap();
    pods()
        .iter()
        .filter(|row| filter.keep(row, None))
        .map(|row| row.id.name.as_str())
        .collect()
}

#[test]
fn conditions_hold_on_columns() {
    for (filter, names) in [
        ("status=running", "ace"),
        ("STATUS != Running", "bd"),
        ("ready<desired", "bcd"),
        ("desired>1", "c"),
        ("ready=0/1", "bd"),
        ("restarts>5", "be"),
        ("restarts=", "d"),
        ("restarts!=", "abce"),
        ("restarts!=0", "bcde"),
        ("age>51m", "bce"),
        ("age=51m", "b"),
        ("age<1h,ready=desired", "a"),
        ("age>=2d", "c"),
        ("name~^[a-b]$", "ab"),
        ("name ~= ^[a-b]$", "ab"),
        ("name=\">b\"", ""),
        ("name=A", ""),
        ("health=healthy", "ace"),
        ("kind=pod", "abcde"),
        ("status=\"Running\",restarts<=3", "ac"),
        ("up_to_date=", "abcde"),
    ] {
        assert_eq!(kept(filter), names, "{filter}");
    }
}

#[test]
fn conditions_hold_on_paths() {
    let object = json!({
        "spec": {"replicas": 3, "nodeName": "node-4", "paused": false, "memory": "1Gi",
                 "containers": [{"image": "nginx:1"}, {"image": "envoy:2"}]},
        "status": {"readyReplicas": 2, "conditions": [{"type": "Ready", "status": "True"}]},
        "metadata": {"finalizers": ["a", "b"], "labels": {"app.kubernetes.io/name": "web"}},
    });
    for (filter, holds) in [
        ("spec.nodeName=node-4", true),
        ("spec.nodeName=Node-4", false),
        ("spec.replicas>2", true),
        ("status.readyReplicas<spec.replicas", true),
        ("spec.paused=false", true),
        ("spec.memory>512Mi", true),
        ("spec.containers[*].image~envoy", true),
        ("spec.containers[*].image!=nginx:1", false),
        ("metadata.finalizers=b", true),
        ("metadata.deletionTimestamp=", true),
        ("metadata.deletionTimestamp!=", false),
        ("metadata.deletionTimestamp<5", false),
        (r"metadata.labels.app\.kubernetes\.io/name=web", true),
        (r#"status.conditions[?(@.type=="Ready")].status!=True"#, false),
        (".kind=Pod", false),
    ] {
        let filter = RowFilter::parse(Some(filter), None, None, &columns()).unwrap();
        assert!(filter.needs_object());
        assert_eq!(filter.keep(&pods()[0], Some(&object)), holds, "{filter:?}");
    }
}

#[test]
fn a_filter_on_columns_alone_reads_no_objects() {
    let filter = RowFilter::parse(Some("status=x,ready<desired"), Some("-age"), None, &columns()).unwrap();
    assert!(!filter.needs_object());
    let filter = RowFilter::parse(None, None, Some("spec.replicas"), &columns()).unwrap();
    assert!(filter.needs_object());
}

#[test]
fn a_misspelt_column_is_an_error_with_the_nearest() {
    let parse = |filter, sort| {
        RowFilter::parse(filter, sort, None, &columns())
            .unwrap_err()
            .message
    };
    assert_eq!(
        parse(Some("ready<desired,restart>5"), None),
        "where, column 15: no column \"restart\"; did you mean RESTARTS?; columns: NAMESPACE, NAME, READY, STATUS, \
         RESTARTS, AGE, UP-TO-DATE; a field of the object is written as a path, e.g. .restart"
    );
    assert!(parse(None, Some("-raedy")).starts_with("sort: no column \"raedy\"; did you mean READY?"));
    assert_eq!(
        parse(Some("name~a("), None),
        "where, column 6: cannot read the regex \"a(\": unclosed group"
    );
    assert_eq!(
        parse(Some("restarts>>1"), None),
        "where, column 9: expected one of = != < <= > >= ~, found \">>\"; quote a value that starts so"
    );
    assert!(parse(Some("spec.x[0>3"), None).starts_with("where, column 11: expected one of"));
}

fn collect(sort: Option<&str>, limit: usize, cursor: Option<&str>) -> Table {
    let filter = RowFilter::parse(None, sort, None, &columns()).unwrap();
    let query = Query {
        limit,
        cursor,
        identity: "pods",
        ..Query::default()
    };
    let mut collector = Collector::new(filter, &query).unwrap();
    for row in pods() {
        collector.push(row, 0, None);
    }
    collector.finish(Table {
        scope: Scope::Namespace("shop".to_owned()),
        ..Table::default()
    })
}

fn names(table: &Table) -> String {
    table.rows.iter().map(|row| row.id.name.as_str()).collect()
}

#[test]
fn the_worst_rows_are_kept_and_a_cursor_goes_on_after_them() {
    let first = collect(None, 2, None);
    assert_eq!(names(&first), "bd");
    assert_eq!((first.total, first.unhealthy, first.skipped), (5, 2, 0));
    assert_eq!(first.totals[0].name, "Running");
    assert_eq!(first.totals[0].count, 3);
    let second = collect(None, 2, first.cursor(2).as_deref());
    assert_eq!(names(&second), "ac");
    assert_eq!((second.total, second.skipped), (5, 2));
    let third = collect(None, 2, second.cursor(2).as_deref());
    assert_eq!(names(&third), "e");
    assert_eq!(third.cursor(1), None);
}

#[test]
fn sorting_compares_by_size_in_both_directions_and_pages() {
    for (sort, order) in [
        ("restarts", "acebd"),
        ("-restarts", "becad"),
        ("age", "dabec"),
        ("-name", "edcba"),
        ("status", "bdace"),
    ] {
        assert_eq!(names(&collect(Some(sort), 10, None)), order, "{sort}");
        let (mut paged, mut cursor) = (String::new(), None);
        loop {
            let table = collect(Some(sort), 2, cursor.as_deref());
            assert!(table.sorted);
            paged += &names(&table);
            cursor = table.cursor(table.rows.len());
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(paged, order, "{sort}");
    }
}

#[test]
fn a_cursor_counts_for_its_own_query() {
    let cursor = collect(None, 2, None).cursor(2).unwrap();
    assert!(cursor.starts_with("2/shop/d/"), "{cursor}");
    let filter = RowFilter::parse(Some("ready<desired"), None, None, &columns()).unwrap();
    let query = Query {
        limit: 2,
        cursor: Some(&cursor),
        identity: "pods",
        ..Query::default()
    };
    let error = Collector::new(filter, &query).unwrap_err();
    assert!(
        error.message.starts_with("cursor belongs to another query"),
        "{error}"
    );
    for wrong in ["x", "1/2/3", "9/a/b/0000", "////"] {
        let query = Query {
            cursor: Some(wrong),
            ..query
        };
        Collector::new(RowFilter::default(), &query).unwrap_err();
    }
}

#[test]
fn several_kinds_of_one_name_are_no_duplicates() {
    let (mut shown, mut cursor) = (Vec::new(), None);
    loop {
        let query = Query {
            limit: 1,
            cursor: cursor.as_deref(),
            identity: "",
            several_kinds: true,
            ..Query::default()
        };
        let mut collector = Collector::new(RowFilter::default(), &query).unwrap();
        for kind in ["StatefulSet", "Deployment"] {
            let mut row = pod("web:x/y", "1/1", "Running", "0", 1);
            row.id.kind = kind.to_owned();
            collector.push(row, 0, None);
        }
        let table = collector.finish(Table::default());
        shown.extend(table.rows.iter().map(|row| row.id.kind.clone()));
        cursor = table.cursor(table.rows.len());
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(shown, ["Deployment", "StatefulSet"]);
}

#[test]
fn fields_replace_the_columns() {
    let filter = RowFilter::parse(
        Some("ready<desired"),
        None,
        Some("spec.replicas, .spec.images[*]"),
        &columns(),
    )
    .unwrap();
    let query = Query {
        limit: 10,
        ..Query::default()
    };
    let mut collector = Collector::new(filter, &query).unwrap();
    let object: Value = json!({"spec": {"replicas": 3, "images": ["a", "b"]}});
    for row in pods() {
        collector.push(row, 0, Some(&object));
    }
    let table = collector.finish(Table::default());
    let headers: Vec<_> = table
        .columns
        .iter()
        .map(|column| column.header.as_str())
        .collect();
    assert_eq!(headers, ["NAMESPACE", "NAME", "spec.replicas", "spec.images[*]"]);
    assert_eq!(table.rows[0].cells, ["shop", "b", "3", "a,b"]);
    assert_eq!((table.total, table.unfiltered), (3, Some(5)));
    assert_eq!(table.filter.as_deref(), Some("ready<desired"));
}

#[test]
fn what_no_object_has_is_told() {
    let object: Value = json!({"spec": {"replicas": 3}});
    let notes = |filter, sort, fields| {
        let filter = RowFilter::parse(filter, sort, fields, &columns()).unwrap();
        let query = Query {
            limit: 2,
            ..Query::default()
        };
        let mut collector = Collector::new(filter, &query).unwrap();
        for row in pods() {
            collector.push(row, 0, Some(&object));
        }
        collector.finish(Table::default()).notes.join("\n")
    };
    let columns = "; columns: NAMESPACE, NAME, READY, STATUS, RESTARTS, AGE, UP-TO-DATE";
    assert_eq!(notes(None, Some("-spec.replicas"), Some("spec.replicas")), "");
    assert_eq!(
        notes(Some("spec.size!=1"), None, None),
        format!("no object has spec.size{columns}")
    );
    // Whether there is a path is found out, whatever stands before it.
    assert_eq!(
        notes(Some("status=Gone,spec.replicas>1"), Some("-size"), None),
        ""
    );
    assert_eq!(
        notes(None, Some("-size"), None),
        format!("no object has size{columns}")
    );
    assert_eq!(
        notes(None, None, Some("spec.replicas,foo.bar,spec.size")),
        "in none of these: foo.bar, spec.size"
    );
}

#[test]
fn rows_that_are_not_shown_are_never_built() {
    let query = Query {
        limit: 3,
        ..Query::default()
    };
    let mut collector =
        Collector::new(RowFilter::parse(None, None, None, &columns()).unwrap(), &query).unwrap();
    let mut built = 0;
    for index in 0..1_000 {
        let name = format!("p{index:04}");
        let place = Place {
            health: Health::Healthy,
            severity: 0,
            status: "Running",
            kind: "Pod",
            namespace: "shop",
            name: &name,
        };
        collector.push_with(&place, || {
            built += 1;
            pod(&name, "1/1", "Running", "0", 1)
        });
    }
    assert_eq!(built, 3);
    let table = collector.finish(Table::default());
    assert_eq!(
        (table.total, table.rows.len(), table.totals[0].count),
        (1_000, 3, 1_000)
    );
}

/// Texts of the characters that mean something here, the same in each run.
fn hostile_texts() -> impl Iterator<Item = String> {
    let alphabet: Vec<char> = r#"ab.[]{}()'"\$@?*:,=!<>~/%- 019é"#.chars().collect();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    (0..4_000).map(move |_| {
        let mut random = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap_or_default()
        };
        (0..random() % 24)
            .map(|_| alphabet[random() % alphabet.len()])
            .collect()
    })
}

#[test]
fn no_text_makes_a_parser_panic() {
    let object = json!({"a": [{"b": "x"}, 1, null], "b": {"a.b": true}});
    let mut read = 0;
    for text in hostile_texts() {
        for filter in [
            RowFilter::parse(Some(&text), None, None, &columns()),
            RowFilter::parse(None, Some(&text), None, &columns()),
            RowFilter::parse(None, None, Some(&text), &columns()),
        ]
        .into_iter()
        .flatten()
        {
            read += 1;
            filter.keep(&pods()[0], Some(&object));
            filter.sort_value(&pods()[0], Some(&object));
            filter.project(&object);
        }
        let query = Query {
            limit: 1,
            cursor: Some(&text),
            ..Query::default()
        };
        drop(Collector::new(RowFilter::default(), &query));
    }
    assert!(read > 100, "hardly anything was read at all: {read}");
}

#[test]
fn a_filter_and_a_cursor_see_no_more_than_the_caller() {
    let columns = [Column::new("NAME", Role::Name), Column::new("URL", Role::Text)];
    let redactor = std::sync::Arc::new(crate::output::Redactor::new(false));
    let listed = |filter: Option<&str>| {
        let filter = RowFilter::parse(filter, Some("url"), None, &columns).unwrap();
        let query = Query {
            limit: 1,
            ..Query::default()
        };
        let mut collector = Collector::new(filter, &query).unwrap().redacting(&redactor);
        for name in ["a", "b"] {
            let mut row = pod(name, "1/1", "Running", "0", 1);
            row.cells = vec![name.to_owned(), "postgres://app:s3cret@db".to_owned()];
            collector.push(row, 0, None);
        }
        collector.finish(Table::default())
    };
    assert_eq!(listed(Some("url~s3cret")).total, 0);
    let table = listed(None);
    assert_eq!(table.total, 2);
    assert!(!table.cursor(1).unwrap().contains("s3cret"));
}
