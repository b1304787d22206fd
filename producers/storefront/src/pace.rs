//! How many orders pass, and how long one takes from the customer's click to the parcel.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::Duration;

use contracts::orders::OrderCancelled;
use contracts::shipping::ShipmentDispatched;
use contracts::storefront::CheckoutSubmitted;
use contracts::values::OrderId;
use garenne::Event;
use serde::Serialize;

/// The most unfinished orders whose start is remembered, oldest forgotten first.
const STARTS_LIMIT: usize = 100_000;
/// The most durations that one window keeps.
const DURATIONS_LIMIT: usize = 50_000;

/// Counts what passes until [`Meter::close`] ends the window.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    starts: HashMap<OrderId, u64>,
    by_age: VecDeque<OrderId>,
    submitted: u32,
    dispatched: u32,
    cancelled: u32,
    durations_ms: Vec<u64>,
}

impl Meter {
    /// Counts one event of an order, sent so many milliseconds after 1970.
    pub(crate) fn count(&mut self, order_id: OrderId, name: &str, sent_at: u64) {
        if name == CheckoutSubmitted::NAME.as_str() {
            self.submitted += 1;
            self.start(order_id, sent_at);
        } else if name == ShipmentDispatched::NAME.as_str() {
            self.dispatched += 1;
            self.end(order_id, sent_at);
        } else if name == OrderCancelled::NAME.as_str() {
            self.cancelled += 1;
            self.end(order_id, sent_at);
        }
    }

    /// Ends a window of this length and begins the next. `None` when nothing passed.
    pub(crate) fn close(&mut self, length: Duration) -> Option<Pace> {
        let per_second = |count: u32| f64::from(count) / length.as_secs_f64();
        self.durations_ms.sort_unstable();
        let pace = Pace {
            submitted: per_second(self.submitted),
            dispatched: per_second(self.dispatched),
            cancelled: per_second(self.cancelled),
            p50_ms: percentile(&self.durations_ms, 50),
            p95_ms: percentile(&self.durations_ms, 95),
            p99_ms: percentile(&self.durations_ms, 99),
        };
        let traffic = self.submitted + self.dispatched + self.cancelled > 0;
        (self.submitted, self.dispatched, self.cancelled) = (0, 0, 0);
        self.durations_ms.clear();
        traffic.then_some(pace)
    }

    fn start(&mut self, order_id: OrderId, sent_at: u64) {
        // Submitted twice is one order, and it began with the first.
        if let Entry::Vacant(start) = self.starts.entry(order_id) {
            start.insert(sent_at);
            self.by_age.push_back(order_id);
        }
        // What has ended leaves its place in the queue behind until the queue's head passes it.
        while self.by_age.len() > STARTS_LIMIT {
            if let Some(oldest) = self.by_age.pop_front() {
                self.starts.remove(&oldest);
            }
        }
    }

    fn end(&mut self, order_id: OrderId, sent_at: u64) {
        if let Some(start) = self.starts.remove(&order_id)
            && self.durations_ms.len() < DURATIONS_LIMIT
        {
            self.durations_ms.push(sent_at.saturating_sub(start));
        }
    }
}

/// What passed in one window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Pace {
    /// Checkouts per second.
    pub(crate) submitted: f64,
    /// Parcels per second.
    pub(crate) dispatched: f64,
    /// Cancelled orders per second.
    pub(crate) cancelled: f64,
    /// Milliseconds from the checkout to its end that half of the orders stayed below.
    pub(crate) p50_ms: Option<u64>,
    /// Milliseconds from the checkout to its end that 95 of 100 orders stayed below: the shop's own pace. Among the
    /// slowest five there are the customers whose card has to be tried again after 1 s and 5 s.
    pub(crate) p95_ms: Option<u64>,
    /// Milliseconds from the checkout to its end that 99 of 100 orders stayed below.
    pub(crate) p99_ms: Option<u64>,
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { submitted, dispatched, cancelled, .. } = self;
        write!(f, "orders {submitted:.1}/s, dispatched {dispatched:.1}/s, cancelled {cancelled:.1}/s")?;
        match (self.p50_ms, self.p95_ms, self.p99_ms) {
            (Some(p50), Some(p95), Some(p99)) => write!(f, ", end to end p50 {p50} ms, p95 {p95} ms, p99 {p99} ms"),
            _ => Ok(()),
        }
    }
}

/// The nearest-rank percentile of sorted values.
fn percentile(sorted: &[u64], percent: usize) -> Option<u64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(5);

    #[test]
    fn a_window_tells_rates_and_percentiles() {
        let mut meter = Meter::default();
        for n in 1..=100_u64 {
            let order_id = OrderId::new();
            meter.count(order_id, "storefront.checkout-submitted", 1_000);
            meter.count(order_id, "orders.order-placed", 1_000 + n);
            let end = if n <= 90 { "shipping.shipment-dispatched" } else { "orders.order-cancelled" };
            meter.count(order_id, end, 1_000 + n);
        }
        assert_eq!(
            meter.close(WINDOW).unwrap().to_string(),
            "orders 20.0/s, dispatched 18.0/s, cancelled 2.0/s, end to end p50 50 ms, p95 95 ms, p99 99 ms"
        );
        assert_eq!(meter.close(WINDOW), None);
    }

    #[test]
    fn an_order_that_began_before_anybody_listened_counts_without_a_duration() {
        let mut meter = Meter::default();
        meter.count(OrderId::new(), "shipping.shipment-dispatched", 1_000);
        assert_eq!(meter.close(WINDOW).unwrap().to_string(), "orders 0.0/s, dispatched 0.2/s, cancelled 0.0/s");
    }

    #[test]
    fn percentiles_of_few_values() {
        assert_eq!(percentile(&[], 50), None);
        assert_eq!(percentile(&[7], 50), Some(7));
        assert_eq!(percentile(&[7], 99), Some(7));
        assert_eq!(percentile(&[1, 2, 3, 4], 50), Some(2));
    }

    #[test]
    fn starts_are_bounded() {
        let mut meter = Meter::default();
        for _ in 0..STARTS_LIMIT + 10 {
            meter.count(OrderId::new(), "storefront.checkout-submitted", 1);
        }
        assert_eq!((meter.starts.len(), meter.by_age.len()), (STARTS_LIMIT, STARTS_LIMIT));
    }
}
