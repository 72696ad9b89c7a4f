//! "Did you mean": the nearest of the names that exist.

/// The candidate that `word` was most likely meant to be, if one is near enough to be worth saying. Case, spaces,
/// dashes and underscores do not count.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = plain(word);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= (word.chars().count().min(candidate.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A name as it is compared: lower case, without spaces, dashes and underscores.
pub fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, ' ' | '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect()
}

fn distance(word: &str, candidate: &str) -> usize {
    // A plural or a cut word is nearer than its length says.
    if !word.is_empty() && (candidate.starts_with(word) || word.starts_with(candidate)) && candidate.len() > 2
    {
        return candidate.len().abs_diff(word.len()).min(1);
    }
    edits(word, candidate)
}

/// The longest text that may be a misspelt name: as long as any name in Kubernetes.
const LONGEST_NAME: usize = 253;

/// How many edits make one name of the other, for "did you mean". A text longer than any name is none: to compare it
/// takes time and memory by its length, and it may be megabytes.
pub(crate) fn edits(word: &str, name: &str) -> usize {
    let longer = word.len().max(name.len());
    if longer > LONGEST_NAME {
        return longer;
    }
    strsim::damerau_levenshtein(word, name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn names_the_nearest_and_nothing_far() {
        let headers = ["NAME", "READY", "RESTARTS", "UP-TO-DATE", "AGE"];
        assert_eq!(nearest("restart", headers), Some("RESTARTS"));
        assert_eq!(nearest("raedy", headers), Some("READY"));
        assert_eq!(nearest("uptodat", headers), Some("UP-TO-DATE"));
        assert_eq!(nearest("provisioner", headers), None);
        assert_eq!(nearest("", headers), None);
    }
}
