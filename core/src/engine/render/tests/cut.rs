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
}
