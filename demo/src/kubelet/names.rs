//! The names of images, and what is made up for them.

use super::runs::hash;

/// What the runtime says of an image that its registry does not have.
pub(super) fn refusal(image: &str) -> String {
    let full = reference(image);
    format!(
        "rpc error: code = NotFound desc = failed to pull and unpack image {full:?}: failed to resolve reference \
         {full:?}: {full}: not found"
    )
}

/// An image's whole name, with its registry and without its tag.
pub(super) fn repository(image: &str) -> String {
    let full = reference(image);
    let (place, name) = full.rsplit_once('/').unwrap_or(("", &full));
    format!("{place}/{}", name.split([':', '@']).next().unwrap_or_default())
}

/// An image's whole name.
pub(super) fn reference(image: &str) -> String {
    let full = match image.split_once('/') {
        None => format!("docker.io/library/{image}"),
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => image.to_owned(),
        Some(_) => format!("docker.io/{image}"),
    };
    let has_tag = full
        .rsplit('/')
        .next()
        .is_some_and(|name| name.contains([':', '@']));
    if has_tag { full } else { format!("{full}:latest") }
}

/// 64 hexadecimal digits that follow from a text.
pub(super) fn digest(text: &str) -> String {
    (0..4)
        .map(|part| format!("{:016x}", hash(format!("{part}{text}").as_bytes())))
        .collect()
}
