use super::*;

#[test]
fn a_list_without_cursors_says_which_call_shows_what_was_cut() {
    let columns = vec![
        Column::new("FIELD", Role::Name),
        Column::new("MEANING", Role::Text),
    ];
    let row = |index: usize| Row {
        cells: vec![format!("field{index}"), format!("the meaning of number {index}")],
        ..Row::default()
    };
    let next = |index: usize| Next::op("look.into").arg("path", format!("field{index}"));
    let table = |rows: usize| Table {
        heading: Some("Widget (example.com/v1): what it is".to_owned()),
        elsewhere: (0..rows).map(next).collect(),
        next: vec![next(7_777)],
        ..Table::of(
            "Widget",
            Scope::Cluster,
            columns.clone(),
            (0..rows).map(row).collect(),
        )
    };
    let text = shown(table(2));
    assert_eq!(
        text,
        "Widget (example.com/v1): what it is\nFIELD\tMEANING\nfield0\tthe meaning of number 0\n\
         field1\tthe meaning of number 1\nNext: look_into path=field7777"
    );
    let text = shown(table(1_000));
    let kept = text.lines().filter(|line| line.starts_with("field")).count();
    assert!(kept > 100 && tokens(&text) <= 4_000, "{kept} rows");
    assert!(
        text.ends_with(&format!(
            "\nCut to fit: {} more rows\nNext: look_into path=field{kept}; look_into path=field7777",
            1_000 - kept
        )),
        "{}",
        &text[text.len() - 200..]
    );
    let text = stage(1_000).output(
        &table(1_000).into(),
        Some(View::Json),
        None,
        &Redactor::new(false),
    );
    let kept = text.matches("\"FIELD\"").count();
    assert!(
        text.contains(&format!("\nNext: look_into path=field{kept}; ")),
        "{text}"
    );
}

#[tokio::test]
async fn a_real_list_that_is_too_long_is_counted_and_has_a_cursor() {
    use crate::{call::Page, cluster::testing::Script, operations::pods};
    let names: Vec<String> = (0..300)
        .map(|index| format!("web-7d9c6bf6d4-{index:05}"))
        .collect();
    let rows: Vec<[&str; 5]> = names
        .iter()
        .enumerate()
        .map(|(index, name)| match index % 10 {
            0 => [name.as_str(), "0/1", "CrashLoopBackOff", "14", "51m"],
            _ => [name.as_str(), "1/1", "Running", "0", "2d"],
        })
        .collect();
    let rows: Vec<&[&str]> = rows.iter().map(<[&str; 5]>::as_slice).collect();
    let columns = ["Name", "Ready", "Status", "Restarts", "Age"];
    let server = Script::new().table("/api/v1/namespaces/shop/pods", &columns, &rows);
    let cx = server.cx(Access::Read);
    let list = async |cursor: Option<String>| {
        let page = Page {
            limit: 1_000,
            cursor,
            ..Page::default()
        };
        let table = pods::list::list(&cx, Some("shop".into()), None, None, None, page);
        shown(table.await.unwrap())
    };
    let (mut cursor, mut seen) = (None, 0);
    loop {
        let text = list(cursor).await;
        assert!(tokens(&text) <= 4_000, "{}", tokens(&text));
        assert!(
            text.starts_with("Pods in shop: 300: 270 Running, 30 CrashLoopBackOff; of 30 unhealthy, 30 are shop/web-7d9c6bf6d4-*\n"),
            "{text}"
        );
        seen += text.lines().filter(|line| line.starts_with("web-")).count();
        let more = text.lines().find_map(|line| line.strip_prefix("More: cursor="));
        let Some(more) = more else { break };
        assert!(text.contains(" of 270): all ready"), "{text}");
        cursor = more.split(',').next().map(str::to_owned);
    }
    assert_eq!(seen, 300, "each row is on one page");
}
