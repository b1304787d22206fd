//! The parts of a run, and how long the way of the orders was that were placed in each.

use std::time::{Duration, Instant};

use tests::Heard;

use crate::load::Ledger;

/// What is said last of an order that goes well.
const END: &str = "shipping.shipment-dispatched";

/// A part of the run.
#[derive(Debug)]
pub(crate) struct Phase {
    pub(crate) name: &'static str,
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
}

/// How long it took from the customer's request to the parcel.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ways {
    sorted: Vec<Duration>,
}

impl Phase {
    /// The ways of the orders that were placed in it and have come to their end.
    pub(crate) fn ways(&self, ledger: &Ledger, heard: &Heard) -> Ways {
        let within = ledger.orders.iter().filter(|(_, placed)| (self.began..self.ended).contains(&placed.at));
        let way = |(id, placed): (&String, &crate::load::Placed)| {
            let arrived = heard.first.get(&(id.clone(), END.to_owned()))?;
            Some(arrived.saturating_duration_since(placed.at))
        };
        Ways::of(within.filter_map(way).collect())
    }
}

impl Ways {
    fn of(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self { sorted: all }
    }

    pub(crate) fn count(&self) -> usize {
        self.sorted.len()
    }

    /// The time within which so many of a hundred orders have come to their end.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let place = (self.sorted.len() * percent).div_ceil(100).max(1) - 1;
        self.sorted.get(place).copied().unwrap_or_default()
    }
}
