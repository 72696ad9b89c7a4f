//! "Did you mean": the nearest of what there is, or what there is.

/// How many names are listed where nothing is near.
const LISTED: usize = 14;

/// The candidate that `word` was most likely meant to be.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = word.to_lowercase();
    let allowed = (wanted.chars().count() / 3).max(1);
    let candidates: Vec<&str> = candidates.into_iter().collect();
    let near = candidates
        .iter()
        .copied()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase()),
                candidate,
            )
        })
        // Half of a compound name is a slip too: `selector` for `label_selector`.
        .map(|(distance, candidate)| {
            let part = wanted.len() > 3
                && candidate
                    .split(['_', '.', '-'])
                    .any(|part| part.eq_ignore_ascii_case(&wanted));
            (if part { distance.min(allowed) } else { distance }, candidate)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate);
    near.or_else(|| {
        // A word that was cut short, if there is no doubt: `Warn` for `Warning`.
        let mut longer = candidates
            .into_iter()
            .filter(|candidate| wanted.len() * 2 > candidate.len())
            .filter(|candidate| candidate.to_lowercase().starts_with(&wanted));
        longer.next().filter(|_| longer.next().is_none())
    })
}

/// A help that names the nearest candidate, or lists the candidates after `what` ("the parameters of `x` are").
/// None if there are no candidates.
pub fn help<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>, what: &str) -> Option<String> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    if let Some(nearest) = nearest(word, candidates.iter().copied()) {
        return Some(format!("did you mean `{nearest}`?"));
    }
    (!candidates.is_empty()).then(|| format!("{what} {}", list(candidates)))
}

/// Names in backticks with commas, cut where there are too many.
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let shown: Vec<String> = names
        .iter()
        .take(LISTED)
        .map(|name| format!("`{name}`"))
        .collect();
    match names.len().saturating_sub(LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_a_stranger_finds_none() {
        let names = ["pods.logs", "pods.list", "resources.get", "label_selector"];
        assert_eq!(nearest("pods.log", names), Some("pods.logs"));
        assert_eq!(nearest("PODS.LIST", names), Some("pods.list"));
        assert_eq!(nearest("selector", names), Some("label_selector"));
        assert_eq!(nearest("Warn", ["Normal", "Warning"]), Some("Warning"));
        assert_eq!(nearest("name", ["kind", "namespace"]), None);
        assert_eq!(nearest("deploy", names), None);
    }

    #[test]
    fn a_long_list_is_cut_with_its_count() {
        let names: Vec<String> = (0..20).map(|n| format!("name{n:02}")).collect();
        assert!(list(names.iter().map(String::as_str)).ends_with("`name13` and 6 more"));
    }
}
