//! Whether a literal fits a parameter of an operation.

use serde_json::Value as Json;

use crate::{
    signature::{Base, Catalog, Type},
    suggest,
};

/// Why a literal does not fit.
pub(crate) struct Misfit {
    pub(crate) check: &'static str,
    pub(crate) expected: String,
    pub(crate) help: Option<String>,
}

/// The type in words: `an integer`, `one of a, b`.
pub(crate) fn words(ty: &Type, catalog: &Catalog) -> String {
    let base = match &ty.base {
        Base::String => "string".to_owned(),
        Base::Bool => "boolean".to_owned(),
        Base::Integer(_) => "integer".to_owned(),
        Base::Number => "number".to_owned(),
        Base::Choice(_) => "string".to_owned(),
        Base::Text(name) => match format_of(name, catalog) {
            Some(format) => format!("string ({format})"),
            None => "string".to_owned(),
        },
    };
    if ty.list { format!("array of {base}") } else { base }
}

/// The variants of a choice.
pub(crate) fn variants<'a>(ty: &Type, catalog: &'a Catalog) -> Option<&'a [String]> {
    match &ty.base {
        Base::Choice(name) => catalog
            .choices
            .iter()
            .find(|choice| choice.name == *name)
            .map(|choice| choice.variants.as_slice()),
        _ => None,
    }
}

fn format_of<'a>(name: &str, catalog: &'a Catalog) -> Option<&'a str> {
    catalog
        .texts
        .iter()
        .find(|text| text.name == name)
        .map(|text| text.format.as_str())
}

/// Checks a literal against a type.
pub(crate) fn fits(value: &Json, ty: &Type, catalog: &Catalog) -> Result<(), Misfit> {
    if ty.list {
        return match value {
            Json::Array(items) => items
                .iter()
                .try_for_each(|item| fits_one(item, &ty.base, catalog)),
            other => Err(Misfit {
                check: "wrong-literal",
                expected: "a list".to_owned(),
                help: Some(format!("write `[{}]`", plain(other))),
            }),
        };
    }
    fits_one(value, &ty.base, catalog)
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn fits_one(value: &Json, base: &Base, catalog: &Catalog) -> Result<(), Misfit> {
    let wrong = |expected: &str, help: Option<String>| {
        Err(Misfit {
            check: "wrong-literal",
            expected: expected.to_owned(),
            help,
        })
    };
    let quote = || Some(format!("quote it: \"{}\"", plain(value)));
    let unquoted = |text: &str| format!("leave the quotes out: {text}");
    match (base, value) {
        (Base::String, Json::String(_)) | (Base::Bool, Json::Bool(_)) | (Base::Number, Json::Number(_)) => {
            Ok(())
        }
        (Base::String, Json::Number(_) | Json::Bool(_)) => wrong("a string", quote()),
        (Base::String, _) => wrong("a string", None),
        (Base::Bool, Json::String(text)) => match text.to_lowercase().as_str() {
            "true" | "yes" | "on" => wrong("true or false", Some("write true".to_owned())),
            "false" | "no" | "off" => wrong("true or false", Some("write false".to_owned())),
            _ => wrong("true or false", None),
        },
        (Base::Bool, _) => wrong("true or false", None),
        (Base::Number, Json::String(text)) if text.parse::<f64>().is_ok() => {
            wrong("a number", Some(unquoted(text)))
        }
        (Base::Number, _) => wrong("a number", None),
        (Base::Integer(rust), Json::Number(number)) if !number.is_f64() => {
            let (least, greatest) = range(rust);
            let fits = number
                .as_i64()
                .map(i128::from)
                .or_else(|| number.as_u64().map(i128::from));
            match fits {
                Some(n) if n >= least && n <= greatest => Ok(()),
                _ => Err(Misfit {
                    check: "literal-out-of-range",
                    expected: match greatest == u64::MAX.into() {
                        true => format!("an integer of at least {least}"),
                        false => format!("an integer from {least} to {greatest}"),
                    },
                    help: None,
                }),
            }
        }
        (Base::Integer(_), Json::String(text)) if text.parse::<i64>().is_ok() => {
            wrong("an integer", Some(unquoted(text)))
        }
        (Base::Integer(_), _) => wrong("an integer", None),
        (Base::Choice(name), Json::String(text)) => {
            let variants = catalog.choices.iter().find(|choice| choice.name == *name);
            match variants {
                Some(choice) if !choice.variants.iter().any(|variant| variant == text) => {
                    let names = choice.variants.iter().map(String::as_str);
                    Err(Misfit {
                        check: "unknown-choice",
                        expected: format!("one of {}", suggest::list(names.clone())),
                        help: suggest::nearest(text, names)
                            .map(|nearest| format!("did you mean `{nearest}`?")),
                    })
                }
                _ => Ok(()),
            }
        }
        (Base::Text(name), Json::String(text)) => match format_of(name, catalog) {
            Some(format) => text_fits(text, format),
            None => Ok(()),
        },
        (Base::Text(_), Json::Number(_)) => wrong("a string", quote()),
        (Base::Choice(_) | Base::Text(_), _) => wrong("a string", quote().filter(|_| !value.is_array())),
    }
}

/// The range of a Rust integer type.
pub(crate) fn range(rust: &str) -> (i128, i128) {
    match rust {
        "u8" => (0, u8::MAX.into()),
        "u16" => (0, u16::MAX.into()),
        "u32" => (0, u32::MAX.into()),
        "u64" | "usize" => (0, u64::MAX.into()),
        "i8" => (i8::MIN.into(), i8::MAX.into()),
        "i16" => (i16::MIN.into(), i16::MAX.into()),
        "i32" => (i32::MIN.into(), i32::MAX.into()),
        _ => (i64::MIN.into(), i64::MAX.into()),
    }
}

/// The syntaxes of text, as the core's newtypes read them; one that is not known here is left to run time.
fn text_fits(text: &str, format: &str) -> Result<(), Misfit> {
    let text = text.trim();
    let (good, expected, help) = match format {
        "kind" => (
            !text.is_empty() && !text.contains(char::is_whitespace),
            "a kind such as Pod, deploy or widgets.example.com",
            None,
        ),
        "duration" => (
            is_duration(text),
            "a duration such as 90s, 15m, 2h or 1d",
            mend_duration(text),
        ),
        "moment" => (
            is_duration(text) || is_time(text),
            "an age such as 15m, 2h or 1d, or a time such as 2026-07-28T13:41:00Z",
            mend_duration(text),
        ),
        _ => (true, "", None),
    };
    if good {
        return Ok(());
    }
    Err(Misfit {
        check: "bad-text-format",
        expected: expected.to_owned(),
        help: help.map(|mended| format!("did you mean `{mended}`?")),
    })
}

/// `90s`, `1d12h`, `1h 30m`, `1.5h`, `PT15M`, or a bare number of seconds.
fn is_duration(text: &str) -> bool {
    if text.starts_with(['P', 'p']) && text.len() > 2 {
        return text[1..]
            .chars()
            .all(|c| c.is_ascii_digit() || "TtYyMmWwDdHhSs.".contains(c));
    }
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return true;
    }
    const UNITS: [&str; 27] = [
        "ns", "us", "µs", "ms", "s", "sec", "secs", "second", "seconds", "m", "min", "mins", "minute",
        "minutes", "h", "hr", "hrs", "hour", "hours", "d", "day", "days", "w", "wk", "wks", "week", "weeks",
    ];
    let mut rest = text;
    let mut parts = 0;
    while !rest.is_empty() {
        let digits = rest.len()
            - rest
                .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
                .len();
        let (number, after) = rest.split_at(digits);
        if !number.starts_with(|c: char| c.is_ascii_digit()) || number.matches('.').count() > 1 {
            return false;
        }
        let after = after.trim_start();
        let unit = after.len() - after.trim_start_matches(char::is_alphabetic).len();
        if !UNITS.contains(&&after[..unit]) {
            return false;
        }
        rest = after[unit..].trim_start_matches([' ', ',']);
        parts += 1;
    }
    parts > 0
}

/// `15 min ago`, `15M`, `-15m`: what was meant.
fn mend_duration(text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let mended = lower
        .trim_start_matches(['-', '+'])
        .trim_end_matches("ago")
        .trim()
        .to_owned();
    (mended != text && is_duration(&mended)).then_some(mended)
}

/// The outer form of an RFC 3339 time; the calendar is left to run time.
fn is_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once(['T', 't', ' ']) else {
        return false;
    };
    let digits = |text: &str, form: &str| {
        text.len() == form.len()
            && text
                .bytes()
                .zip(form.bytes())
                .all(|(c, f)| if f == b'0' { c.is_ascii_digit() } else { c == f })
    };
    let zone = time.find(['Z', 'z', '+']).or_else(|| time.rfind('-'));
    let Some(zone) = zone else { return false };
    let (clock, zone) = time.split_at(zone);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    digits(date, "0000-00-00")
        && (digits(clock, "00:00:00") || digits(clock, "00:00"))
        && fraction.bytes().all(|b| b.is_ascii_digit())
        && (zone.eq_ignore_ascii_case("z") || digits(&zone[1..], "00:00"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_times_are_told_from_other_words() {
        for good in ["90s", "15m", "1d12h", "2h 30m", "120", "PT15M", "1.5h"] {
            assert!(is_duration(good), "{good}");
        }
        for bad in ["", "15x", "yesterday", "m", "-5m", "1..5h", "P"] {
            assert!(!is_duration(bad), "{bad}");
        }
        assert!(is_time("2026-07-28T13:41:00Z") && is_time("2026-07-28T13:41:00.5+02:00"));
        assert!(!is_time("2026-07-28") && !is_time("13:41:00Z") && !is_time("2026-7-28T13:41:00Z"));
        assert_eq!(mend_duration("15 min ago").as_deref(), Some("15 min"));
    }
}
