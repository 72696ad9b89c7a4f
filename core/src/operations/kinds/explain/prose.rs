//! Descriptions as they stand in schemas, made short: comments of Go code, with marks for generators, lists of values
//! and lines broken in the middle of a sentence.

/// Where Kubernetes' descriptions begin to list values with their meanings.
const VALUES: &str = "Possible enum values:";

/// The paragraphs of a description, each on one line; the list of values left out.
pub(super) fn paragraphs(description: &str) -> Vec<String> {
    let text = description.split(VALUES).next().unwrap_or_default();
    let mut paragraphs: Vec<String> = Vec::new();
    let mut is_new = true;
    for line in text.lines().map(str::trim) {
        // `+optional`, `+kubebuilder:…` are for generators.
        let is_mark = line.starts_with('+');
        let is_item = line.starts_with("- ") || line.starts_with("* ");
        if line.is_empty() || is_mark {
            is_new = true;
            continue;
        }
        match paragraphs.last_mut().filter(|_| !is_new && !is_item) {
            Some(last) => {
                last.push(' ');
                last.push_str(line);
            }
            None => paragraphs.push(line.to_owned()),
        }
        is_new = false;
    }
    paragraphs
        .into_iter()
        .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

/// The meaning of a value of which the description says one: `` - `"Recreate"` Kill all existing pods … ``.
pub(super) fn meaning_of_value(description: &str, value: &str) -> Option<String> {
    let (_, list) = description.split_once(VALUES)?;
    let mark = format!("- `\"{value}\"`");
    let (_, after) = list.split_once(&mark)?;
    let meaning = after.split("\n - `").next().unwrap_or(after);
    let meaning = meaning.split_whitespace().collect::<Vec<_>>().join(" ");
    let meaning = meaning.strip_prefix("means ").unwrap_or(&meaning);
    let meaning = meaning.strip_prefix("that ").unwrap_or(meaning);
    (!meaning.is_empty()).then(|| meaning.trim_end_matches('.').to_owned())
}

/// The first sentence that says something, without the name that is beside it anyway.
pub(super) fn first_sentence(description: &str, names: &[&str]) -> String {
    let paragraphs = paragraphs(description);
    let mut text = paragraphs.first().map(String::as_str).unwrap_or_default();
    for lead in ["Optional", "Required"] {
        if let Some(rest) = text.strip_prefix(lead)
            && let Some(rest) = rest.strip_prefix(['.', ':', ';']).or(rest.strip_prefix(" -"))
            && !rest.trim().is_empty()
        {
            text = rest.trim_start();
        }
    }
    let sentence = sentences(text).next().unwrap_or_default();
    let sentence = sentence.split("; More info").next().unwrap_or_default();
    let sentence = without_name(sentence, names).trim_end_matches(['.', ':']).trim();
    uncapitalised(sentence)
}

/// A text sentence by sentence.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.match_indices(". ").map(|(at, _)| at).find(|&at| {
            let (head, tail) = rest.split_at(at);
            let word = head.rsplit([' ', '(']).next().unwrap_or_default();
            let is_short = ["e.g", "i.e", "etc", "vs", "ex", "cf"].contains(&word.to_lowercase().as_str());
            let next = tail.trim_start_matches(['.', ' ']);
            !is_short && (!next.starts_with(char::is_lowercase) || next.starts_with("http"))
        });
        let (sentence, tail) = match end {
            Some(at) => rest.split_at(at + 1),
            None => (rest, ""),
        };
        rest = tail.trim_start();
        Some(sentence)
    })
}

/// `replicas is the number of …` is `the number of …` beside the name of the field.
fn without_name<'a>(sentence: &'a str, names: &[&str]) -> &'a str {
    let Some((first, rest)) = sentence.split_once(' ') else {
        return sentence;
    };
    let word = first.trim_matches(['`', '"', '\'']);
    if !names.iter().any(|name| name.eq_ignore_ascii_case(word)) {
        return sentence;
    }
    let rest = rest.trim_start();
    for verb in ["is ", "are "] {
        if let Some(rest) = rest.strip_prefix(verb) {
            return rest;
        }
    }
    // A verb; else it was no name: `Rule to apply`, `Type of deployment`.
    let verb = rest.split(' ').next().unwrap_or_default();
    if verb.ends_with('s') && verb.len() > 3 {
        rest
    } else {
        sentence
    }
}

/// With a small first letter, unless the word is a name or an abbreviation.
fn uncapitalised(sentence: &str) -> String {
    let word = sentence.split(' ').next().unwrap_or_default();
    let mut chars = sentence.chars();
    match chars.next() {
        Some(first)
            if !word
                .chars()
                .skip(1)
                .any(|c| c.is_uppercase() || c.is_ascii_digit()) =>
        {
            first.to_lowercase().chain(chars).collect()
        }
        _ => sentence.to_owned(),
    }
}

/// Remarks of at most `most` bytes that say a description whole, cut between sentences.
pub(super) fn whole(description: &str, most: usize) -> Vec<String> {
    let mut remarks: Vec<String> = Vec::new();
    for paragraph in paragraphs(description) {
        let mut remark = String::new();
        for sentence in sentences(&paragraph) {
            if !remark.is_empty() && remark.len() + sentence.len() > most {
                remarks.push(std::mem::take(&mut remark));
            }
            if !remark.is_empty() {
                remark.push(' ');
            }
            remark.push_str(sentence);
        }
        remarks.push(remark);
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_told_by_its_first_sentence() {
        for (description, names, expected) in [
            (
                "Number of desired pods. This is a pointer.",
                &["replicas"][..],
                "number of desired pods",
            ),
            (
                "replicas is the number of pods (e.g. 3). More.",
                &["replicas"],
                "the number of pods (e.g. 3)",
            ),
            (
                "DeploymentStrategy describes how to replace pods.",
                &["strategy", "DeploymentStrategy"],
                "describes how to replace pods",
            ),
            (
                "Type of deployment. Can be \"Recreate\".",
                &["type"],
                "type of deployment",
            ),
            ("Optional. Host name. More.", &[], "host name"),
            ("Optional: Default to false.", &[], "default to false"),
            (
                "A line that\nis broken in the middle.\nAnd more.",
                &[],
                "a line that is broken in the middle",
            ),
            ("IP of the host", &[], "IP of the host"),
            ("+optional\nFoo", &[], "foo"),
            ("", &[], ""),
        ] {
            assert_eq!(first_sentence(description, names), expected, "{description}");
        }
    }

    #[test]
    fn values_have_meanings_of_their_own() {
        let text = "Type.\n\nPossible enum values:\n - `\"Recreate\"` Kill all.\n - `\"Rolling\"` One by\n one.\n - `\"X\"`";
        assert_eq!(meaning_of_value(text, "Recreate").as_deref(), Some("Kill all"));
        assert_eq!(meaning_of_value(text, "Rolling").as_deref(), Some("One by one"));
        assert_eq!(meaning_of_value(text, "X"), None);
        assert_eq!(paragraphs(text), ["Type."]);
    }
}
