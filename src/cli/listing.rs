//! Columns for people.

/// Rows with their columns aligned; the last is not padded.
pub(super) fn aligned(rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        for (index, cell) in row.iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(index) {
                Some(widest) => *widest = width.max(*widest),
                None => widths.push(width),
            }
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The first line of a text, cut at its first sentence.
pub(super) fn summary(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    match line.find(". ") {
        Some(end) => &line[..=end],
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_nothing_trails() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [
            row(["a", "b", ""]),
            row(["long", "é", "x"]),
            row(["a", "bb", "y"]),
        ];
        assert_eq!(aligned(&rows), "a     b\nlong  é   x\na     bb  y\n");
    }

    #[test]
    fn a_summary_is_one_sentence() {
        assert_eq!(summary("Lists pods. The worst first.\nMore."), "Lists pods.");
        assert_eq!(summary("Lists e.g. pods"), "Lists e.g.");
    }
}
