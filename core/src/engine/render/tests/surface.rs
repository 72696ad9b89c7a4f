//! Answers as they are meant to read, to the letter.

use super::*;

/// A table of texts: cells by `|`, ages and counts as they are shown.
fn table(columns: &[(&str, Role)], rows: &[(Health, &str, &str)]) -> Table {
    let rows = rows.iter().map(|(health, status, cells)| Row {
        health: *health,
        status: (*status).to_owned(),
        cells: cells.split('|').map(str::to_owned).collect(),
        ..Row::default()
    });
    let rows: Vec<Row> = rows.collect();
    Table {
        columns: columns
            .iter()
            .map(|(header, role)| Column::new(*header, *role))
            .collect(),
        total: rows.len(),
        unhealthy: rows.iter().filter(|row| row.health.is_unhealthy()).count(),
        rows,
        complete: true,
        ..Table::default()
    }
}

const HEALTHY: Health = Health::Healthy;

#[test]
fn a_custom_resource_has_its_own_columns_and_one_state_is_told_once() {
    let columns = [
        ("NAMESPACE", Role::Namespace),
        ("NAME", Role::Name),
        ("READY", Role::Text),
        ("SECRET", Role::Text),
        ("AGE", Role::Age),
    ];
    let rows = [
        (Health::Degraded, "not Ready", "shop|shop-tls|False|shop-tls|341d"),
        (HEALTHY, "Ready", "monitoring|grafana-tls|True|grafana-tls|210d"),
        (HEALTHY, "Ready", "payments|ledger-tls|True|ledger-tls|88d"),
        (HEALTHY, "Ready", "payments|psp-mtls|True|psp-mtls|88d"),
        (HEALTHY, "Ready", "search|search-tls|True|search-tls|120d"),
    ];
    let certificates = Table {
        subject: "Certificate (cert-manager.io/v1)".to_owned(),
        totals: totals(&[("Ready", 4), ("not Ready", 1)]),
        next: vec![
            Next::op("resources.describe")
                .arg("kind", "Certificate")
                .arg("name", "shop-tls"),
        ],
        ..table(&columns, &rows)
    };
    assert_eq!(
        shown(certificates),
        "\
Certificate (cert-manager.io/v1), all namespaces: 5: 4 Ready, 1 not Ready
NAMESPACE	NAME	READY	SECRET	AGE
shop	shop-tls	False	shop-tls	341d
Ready (4)
NAMESPACE	NAME	SECRET	AGE
monitoring	grafana-tls	grafana-tls	210d
payments	ledger-tls	ledger-tls	88d
payments	psp-mtls	psp-mtls	88d
search	search-tls	search-tls	120d
Next: resources_describe kind=Certificate name=shop-tls"
    );
}

#[test]
fn a_projection_says_what_matched() {
    let columns = [
        ("NAME", Role::Name),
        ("status.readyReplicas", Role::Text),
        ("spec.replicas", Role::Text),
    ];
    let rows = [
        (Health::Degraded, "degraded", "checkout|2|3"),
        (Health::Failed, "failed", "recommendations|0|1"),
    ];
    let projected = Table {
        subject: "Deployment (apps/v1)".to_owned(),
        scope: Scope::Namespace("shop".to_owned()),
        filter: Some("ready<desired".to_owned()),
        unfiltered: Some(10),
        sorted: true,
        ..table(&columns, &rows)
    };
    assert_eq!(
        shown(projected),
        "\
Deployment (apps/v1) in shop: 2 of 10 match ready<desired
NAME	status.readyReplicas	spec.replicas
checkout	2	3
recommendations	0	1"
    );
}

#[test]
fn events_are_counted_and_folded() {
    let columns = [
        ("LAST", Role::Age),
        ("TYPE", Role::Status),
        ("REASON", Role::Text),
        ("COUNT", Role::Number),
        ("OBJECT", Role::Text),
        ("MESSAGE", Role::Text),
    ];
    let warning = (HEALTHY, "Warning");
    let rows = [
        "40s||BackOff|428|Pod checkout-7d9c6bf6d4-* (2)|Back-off restarting failed container checkout",
        "2m||Failed|62|Pod recommendations-6c8b7f5d9-tq8mn|Failed to pull image",
        "41m||ProgressDeadlineExceeded|1|Deployment checkout|ReplicaSet \"checkout-7d9c6bf6d4\" has timed out",
        "51m||FailedMount|2|Pod checkout-7d9c6bf6d4-9fjwz|MountVolume.SetUp failed for volume \"tmp\": timed out",
    ]
    .map(|cells| (warning.0, warning.1, cells));
    let events = Table {
        subject: "Warning events, last 1h".to_owned(),
        scope: Scope::Namespace("shop".to_owned()),
        totals: totals(&[
            ("BackOff", 428),
            ("Failed", 62),
            ("FailedMount", 2),
            ("ProgressDeadlineExceeded", 1),
        ]),
        sorted: true,
        ..table(&columns, &rows)
    };
    assert_eq!(
        shown(events),
        "\
Warning events in shop, last 1h: 493, folded to 4: BackOff 428, Failed 62, FailedMount 2, ProgressDeadlineExceeded 1
LAST	REASON	COUNT	OBJECT	MESSAGE
40s	BackOff	428	Pod checkout-7d9c6bf6d4-* (2)	Back-off restarting failed container checkout
2m	Failed	62	Pod recommendations-6c8b7f5d9-tq8mn	Failed to pull image
41m	ProgressDeadlineExceeded	1	Deployment checkout	ReplicaSet \"checkout-7d9c6bf6d4\" has timed out
51m	FailedMount	2	Pod checkout-7d9c6bf6d4-9fjwz	MountVolume.SetUp failed for volume \"tmp\": timed out"
    );
}

#[test]
fn a_state_of_all_is_told_by_the_heading_alone() {
    let columns = [("NAME", Role::Name), ("STATUS", Role::Status), ("AGE", Role::Age)];
    let rows = [
        (HEALTHY, "Active", "default|Active|56m"),
        (HEALTHY, "Active", "shop|Active|2d"),
    ];
    let namespaces = Table {
        subject: "Namespace (v1)".to_owned(),
        scope: Scope::Cluster,
        totals: totals(&[("Active", 2)]),
        ..table(&columns, &rows)
    };
    assert_eq!(
        shown(namespaces),
        "Namespace (v1): 2, all Active\nNAME\tAGE\ndefault\t56m\nshop\t2d"
    );
}

#[test]
fn what_most_of_the_unhealthy_share_is_on_the_first_line() {
    let mut pods = a_bad_day().table(1, None);
    pods.aside = Some("of 6 unhealthy, 4 are on node-4".to_owned());
    assert!(shown(pods).starts_with(
        "Pods, all namespaces: 213: 207 Running, 3 CrashLoopBackOff, 1 Error, 1 ImagePullBackOff, 1 Pending; \
             of 6 unhealthy, 4 are on node-4\n"
    ));
}

#[test]
fn what_was_asked_for_by_its_status_is_counted_among_all() {
    let mut pods = a_bad_day().table(100, None);
    pods.rows.truncate(6);
    (pods.total, pods.unfiltered, pods.subject) = (6, Some(213), "unhealthy pods".to_owned());
    pods.totals.retain(|total| total.name != "Running");
    let text = shown(pods.clone());
    assert!(
        text.starts_with("Unhealthy pods, all namespaces: 6 of 213: 3 CrashLoopBackOff, 1 Error, "),
        "{text}"
    );
    pods.rows.clear();
    (pods.total, pods.totals) = (0, Vec::new());
    assert!(shown(pods).starts_with("Unhealthy pods, all namespaces: none of 213\n"));
}

#[test]
fn long_cells_are_cut_and_a_short_list_shows_more_of_them() {
    let columns = [("NAME", Role::Name), ("MESSAGE", Role::Text)];
    let long = format!("a|{}", "x".repeat(300));
    let row = (HEALTHY, "", long.as_str());
    let text = shown(table(&columns, &[row, row, row, (HEALTHY, "", "b|y")]));
    assert!(
        text.contains(&format!("a\t{}… (+140)\n", "x".repeat(160))),
        "{text}"
    );
    assert!(
        text.ends_with("\n… cuts a cell; 3 rows or fewer are shown with longer ones"),
        "{text}"
    );
    assert!(shown(table(&columns, &[row])).ends_with(&"x".repeat(300)));
    // Many columns leave each less.
    let columns: Vec<(String, Role)> = (0..30).map(|index| (format!("C{index}"), Role::Text)).collect();
    let columns: Vec<(&str, Role)> = columns
        .iter()
        .map(|(header, role)| (header.as_str(), *role))
        .collect();
    let cells = |seed: usize| -> String {
        let cells = (0..30).map(|index| format!("{seed}{index}{}", "y".repeat(200)));
        cells.collect::<Vec<_>>().join("|")
    };
    let rows: Vec<String> = (0..4).map(cells).collect();
    let rows: Vec<_> = rows.iter().map(|cells| (HEALTHY, "", cells.as_str())).collect();
    let text = shown(table(&columns, &rows));
    assert!(
        text.lines()
            .nth(2)
            .is_some_and(|row| row.chars().count() < 30 * 55),
        "{text}"
    );
}
