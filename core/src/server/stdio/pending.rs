//! Requests that are not answered yet.

use std::collections::HashMap;

use rmcp::model::RequestId;
use serde_json::Value;
use tokio::sync::watch;

/// Requests that are not answered yet, and the batches that they came in.
pub(super) struct Pending {
    requests: HashMap<RequestId, Option<u64>>,
    batches: HashMap<u64, Batch>,
    next_batch: u64,
    count: watch::Sender<usize>,
}

struct Batch {
    waiting: usize,
    answers: Vec<Value>,
}

/// What becomes of an answer to a request in a batch.
#[derive(Debug, PartialEq)]
pub(super) enum Answered {
    /// It waits for the others of its batch.
    Waits,
    /// It was the last of its batch.
    Batch(Vec<Value>),
}

impl Pending {
    pub(super) fn new() -> Self {
        Self {
            requests: HashMap::new(),
            batches: HashMap::new(),
            next_batch: 0,
            count: watch::Sender::new(0),
        }
    }

    /// How many there are, to be watched.
    pub(super) fn watch(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    pub(super) fn len(&self) -> usize {
        self.requests.len()
    }

    pub(super) fn contains(&self, id: &RequestId) -> bool {
        self.requests.contains_key(id)
    }

    pub(super) fn add(&mut self, id: RequestId, batch: Option<u64>) {
        self.requests.insert(id, batch);
        self.count.send_replace(self.requests.len());
    }

    /// A batch of `waiting` requests, with those answers that are known already.
    pub(super) fn add_batch(&mut self, waiting: usize, answers: Vec<Value>) -> u64 {
        let batch = self.next_batch;
        self.next_batch += 1;
        self.batches.insert(batch, Batch { waiting, answers });
        batch
    }

    /// The batch that a request came in.
    pub(super) fn batch_of(&self, id: &RequestId) -> Option<u64> {
        self.requests.get(id).copied().flatten()
    }

    /// Takes an answer to a request of a batch. The request itself stays pending until
    /// [`remove`](Self::remove), since its answer is not written yet.
    pub(super) fn answer(&mut self, batch: u64, answer: Value) -> Answered {
        self.answer_in(batch, Some(answer))
    }

    /// A request that was cancelled and will not be answered: its batch may be complete without it.
    pub(super) fn cancel(&mut self, id: &RequestId) -> Answered {
        let batch = self.batch_of(id);
        self.remove(id);
        batch.map_or(Answered::Waits, |batch| self.answer_in(batch, None))
    }

    pub(super) fn remove(&mut self, id: &RequestId) {
        self.requests.remove(id);
        self.count.send_replace(self.requests.len());
    }

    fn answer_in(&mut self, id: u64, answer: Option<Value>) -> Answered {
        let Some(batch) = self.batches.get_mut(&id) else {
            return Answered::Waits;
        };
        batch.waiting = batch.waiting.saturating_sub(1);
        batch.answers.extend(answer);
        if batch.waiting > 0 {
            return Answered::Waits;
        }
        match self.batches.remove(&id) {
            // All of it was cancelled: there is nothing to say.
            Some(batch) if !batch.answers.is_empty() => Answered::Batch(batch.answers),
            _ => Answered::Waits,
        }
    }
}
