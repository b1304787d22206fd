//! When a failed delivery is tried again, and when it is given up. Pure: no broker, no clock.

mod ladder;
mod verdict;

pub use ladder::{Ladder, LadderFault};
pub(crate) use verdict::{Outcome, Reason, Settlement, verdict};
