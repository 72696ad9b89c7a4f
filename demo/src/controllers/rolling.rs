//! The arithmetic of rolling updates: how large which ReplicaSet is to be next.

use std::{cmp::Reverse, sync::Arc};

use serde_json::{Value, json};

use super::work::{annotation, share};
use crate::api::object::{Meta as _, Object};

/// At a ReplicaSet: the pods that its Deployment wanted, and the most that it could have, when the set was sized.
pub(super) const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
pub(super) const MAX: &str = "deployment.kubernetes.io/max-replicas";

/// How many pods are wanted, how many more there may be, and how many of them may be missing.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) wanted: i64,
    pub(super) most: i64,
    pub(super) least: i64,
}

impl Bounds {
    /// Those of a Deployment.
    pub(super) fn of(spec: &Value) -> Self {
        let wanted = spec.number("/replicas").unwrap_or(1);
        if spec["strategy"]["type"] == "Recreate" {
            return Self {
                wanted,
                most: wanted,
                least: wanted,
            };
        }
        let usual = json!("25%");
        let rolling = &spec["strategy"]["rollingUpdate"];
        let bound = |name, up| share(rolling.get(name).unwrap_or(&usual), wanted, up);
        let (surge, missing) = (bound("maxSurge", true), bound("maxUnavailable", false));
        // Something must give way.
        let missing = if surge + missing == 0 { 1 } else { missing };
        let least = wanted - missing.min(wanted);
        let most = wanted + surge;
        Self { wanted, most, least }
    }

    /// How large the new ReplicaSet may be next to the old ones.
    pub(super) fn growth(&self, size: i64, old: i64) -> i64 {
        if size > self.wanted {
            self.wanted
        } else {
            size + (self.most - old - size).min(self.wanted - size).max(0)
        }
    }

    /// How large the old ReplicaSets may be beside the new one: first they lose what is of no use anyway, then as much
    /// of the rest as may be missed.
    pub(super) fn shrunk(&self, new: &Arc<Object>, old: &[Arc<Object>]) -> Vec<i64> {
        let mut sizes: Vec<i64> = old.iter().map(size).collect();
        let mut useless = sizes.iter().sum::<i64>() + available(new) - self.least;
        if useless <= 0 {
            return sizes;
        }
        let mut spare = (available(new) + old.iter().map(available).sum::<i64>() - self.least).max(0);
        for (set, size) in old.iter().zip(&mut sizes) {
            let cut = useless.min(*size - available(set)).max(0);
            (*size, useless) = (*size - cut, useless - cut);
        }
        for size in &mut sizes {
            let cut = spare.min(*size);
            (*size, spare) = (*size - cut, spare - cut);
        }
        sizes
    }

    /// How large ReplicaSets are when another number of pods is spread over them, by their sizes.
    pub(super) fn spread(&self, mut sets: Vec<&Arc<Object>>) -> Vec<(Arc<Object>, i64)> {
        let most = if self.wanted > 0 { self.most } else { 0 };
        let mut left = most - sets.iter().map(|set| size(set)).sum::<i64>();
        let grows = left > 0;
        // What cannot be divided goes to the largest: of two the newer gets it, the older loses it.
        sets.sort_by_key(|set| Reverse(size(set)));
        if grows {
            sets.reverse();
            sets.sort_by_key(|set| Reverse(size(set)));
        }
        let part = |set: &Arc<Object>| {
            let (size, before) = (size(set), annotation(set, MAX).parse().unwrap_or(most).max(1));
            let part = (2 * size * most + before).div_euclid(2 * before) - size;
            let part = if grows {
                part.clamp(0, left)
            } else {
                part.clamp(left, 0)
            };
            left -= part;
            size + part
        };
        let mut sizes: Vec<i64> = sets.iter().copied().map(part).collect();
        sizes[0] = (sizes[0] + left).max(0);
        sets.into_iter().cloned().zip(sizes).collect()
    }
}

/// The size that a ReplicaSet is meant to have.
pub(super) fn size(set: &Arc<Object>) -> i64 {
    set.number("/spec/replicas").unwrap_or(1)
}

/// How many of its pods are available.
pub(super) fn available(set: &Arc<Object>) -> i64 {
    set.number("/status/availableReplicas").unwrap_or(0)
}
