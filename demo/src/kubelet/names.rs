//! The names of images, and what is made up for them.

use super::{images::PullError, runs::hash};

/// What the runtime says of an image that it cannot pull.
pub(super) fn refusal(image: &str, error: PullError) -> String {
    let full = reference(image);
    let (code, why) = match error {
        PullError::NotFound => ("NotFound", format!("{full}: not found")),
        PullError::Unauthorized => (
            "Unknown",
            "pull access denied, repository does not exist or may require authorization: authorization failed: no \
             basic auth credentials"
                .to_owned(),
        ),
        PullError::NoSuchHost => {
            let repository = repository(image);
            let (host, path) = repository.split_once('/').unwrap_or((&repository, ""));
            let tag = full.rsplit(':').next().unwrap_or_default();
            let why = format!("dial tcp: lookup {host}: no such host");
            let url = format!("https://{host}/v2/{path}/manifests/{tag}");
            ("Unknown", format!("failed to do request: Head {url:?}: {why}"))
        }
    };
    format!(
        "rpc error: code = {code} desc = failed to pull and unpack image {full:?}: failed to resolve reference {full:?}: {why}"
    )
}

/// What is wrong with the name of an image.
pub(super) fn mistake(image: &str) -> Option<String> {
    let repository = repository(image);
    let (_, path) = repository.split_once('/').unwrap_or_default();
    path.contains(|letter: char| letter.is_uppercase()).then(|| {
        format!(
            "couldn't parse image name {image:?}: invalid reference format: repository name ({path}) must be lowercase"
        )
    })
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
    match full
        .rsplit('/')
        .next()
        .is_some_and(|name| name.contains([':', '@']))
    {
        true => full,
        false => format!("{full}:latest"),
    }
}

/// 64 hexadecimal digits that follow from a text.
pub(super) fn digest(text: &str) -> String {
    (0..4)
        .map(|part| format!("{:016x}", hash(format!("{part}{text}").as_bytes())))
        .collect()
}
