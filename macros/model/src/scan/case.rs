//! Names in the cases that specs and serde write them in.

/// Splits `LastApplied` or `last_applied` into lower-case words.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let characters: Vec<char> = name.chars().collect();
    let mut start_word = true;
    for (index, &character) in characters.iter().enumerate() {
        if character == '_' {
            start_word = true;
            continue;
        }
        let previous = index.checked_sub(1).map(|before| characters[before]);
        let next = characters.get(index + 1);
        let after_lower = previous.is_some_and(|c| c.is_lowercase() || c.is_ascii_digit());
        // `HTTPRoute` is `http-route`: the last capital of a run starts the next word.
        let ends_run = previous.is_some_and(char::is_uppercase) && next.is_some_and(|c| c.is_lowercase());
        if start_word || (character.is_uppercase() && (after_lower || ends_run)) {
            words.push(String::new());
        }
        start_word = false;
        if let Some(word) = words.last_mut() {
            word.extend(character.to_lowercase());
        }
    }
    words
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// `last-applied`, how a spec names a variant.
pub(super) fn kebab(name: &str) -> String {
    words(name).join("-")
}

/// A field's name by a `#[serde(rename_all = "…")]`; `None` if the case is none that we know.
pub(super) fn renamed(name: &str, case: &str) -> Option<String> {
    let words = words(name);
    Some(match case {
        "snake_case" | "lowercase" => name.to_owned(),
        "kebab-case" => words.join("-"),
        "PascalCase" => words.iter().map(|word| capitalised(word)).collect(),
        "camelCase" => {
            let mut words = words.iter();
            let first = words.next().cloned().unwrap_or_default();
            words.fold(first, |name, word| name + &capitalised(word))
        }
        "SCREAMING_SNAKE_CASE" | "UPPERCASE" => name.to_uppercase(),
        "SCREAMING-KEBAB-CASE" => words.join("-").to_uppercase(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_read_as_a_spec_writes_them() {
        let names = ["Failed", "LastApplied", "HTTPRoute", "Sha256", "PVC"];
        assert_eq!(
            names.map(kebab),
            ["failed", "last-applied", "http-route", "sha256", "pvc"]
        );
    }

    #[test]
    fn fields_read_as_serde_writes_them() {
        assert_eq!(renamed("open_since", "camelCase").as_deref(), Some("openSince"));
        assert_eq!(renamed("open_since", "kebab-case").as_deref(), Some("open-since"));
        assert_eq!(renamed("open_since", "PascalCase").as_deref(), Some("OpenSince"));
        assert_eq!(renamed("open_since", "Spoken Case"), None);
    }
}
