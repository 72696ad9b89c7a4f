//! URI templates of resources: RFC 6570, level 1, one variable a path segment.

use serde_json::{Map, Value};

/// The variables of `uri` if it is of the form `template`, percent-decoded. `_` stands for what is not there (the
/// namespace of a cluster-scoped object).
pub(crate) fn matches(template: &str, uri: &str) -> Option<Map<String, Value>> {
    let (scheme, rest) = template.split_once("://")?;
    let (given_scheme, given) = uri.split_once("://")?;
    if !scheme.eq_ignore_ascii_case(given_scheme) {
        return None;
    }
    let (segments, given): (Vec<&str>, Vec<&str>) = (rest.split('/').collect(), given.split('/').collect());
    if segments.len() != given.len() {
        return None;
    }
    let mut variables = Map::new();
    for (segment, text) in segments.into_iter().zip(given) {
        match segment
            .strip_prefix('{')
            .and_then(|segment| segment.strip_suffix('}'))
        {
            Some(_) if text.is_empty() => return None,
            Some(_) if text == "_" => {}
            Some(name) => {
                let decoded = percent_encoding::percent_decode_str(text).decode_utf8().ok()?;
                variables.insert(name.to_owned(), Value::from(decoded.into_owned()));
            }
            None if segment == text => {}
            None => return None,
        }
    }
    Some(variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "k8s://{cluster}/{namespace}/{kind}/{name}";

    #[test]
    fn variables_are_read_and_decoded() {
        let variables = matches(TEMPLATE, "k8s://prod/shop/Deployment/check%6Fut").unwrap();
        let texts: Vec<_> = variables
            .iter()
            .map(|(k, v)| format!("{k}={}", v.as_str().unwrap()))
            .collect();
        assert_eq!(
            texts.join(" "),
            "cluster=prod namespace=shop kind=Deployment name=checkout"
        );
    }

    #[test]
    fn underscore_is_no_namespace() {
        let variables = matches(TEMPLATE, "k8s://prod/_/Node/node-1").unwrap();
        assert!(!variables.contains_key("namespace"));
    }

    #[test]
    fn other_uris_do_not_match() {
        for uri in [
            "k8s://prod/shop/Pod",
            "https://prod/shop/Pod/a",
            "k8s://prod/shop/Pod/",
            "nonsense",
            "k8s://",
        ] {
            assert!(matches(TEMPLATE, uri).is_none(), "{uri}");
        }
    }
}
