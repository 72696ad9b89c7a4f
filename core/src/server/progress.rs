//! Progress of a call, told to the client while it runs.

use std::{sync::Arc, time::Duration};

use rmcp::{
    Peer, RoleServer,
    model::{ProgressNotificationParam, ProgressToken},
};
use tokio::sync::watch;

use crate::call::Progress;

/// At most one notification in this time: of several the last one counts.
const INTERVAL: Duration = Duration::from_millis(100);

/// Reports that nobody wants.
pub(super) struct NoProgress;

impl Progress for NoProgress {
    fn report(&self, _: f64, _: Option<f64>, _: &str) {}
}

#[derive(Clone)]
struct Report {
    done: f64,
    total: Option<f64>,
    message: String,
}

struct Reports(watch::Sender<Option<Report>>);

impl Progress for Reports {
    fn report(&self, done: f64, total: Option<f64>, message: &str) {
        self.0.send_replace(Some(Report {
            done,
            total,
            message: message.to_owned(),
        }));
    }
}

/// Where an operation reports to, and what sends it on: a future that is to be polled beside the call and never
/// ends, so that nothing is sent once the call has answered.
pub(super) fn channel(
    token: ProgressToken,
    peer: Peer<RoleServer>,
) -> (Arc<dyn Progress>, impl Future<Output = ()> + Send) {
    let (sender, mut receiver) = watch::channel(None::<Report>);
    let forward = async move {
        let mut last = f64::NEG_INFINITY;
        while receiver.changed().await.is_ok() {
            let report = receiver.borrow_and_update().clone();
            // The protocol wants it to grow.
            if let Some(report) = report.filter(|report| report.done > last) {
                last = report.done;
                let mut params = ProgressNotificationParam::new(token.clone(), report.done);
                params.total = report.total;
                params.message = Some(report.message).filter(|message| !message.is_empty());
                if peer.notify_progress(params).await.is_err() {
                    break;
                }
                tokio::time::sleep(INTERVAL).await;
            }
        }
        std::future::pending().await
    };
    (Arc::new(Reports(sender)), forward)
}
