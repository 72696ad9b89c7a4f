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

/// The first sentence of a text.
pub(super) fn summary(text: &str) -> String {
    let paragraph: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect();
    let mut sentence = String::new();
    for word in paragraph.join(" ").split(' ') {
        // A capital after a full stop begins the next sentence; `e.g. pods` does not end one.
        if sentence.ends_with('.') && word.starts_with(char::is_uppercase) {
            break;
        }
        if !sentence.is_empty() {
            sentence.push(' ');
        }
        sentence.push_str(word);
    }
    sentence
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
        assert_eq!(
            summary("Lists pods,\ne.g. of Jobs. The worst first.\n\nMore."),
            "Lists pods, e.g. of Jobs."
        );
        assert_eq!(summary(""), "");
    }
}
