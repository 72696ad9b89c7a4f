//! Reads an answer that is a list back into rows, as its reader would.
//!
//! A list is a heading, then blocks: a line of headers in capitals, tab-separated, and rows below it. A column
//! whose cells are all equal stands in the heading above its block in place of the rows.

use std::collections::BTreeMap;

/// A list that was read back.
#[derive(Debug)]
pub(crate) struct Listing {
    /// The first line.
    pub(crate) heading: String,
    /// The rows, in order.
    pub(crate) rows: Vec<Row>,
    /// The whole answer.
    pub(crate) text: String,
}

/// A row: its cells by header.
#[derive(Debug)]
pub(crate) struct Row {
    cells: BTreeMap<String, String>,
    /// The heading and the block's own heading: where cells stand that all rows share.
    above: String,
}

impl Listing {
    /// Reads a list.
    pub(crate) fn read(text: &str) -> Self {
        let mut lines = text.lines();
        let heading = lines.next().unwrap_or_default().to_owned();
        let mut rows = Vec::new();
        let mut headers: Vec<&str> = Vec::new();
        let mut above = heading.clone();
        for line in lines {
            let cells: Vec<&str> = line.split('\t').collect();
            if is_header(cells[0]) {
                headers = cells;
            } else if line.starts_with("More: ") || line.starts_with("Next: ") {
                headers.clear();
            } else if !headers.is_empty()
                && cells.len() <= headers.len()
                && (line.contains('\t') || headers.len() == 1)
            {
                let cells = headers
                    .iter()
                    .zip(&cells)
                    .map(|(header, cell)| ((*header).to_owned(), (*cell).to_owned()));
                rows.push(Row {
                    cells: cells.collect(),
                    above: above.clone(),
                });
            } else {
                headers.clear();
                above = format!("{heading}\n{line}");
            }
        }
        Self {
            heading,
            rows,
            text: text.to_owned(),
        }
    }

    /// The names, in order.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.rows
            .iter()
            .map(|row| row.cell("NAME").unwrap_or_default())
            .collect()
    }

    /// The names, sorted.
    pub(crate) fn sorted_names(&self) -> Vec<&str> {
        let mut names = self.names();
        names.sort_unstable();
        names
    }

    /// The row of this name.
    pub(crate) fn row(&self, name: &str) -> Result<&Row, String> {
        let found = self.rows.iter().find(|row| row.cell("NAME") == Some(name));
        found.ok_or_else(|| format!("no row {name} in:\n{}", self.text))
    }

    /// The row whose first word of `header` is this; for lists that are not of named objects.
    pub(crate) fn row_where(&self, header: &str, value: &str) -> Result<&Row, String> {
        let found = self.rows.iter().find(|row| row.cell(header) == Some(value));
        found.ok_or_else(|| format!("no row with {header} {value} in:\n{}", self.text))
    }

    /// The value of `cursor=` that continues it, if it says one.
    pub(crate) fn cursor(&self) -> Option<&str> {
        let (_, rest) = self.text.split_once("cursor=")?;
        rest.split([' ', ',', '\n']).next()
    }

    /// The whole numbers of the heading, thousands separators taken out.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        let plain = self.heading.replace(',', "");
        let words = plain.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '.');
        words.filter_map(|word| word.parse().ok()).collect()
    }
}

impl Row {
    /// The cell below this header, if it is shown in the row.
    pub(crate) fn cell(&self, header: &str) -> Option<&str> {
        self.cells.get(header).map(String::as_str)
    }

    /// Whether the cell is this; a cell that is not shown in the row has to be told above it.
    pub(crate) fn says(&self, header: &str, value: &str) -> Result<(), String> {
        match self.cell(header) {
            Some(cell) if cell == value => Ok(()),
            Some(cell) => Err(format!("{header} is {cell:?} and not {value:?} in {self:?}")),
            None if self.above.contains(value) => Ok(()),
            None => Err(format!("{header} {value:?} is neither in nor above {self:?}")),
        }
    }

    /// The leading number of a cell; 0 if it is blank or not shown, as for pods that never restarted.
    pub(crate) fn number(&self, header: &str) -> u64 {
        let digits = self.cell(header).and_then(|cell| cell.split(' ').next());
        digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }
}

/// Whether a first cell is a header: capitals only. Names, namespaces, kinds and ages all have small letters.
fn is_header(cell: &str) -> bool {
    cell.len() > 1
        && cell
            .chars()
            .all(|c| c.is_ascii_uppercase() || c == '-' || c == '_')
}
