//! A delivery as whoever reads it shall see it, be it a handler, the live feed or the reader of a log.

use super::unfit::unfit;
use super::{Failure, cloud_event};
use crate::broker::Inbound;

/// What a delivery holds when its event is taken out of what stands around it: nothing when nothing does. An error when nobody gets
/// to see it.
pub(super) fn plain(inbound: &Inbound) -> Result<Option<Inbound>, Failure> {
    match unfit(inbound) {
        Some(failure) => Err(failure),
        None => cloud_event::open(inbound).transpose(),
    }
}

/// The same for readers who take whatever comes: the event in plain with what its attributes say about it, or the delivery as it is
/// and why it cannot be read.
pub(crate) fn read_plainly(inbound: Inbound) -> (Inbound, Option<Failure>) {
    let (inbound, failure) = match plain(&inbound) {
        Ok(opened) => (opened.unwrap_or(inbound), None),
        Err(failure) => (inbound, Some(failure)),
    };
    let properties = cloud_event::filled(inbound.properties);
    (Inbound { properties, ..inbound }, failure)
}
