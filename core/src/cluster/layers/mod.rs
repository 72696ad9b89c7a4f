//! What every request passes on its way to a cluster, outermost first: [`trace`] says what was asked and how it
//! went, [`guard`] refuses what may not be asked, [`retry`] repeats what may be repeated, [`limit`] holds back
//! what would be too much at once.

pub(super) mod guard;
pub(super) mod limit;
pub(super) mod request;
pub(super) mod retry;
pub(super) mod trace;
