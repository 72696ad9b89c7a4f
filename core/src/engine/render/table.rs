//! A list: a heading, then the unhealthy rows, then the healthy ones.

use std::{borrow::Cow, cell::Cell};

use super::{
    budget::tokens,
    heading::heading,
    safe::{CUT, capitalised, line, shortened},
    stage::Writer,
};
use crate::output::{
    Column, Health, Next, Role, Row, Scope, Table, Total,
    size::{counted, grouped},
};

/// The longest text of a cell.
const CELL: usize = 160;
/// The longest text of a row's cells together: where there are many columns each is shorter.
const ROW: usize = 960;
/// The shortest that a cell is cut to.
const LEAST_CELL: usize = 40;
/// So few rows are shown with cells as long as this: whoever narrows a list down wants to read it.
const FEW: usize = 3;
const WHOLE_CELL: usize = 2_000;
/// Below this many rows a value that most of them have, or that all the unhealthy have, is not worth a remark.
const MANY: usize = 8;
/// What the lines after the rows may cost.
const RESERVE: usize = 120;

pub(super) fn render(table: &Table, out: &mut Writer<'_>) {
    out.line(&heading(table));
    out.notes(&table.notes);
    let grid = Grid::new(table);
    let mut shown = 0;
    let is_split = !table.sorted && table.unhealthy > 0 && table.unhealthy < table.total;
    let unhealthy = if is_split {
        table
            .rows
            .iter()
            .take_while(|row| row.health.is_unhealthy())
            .count()
    } else {
        0
    };
    let (first, second) = table
        .rows
        .split_at_checked(unhealthy)
        .unwrap_or((&[], &table.rows));
    if is_split {
        let skipped = table.skipped.min(table.unhealthy);
        let names = Names {
            label: "Unhealthy",
            skipped,
            total: table.unhealthy,
            // The totals have said all that there is to say of one state.
            told: told(table, first, table.unhealthy),
        };
        shown += grid.block(first, &names, out);
        if shown == first.len() {
            let (skipped, total) = (table.skipped - skipped, table.total - table.unhealthy);
            let status = common_status(second);
            let is_whole = skipped + second.len() == total;
            let names = Names {
                label: status.filter(|_| is_whole).unwrap_or("Healthy"),
                skipped,
                total,
                told: None,
            };
            shown += grid.block(second, &names, out);
        }
    } else {
        let names = Names {
            label: "",
            skipped: table.skipped,
            total: table.total,
            told: told(table, second, table.total),
        };
        shown += grid.block(second, &names, out);
    }
    if grid.cut.get() {
        out.line(&format!(
            "… cuts a cell; {FEW} rows or fewer are shown with longer ones"
        ));
    }
    more(table, shown, out);
}

/// How to see what is not shown, and what else to do next.
pub(super) fn more(table: &Table, shown: usize, out: &mut Writer<'_>) {
    let was_cut = shown < table.rows.len();
    let mut words = match table.narrow {
        [] => vec!["namespace", "selector", "since"],
        own => own.to_vec(),
    };
    words.retain(|word| *word != "namespace" || table.scope == Scope::AllNamespaces);
    let narrower = out.narrower(&words);
    let advice = |before: &str| match &narrower {
        Some(narrower) => format!("{before}{narrower}"),
        None => String::new(),
    };
    let left = counted(table.left(shown), "more row");
    let rest = table.elsewhere.get(shown);
    match table.cursor(shown).zip(out.taken("cursor")) {
        Some((cursor, name)) => out.line(&format!("More: {name}={}{}", line(&cursor), advice(", or "))),
        None if rest.is_some() => out.line(&format!("Cut to fit: {left}")),
        None if was_cut => out.line(&format!("Cut to fit: {left}{}", advice("; "))),
        None if table.left(shown) > 0 => out.line(&match out.taken("limit") {
            Some(limit) => format!("{left}: raise {limit}{}", advice(", or ")),
            None => format!("{left}{}", advice(": ")),
        }),
        None => {}
    }
    let next: Vec<Next> = rest.into_iter().chain(&table.next).cloned().collect();
    out.next(&next);
}

/// The state that all rows share, if they share one.
fn common_status(rows: &[Row]) -> Option<&str> {
    let first = rows
        .first()
        .map(|row| row.status.as_str())
        .filter(|status| !status.is_empty())?;
    rows.iter().all(|row| row.status == first).then_some(first)
}

/// The state of `all` rows, if they share one and the heading tells it.
fn told<'t>(table: &Table, rows: &'t [Row], all: usize) -> Option<&'t str> {
    let status = common_status(rows)?;
    let is_told = |total: &Total| total.name == status && total.count == all;
    (rows.len() == all && table.heading.is_none() && table.totals.iter().any(is_told)).then_some(status)
}

struct Names<'a> {
    label: &'a str,
    skipped: usize,
    total: usize,
    /// The state of all rows of the block, where the heading tells it and their number.
    told: Option<&'a str>,
}

/// A table's columns, with one for the cluster where rows come from several.
struct Grid<'t> {
    columns: Vec<Cow<'t, Column>>,
    clusters: bool,
    /// Whether each row has to say its namespace.
    names_namespaces: bool,
    /// The longest text of a cell here.
    longest: usize,
    /// Whether a cell was cut.
    cut: Cell<bool>,
}

/// A block as text.
struct LaidOut {
    header: String,
    rows: Vec<String>,
    shared: Vec<String>,
}

/// What becomes of a column in a block.
enum Fate {
    /// It is shown; in rows that have this value the cell stays empty.
    Shown(Option<String>),
    /// It says nothing, or the block's heading says it.
    Gone,
}

impl<'t> Grid<'t> {
    fn new(table: &'t Table) -> Self {
        let clusters = table.rows.iter().any(|row| row.id.cluster.is_some());
        let cluster = clusters.then(|| Cow::Owned(Column::new("CLUSTER", Role::Text)));
        let longest = match table.rows.len() {
            0..=FEW => WHOLE_CELL,
            _ => (ROW / table.columns.len().max(1)).clamp(LEAST_CELL, CELL),
        };
        Self {
            longest,
            cut: Cell::new(false),
            columns: cluster
                .into_iter()
                .chain(table.columns.iter().map(Cow::Borrowed))
                .collect(),
            clusters,
            names_namespaces: table.scope == Scope::AllNamespaces,
        }
    }

    fn cell<'r>(&self, row: &'r Row, index: usize) -> Cow<'r, str> {
        let own = index.checked_sub(usize::from(self.clusters));
        let text = match own {
            Some(index) => row.cells.get(index).map(String::as_str),
            None => row.id.cluster.as_deref(),
        };
        let text = text.unwrap_or_default();
        let Some(column) = self.columns.get(index) else {
            return Cow::Borrowed("");
        };
        if is_restarts(column) {
            // `14 (2m ago)`: the age costs as much as the rest of the row.
            let count = text.split(' ').next().unwrap_or_default();
            let is_noise = count == "0" && !row.health.is_unhealthy();
            return Cow::Borrowed(if is_noise { "" } else { count });
        }
        match text {
            "<none>" | "<unset>" => Cow::Borrowed(""),
            text if matches!(column.role, Role::Name | Role::Namespace) => line(text),
            text => match shortened(text, self.longest) {
                Cow::Borrowed(text) => line(text),
                Cow::Owned(text) => Cow::Owned(line(&text).into_owned()),
            },
        }
    }

    /// Writes as many rows as fit, under a heading with what they share. Gives how many.
    fn block(&self, rows: &[Row], names: &Names<'_>, out: &mut Writer<'_>) -> usize {
        let mut laid = self.lay_out(rows, names, out);
        // Fewer rows may share more columns, and are shorter then.
        if laid.rows.len() < rows.len() {
            laid = self.lay_out(rows.get(..laid.rows.len()).unwrap_or_default(), names, out);
        }
        if laid.rows.is_empty() {
            return 0;
        }
        if let Some(title) = title(names, laid.rows.len(), &laid.shared) {
            out.line(&title);
        }
        out.line(&laid.header);
        for row in &laid.rows {
            self.cut.set(self.cut.get() || row.contains(CUT));
            out.line(row);
        }
        out.was_used();
        laid.rows.len()
    }

    /// The rows that fit, as text.
    fn lay_out(&self, rows: &[Row], names: &Names<'_>, out: &Writer<'_>) -> LaidOut {
        let (fates, shared) = self.fates(rows, names);
        let mut order: Vec<usize> = (0..self.columns.len())
            .filter(|index| matches!(fates.get(*index), Some(Fate::Shown(_))))
            .collect();
        // A column that is empty in most rows costs nothing at the end of them, but a text reads best there.
        let ends_in_text = self
            .columns
            .last()
            .is_some_and(|column| column.role == Role::Text);
        order.sort_by_key(|&index| {
            let blank = rows
                .iter()
                .filter(|row| self.shown(row, index, &fates).is_empty());
            !ends_in_text && blank.count() * 2 > rows.len()
        });
        let header = order
            .iter()
            .filter_map(|index| self.columns.get(*index))
            .map(|column| line(&column.header))
            .collect::<Vec<_>>()
            .join("\t");
        let mut room = out.room().saturating_sub(RESERVE + tokens(&header));
        let mut kept = Vec::new();
        for row in rows {
            let cells: Vec<_> = order
                .iter()
                .map(|&index| self.shown(row, index, &fates))
                .collect();
            let line = cells.join("\t").trim_end_matches('\t').to_owned();
            let cost = tokens(&line) + 1;
            // One row is always shown: an answer without any would not say what went wrong.
            if cost > room && !(kept.is_empty() && out.is_fresh()) {
                break;
            }
            room = room.saturating_sub(cost);
            kept.push(line);
        }
        LaidOut {
            header,
            rows: kept,
            shared,
        }
    }

    fn shown<'r>(&self, row: &'r Row, index: usize, fates: &[Fate]) -> Cow<'r, str> {
        let cell = self.cell(row, index);
        match fates.get(index) {
            Some(Fate::Shown(Some(usual))) if self.value(row, index, &cell) == *usual => Cow::Borrowed(""),
            _ => cell,
        }
    }

    /// A cell as it is compared. All pods that are ready are alike; how many replicas a workload has is worth a cell.
    fn value<'c>(&self, row: &Row, index: usize, cell: &'c str) -> &'c str {
        if row.id.kind != "Pod" {
            return cell;
        }
        let is_ready_column = self
            .columns
            .get(index)
            .is_some_and(|column| column.role == Role::Ready);
        let is_ready = match row.ready {
            Some((ready, desired)) => ready == desired && desired > 0,
            None => cell
                .split_once('/')
                .is_some_and(|(ready, desired)| ready == desired && ready != "0"),
        };
        if is_ready_column && is_ready { READY } else { cell }
    }

    /// What becomes of each column, and what the heading says instead.
    fn fates(&self, rows: &[Row], names: &Names<'_>) -> (Vec<Fate>, Vec<String>) {
        let Names { label, told, .. } = *names;
        let mut shared = Vec::new();
        let mut usual = Vec::new();
        // What is wrong is read row by row, and quoted row by row, unless it is the same in very many.
        let healthy = rows.iter().all(|row| row.health == Health::Healthy);
        let keeps = |column: &Column| match column.role {
            Role::Name => true,
            Role::Namespace => self.names_namespaces,
            Role::Ready => !healthy,
            _ => !healthy && rows.len() < MANY,
        };
        let fates = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, column)| {
                let values: Vec<Cow<'_, str>> = rows
                    .iter()
                    .map(|row| {
                        let cell = self.cell(row, index);
                        match self.value(row, index, &cell) {
                            READY => Cow::Borrowed(READY),
                            _ => cell,
                        }
                    })
                    .collect();
                let Some(first) = values.first() else {
                    return Fate::Gone;
                };
                let is_same = values.iter().all(|value| value == first);
                if is_same && first.is_empty() {
                    return Fate::Gone;
                }
                let said = said(column, first);
                // `Ready (8)` says READY True too.
                let is_said = said == label
                    || Some(&*said) == told
                    || (first == "True" && column.header.eq_ignore_ascii_case(label));
                if is_same && !keeps(column) && (is_said || rows.len() > 1) {
                    match column.role {
                        _ if is_said => {}
                        Role::Status => shared.insert(0, said),
                        _ => shared.push(said),
                    }
                    return Fate::Gone;
                }
                if is_same && healthy && first == READY && !label.is_empty() {
                    shared.push(said);
                    return Fate::Gone;
                }
                let can_be_usual =
                    matches!(column.role, Role::Status | Role::Ready) && rows.len() >= MANY && healthy;
                match most(&values).filter(|(_, count)| can_be_usual && count * 5 >= rows.len() * 4) {
                    Some((value, _)) => {
                        usual.push(if value == READY {
                            "ready".to_owned()
                        } else {
                            value.to_owned()
                        });
                        Fate::Shown(Some(value.to_owned()))
                    }
                    None => Fate::Shown(None),
                }
            })
            .collect();
        if !usual.is_empty() {
            shared.push(format!("{} where blank", usual.join(" and ")));
        }
        (fates, shared)
    }
}

/// What stands for any `n/n`; no cell can hold it.
const READY: &str = "\u{1}ready";

fn said(column: &Column, value: &str) -> String {
    match column.role {
        Role::Status => value.to_owned(),
        Role::Ready if value == READY => "all ready".to_owned(),
        _ => format!("{} {value}", line(&column.header)),
    }
}

fn is_restarts(column: &Column) -> bool {
    column.header.eq_ignore_ascii_case("restarts")
}

/// The commonest value and how often it occurs, blanks aside.
fn most<'v>(values: &'v [Cow<'_, str>]) -> Option<(&'v str, usize)> {
    let mut counts = std::collections::HashMap::new();
    for value in values.iter().filter(|value| !value.is_empty()) {
        *counts.entry(value.as_ref()).or_insert(0_usize) += 1;
    }
    counts.into_iter().max_by_key(|(value, count)| (*count, *value))
}

/// `Healthy (first 5 of 207): Running, all ready`. Nothing where there is nothing to say.
fn title(names: &Names<'_>, shown: usize, shared: &[String]) -> Option<String> {
    let is_all = shown == names.total;
    let range = match names.skipped {
        _ if is_all => grouped(names.total),
        0 => format!("first {} of {}", grouped(shown), grouped(names.total)),
        skipped => format!(
            "{} to {} of {}",
            grouped(skipped + 1),
            grouped(skipped + shown),
            grouped(names.total)
        ),
    };
    let shared = shared.join(", ");
    match (names.label, shared.as_str()) {
        ("", "") if is_all => None,
        ("", "") => Some(capitalised(&format!("{range}:"))),
        ("", shared) if is_all => Some(format!("All: {shared}")),
        ("", shared) => Some(capitalised(&format!("{range}: {shared}"))),
        (_, "") if is_all && names.told.is_some() => None,
        (label, "") => Some(format!("{} ({range})", capitalised(&line(label)))),
        (label, shared) => Some(format!("{} ({range}): {shared}", capitalised(&line(label)))),
    }
}
