//! Rows of one status only.

use crate::{
    monitoring::status::Verdict,
    output::{Table, Total},
};

/// Words of other statuses that are named where there is nothing of the wanted one.
const WORDS: usize = 6;

/// Takes the rows of the status that was asked for, and counts the others.
pub(super) struct StatusFilter<'a> {
    /// A status word, a word of health, or `unhealthy`; everything if none.
    wanted: Option<&'a str>,
    others: Vec<Total>,
}

impl<'a> StatusFilter<'a> {
    pub(super) fn new(wanted: Option<&'a str>) -> Self {
        Self {
            wanted,
            others: Vec::new(),
        }
    }

    /// Whether a row of this verdict is wanted.
    pub(super) fn takes(&mut self, verdict: &Verdict<'_>) -> bool {
        let Some(wanted) = self.wanted else {
            return true;
        };
        let is_meant = if wanted.eq_ignore_ascii_case("unhealthy") {
            verdict.is_trouble()
        } else {
            verdict.word.eq_ignore_ascii_case(wanted) || verdict.health.word().eq_ignore_ascii_case(wanted)
        };
        if !is_meant {
            self.count(&verdict.word);
        }
        is_meant
    }

    fn count(&mut self, word: &str) {
        match self.others.iter_mut().find(|total| total.name == word) {
            Some(total) => total.count += 1,
            None => self.others.push(Total {
                name: word.to_owned(),
                count: 1,
            }),
        }
    }

    /// Says in the table that it was filtered, and what there is if nothing is of the wanted status.
    pub(super) fn tell(mut self, table: &mut Table) {
        let Some(wanted) = self.wanted else { return };
        let others: usize = self.others.iter().map(|total| total.count).sum();
        table.unfiltered = Some(table.unfiltered.unwrap_or(table.total) + others);
        // `Unhealthy pods`, `CrashLoopBackOff pods`.
        table.subject = format!("{wanted} {}", uncapitalised(&table.subject));
        if table.total == 0 && others > 0 {
            self.others.sort_by_key(|total| std::cmp::Reverse(total.count));
            let words = self.others.iter().take(WORDS);
            let words: Vec<String> = words
                .map(|total| format!("{} {}", total.count, total.name))
                .collect();
            table.notes.push(format!("there are: {}", words.join(", ")));
        }
    }
}

/// The text with its first letter small.
fn uncapitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map(|first| first.to_lowercase().chain(chars).collect())
        .unwrap_or_default()
}
