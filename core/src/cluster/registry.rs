//! The kinds that a cluster serves, and which of them a person means.

use std::{collections::HashMap, sync::Arc};

use super::Resource;
use crate::Error;

/// A kind in one version.
#[derive(Clone, Debug)]
pub(super) struct Served {
    /// The kind.
    pub(super) resource: Resource,
    /// Whether this is its group's preferred version of it.
    pub(super) preferred: bool,
}

/// Everything that a cluster serves. Order is the API server's: the core group first, then groups by priority,
/// in each the preferred version first.
#[derive(Debug, Default)]
pub struct Registry {
    served: Vec<Served>,
    /// By plural, singular and kind, in lower case.
    names: HashMap<String, Vec<usize>>,
    /// By short name.
    shorts: HashMap<String, Vec<usize>>,
    preferred: Arc<[Resource]>,
    /// Groups whose kinds could not be learned.
    failed: Vec<String>,
}

/// What was asked for: a word, and maybe a group and a version.
#[derive(Debug, PartialEq, Eq)]
struct Wanted<'a> {
    word: &'a str,
    group: Option<&'a str>,
    version: Option<&'a str>,
}

impl Registry {
    /// A registry of these kinds; `failed` are the groups that could not be asked.
    pub(super) fn new(served: Vec<Served>, failed: Vec<String>) -> Self {
        let (mut names, mut shorts) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for (index, Served { resource, .. }) in served.iter().enumerate() {
            let mut words = vec![
                resource.plural.to_lowercase(),
                resource.singular.to_lowercase(),
                resource.kind.to_lowercase(),
            ];
            words.sort_unstable();
            words.dedup();
            for word in words {
                names.entry(word).or_default().push(index);
            }
            for short in &resource.short_names {
                shorts.entry(short.to_lowercase()).or_default().push(index);
            }
        }
        let preferred = served
            .iter()
            .filter(|one| one.preferred)
            .map(|one| one.resource.clone())
            .collect();
        Self {
            served,
            names,
            shorts,
            preferred,
            failed,
        }
    }

    /// Every kind in its preferred version.
    pub fn preferred(&self) -> Arc<[Resource]> {
        self.preferred.clone()
    }

    /// The group versions whose API servers do not answer, e.g. `metrics.k8s.io/v1beta1`.
    pub fn silent(&self) -> &[String] {
        &self.failed
    }

    /// Whether a kind of this plural is served, by this group if one is given.
    pub(super) fn serves(&self, plural: &str, group: Option<&str>, sub: Option<&str>) -> bool {
        let is = |resource: &Resource| {
            resource.plural == plural
                && group.is_none_or(|group| resource.group == group)
                && sub.is_none_or(|sub| resource.subresources.iter().any(|served| served == sub))
        };
        self.served.iter().any(|served| is(&served.resource))
    }

    /// The kind that a person means, if there is one.
    ///
    /// # Errors
    /// If several groups that are not Kubernetes' own have one of that name.
    pub(super) fn find(&self, text: &str) -> Result<Option<&Resource>, Error> {
        let text = text.trim();
        for wanted in readings(text) {
            let mut found = self.matching(&wanted).into_iter();
            let Some(first) = found.next() else { continue };
            // kubectl takes the first by priority. Between strangers that would be a guess.
            if wanted.group.is_none() && first.is_custom() {
                let others: Vec<_> = found.filter(|other| other.group != first.group).collect();
                if !others.is_empty() {
                    let mut names = vec![first.qualified()];
                    names.extend(others.iter().map(|other| other.qualified()));
                    names.dedup();
                    return Err(Error::invalid(format!(
                        "{text:?} is ambiguous: {}; give the group too",
                        names.join(", ")
                    )));
                }
            }
            return Ok(Some(first));
        }
        Ok(None)
    }

    /// The kinds of this name in other groups than the one that was asked for, one of each: `extensions` has been
    /// served by nobody since 1.22, and is still written.
    pub(super) fn elsewhere(&self, text: &str) -> Vec<&Resource> {
        let readings = readings(text.trim());
        let Some(asked) = readings.iter().find(|wanted| wanted.group.is_some()) else {
            return Vec::new();
        };
        let mut others = self.matching(&Wanted {
            word: asked.word,
            group: None,
            version: None,
        });
        others.dedup_by(|one, other| one.group == other.group);
        others
    }

    /// What matches, the best first: names before short names, the preferred version before others.
    fn matching(&self, wanted: &Wanted<'_>) -> Vec<&Resource> {
        let word = wanted.word.to_lowercase();
        let by = |index: &HashMap<String, Vec<usize>>| index.get(&word).cloned().unwrap_or_default();
        let mut found = by(&self.names);
        found.extend(by(&self.shorts));
        let exact_group = wanted.group.is_some_and(|group| {
            found
                .iter()
                .any(|&at| self.served[at].resource.group.eq_ignore_ascii_case(group))
        });
        let (group, version) = (wanted.group, wanted.version);
        found
            .into_iter()
            .map(|at| &self.served[at])
            .filter(|served| {
                let resource = &served.resource;
                let group_fits = group.is_none_or(|group| {
                    resource.group.eq_ignore_ascii_case(group)
                    // As kubectl does, the beginning of a group will do where no group is called that.
                    || (!exact_group && !group.is_empty() && resource.group.starts_with(group))
                });
                let version_fits = match version {
                    Some(version) => resource.version.eq_ignore_ascii_case(version),
                    None => served.preferred,
                };
                group_fits && version_fits
            })
            .map(|served| &served.resource)
            .collect()
    }

    /// The error for a kind that is not served.
    pub(super) fn unknown(&self, cluster: &str, text: &str) -> Error {
        let text = text.trim();
        let word = text.split(['.', '/']).next().unwrap_or(text);
        if let Some((kind, name)) = text.split_once('/')
            && !name.contains('/')
            && matches!(self.find(kind), Ok(Some(_)))
        {
            return Error::invalid(format!(
                "{text:?} is a kind and a name: give kind {kind} and name {name}"
            ));
        }
        let members: Vec<_> = self
            .served
            .iter()
            .filter(|served| {
                served.preferred
                    && served
                        .resource
                        .categories
                        .iter()
                        .any(|c| c.eq_ignore_ascii_case(text))
            })
            .map(|served| served.resource.plural.as_str())
            .collect();
        if !members.is_empty() {
            return Error::invalid(format!(
                "{text:?} is a set of kinds, name one of them: {}",
                members.join(", ")
            ));
        }
        let elsewhere = self.elsewhere(text);
        if let Some(first) = elsewhere.first() {
            let names: Vec<_> = elsewhere.iter().map(|other| other.qualified()).collect();
            let message = format!("no kind {text:?} on {cluster}; there are: {}", names.join(", "));
            return Error::not_found(message).instead("kind", first.qualified());
        }
        let nearest = self.nearest(word);
        let mut message = format!("no kind {text:?} on {cluster}");
        if !nearest.is_empty() {
            message.push_str(&format!("; nearest: {}", nearest.join(", ")));
        }
        if !self.failed.is_empty() {
            message.push_str(&format!(
                " (the kinds of {} could not be learned: their API servers do not answer)",
                self.failed.join(", ")
            ));
        }
        let error = Error::not_found(message);
        match nearest.first().and_then(|nearest| nearest.split(' ').next()) {
            // Every operation calls this parameter so.
            Some(kind) => error.instead("kind", kind),
            None => error,
        }
    }

    /// The three nearest, as `Widget (widgets.example.com)`.
    fn nearest(&self, word: &str) -> Vec<String> {
        let word = word.to_lowercase();
        let mut near: Vec<(usize, &Resource)> = self
            .preferred
            .iter()
            .map(|resource| {
                let names = [&resource.plural, &resource.singular, &resource.kind];
                let distance = names
                    .into_iter()
                    .chain(&resource.short_names)
                    .filter(|name| !name.is_empty())
                    .map(|name| crate::nearest::edits(&word, &name.to_lowercase()))
                    .min();
                (distance.unwrap_or(usize::MAX), resource)
            })
            // Short names are near to everything: a change of half the word is another word.
            .filter(|(distance, _)| *distance * 2 <= word.chars().count().max(2))
            .collect();
        near.sort_by_key(|(distance, _)| *distance);
        let mut shown: Vec<String> = Vec::new();
        for (_, resource) in near {
            let text = format!("{} ({})", resource.kind, resource.qualified());
            if !shown.contains(&text) {
                shown.push(text);
            }
        }
        shown.truncate(3);
        shown
    }
}

/// What a text may mean, the likeliest first.
fn readings(text: &str) -> Vec<Wanted<'_>> {
    let parts: Vec<_> = text.split('/').collect();
    match parts[..] {
        [group, version, word] => vec![Wanted {
            word,
            group: Some(group),
            version: Some(version),
        }],
        // `v1/Pod`, or `apps/Deployment` of somebody who left the version out.
        [version, word] if is_version(version) => vec![Wanted {
            word,
            group: Some(""),
            version: Some(version),
        }],
        // `widgets.example.com/v1`, as kinds are listed.
        [word, version] if is_version(version) => {
            let (word, group) = word.split_once('.').unwrap_or((word, ""));
            vec![Wanted {
                word,
                group: Some(group),
                version: Some(version),
            }]
        }
        [group, word] => vec![Wanted {
            word,
            group: Some(group),
            version: None,
        }],
        [text] => {
            let Some((word, rest)) = text.split_once('.') else {
                return vec![Wanted {
                    word: text,
                    group: None,
                    version: None,
                }];
            };
            let mut readings = vec![Wanted {
                word,
                group: Some(rest),
                version: None,
            }];
            let (version, group) = rest.split_once('.').unwrap_or((rest, ""));
            if is_version(version) {
                readings.insert(
                    0,
                    Wanted {
                        word,
                        group: Some(group),
                        version: Some(version),
                    },
                );
            }
            readings
        }
        _ => Vec::new(),
    }
}

/// `v1`, `v1beta2`.
fn is_version(text: &str) -> bool {
    text.strip_prefix('v')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests;
