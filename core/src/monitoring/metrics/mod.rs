//! What pods and nodes use, and what that is measured against.
//!
//! [`Sample`] reads an object of the metrics API, [`Claims`] the requests and limits of a container; both count in
//! [`Amounts`]. They are read from objects and ask for nothing: what is listed, and how far, is an operation's.

mod amounts;
mod claims;
mod sample;

pub use amounts::{Amounts, Measure};
pub use claims::{Claim, Claims, claims_of_pod, containers};
pub use sample::Sample;
