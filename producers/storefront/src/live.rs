//! What the storefront has overheard, shared by the handler that listens and the pages that watch.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use contracts::values::OrderId;
use serde::Serialize;
use tokio::sync::Notify;

use crate::journey::{Kind, Step};
use crate::memory::{Memory, Said};
use crate::pace::{Meter, Pace};
use crate::strip::{Glance, Strip};

/// The live feed's memory. No lock is held across an await, and none for longer than a look.
#[derive(Debug, Default)]
pub struct Live {
    overheard: Mutex<Overheard>,
}

#[derive(Debug, Default)]
struct Overheard {
    memory: Memory,
    meter: Meter,
    tally: Tally,
    pace: Option<Pace>,
    watchers: HashMap<OrderId, Vec<Weak<Notify>>>,
}

/// What was said since the start: counters that only grow.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    /// Events by the service that said them.
    pub(crate) said: BTreeMap<String, u64>,
    /// Deliveries that failed and are tried again.
    pub(crate) retried: u64,
    /// Deliveries that were given up.
    pub(crate) dead_lettered: u64,
}

/// The whole shop at a glance.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Overview {
    /// What was said since the start.
    #[serde(flatten)]
    pub(crate) tally: Tally,
    /// The last window that had traffic.
    pub(crate) pace: Option<Pace>,
    /// A few orders.
    pub(crate) orders: Vec<Glance>,
}

impl Live {
    /// Takes in one message that was overheard and wakes whoever watches its order.
    pub fn hear(&self, said: Said) {
        let (name, sent_at) = (said.name.clone(), said.sent_at);
        let mut overheard = self.lock();
        let Some(order_id) = overheard.memory.hear(said) else { return };
        overheard.meter.count(order_id, &name, sent_at);
        overheard.count(order_id);
        for watcher in overheard.watchers.get(&order_id).into_iter().flatten().filter_map(Weak::upgrade) {
            watcher.notify_one();
        }
    }

    /// A bell that rings whenever something is said about one of these orders, until it is dropped.
    pub(crate) fn watch(&self, order_ids: &[OrderId]) -> Arc<Notify> {
        let bell = Arc::new(Notify::new());
        let mut overheard = self.lock();
        overheard.watchers.retain(|_, watchers| {
            watchers.retain(|watcher| watcher.strong_count() > 0);
            !watchers.is_empty()
        });
        for order_id in order_ids {
            overheard.watchers.entry(*order_id).or_default().push(Arc::downgrade(&bell));
        }
        bell
    }

    /// What was said about an order after its first `known` steps.
    #[must_use]
    pub(crate) fn news(&self, order_id: OrderId, known: usize) -> Vec<Step> {
        let overheard = self.lock();
        let steps = overheard.memory.journey(order_id).and_then(|journey| journey.steps().get(known..));
        steps.unwrap_or_default().to_vec()
    }

    /// The whole shop, with the orders that this viewer's strip shows.
    #[must_use]
    pub(crate) fn overview(&self, strip: &mut Strip) -> Overview {
        let overheard = self.lock();
        Overview { tally: overheard.tally.clone(), pace: overheard.pace, orders: strip.look(&overheard.memory) }
    }

    /// Ends a window of this length; `None` when nothing passed in it.
    pub(crate) fn close_window(&self, length: Duration) -> Option<Pace> {
        let mut overheard = self.lock();
        overheard.pace = overheard.meter.close(length);
        overheard.pace
    }

    fn lock(&self) -> MutexGuard<'_, Overheard> {
        // A panic while it was held leaves a page with a gap, which is better than no page.
        self.overheard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Overheard {
    fn count(&mut self, order_id: OrderId) {
        let Some(step) = self.memory.journey(order_id).and_then(|journey| journey.steps().last()) else { return };
        match step.kind {
            Kind::Event => match self.tally.said.get_mut(&step.service) {
                Some(count) => *count += 1,
                None => {
                    self.tally.said.insert(step.service.clone(), 1);
                }
            },
            Kind::Retried { .. } => self.tally.retried += 1,
            Kind::DeadLettered { .. } => self.tally.dead_lettered += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::time::timeout;

    use super::*;
    use crate::journey::Stage;

    fn said(order_id: OrderId, name: &str) -> Said {
        let body = json!({"order_id": order_id});
        Said { name: name.into(), message_id: None, correlation_id: None, sent_at: 1000, body }
    }

    #[tokio::test]
    async fn the_bell_of_an_order_rings_and_no_other() {
        let live = Live::default();
        let (mine, other) = (OrderId::new(), OrderId::new());
        let (my_bell, other_bell) = (live.watch(&[mine]), live.watch(&[other]));
        live.hear(said(mine, "orders.order-placed"));
        timeout(Duration::from_secs(5), my_bell.notified()).await.expect("rings");
        assert_eq!(futures_util::FutureExt::now_or_never(other_bell.notified()), None);
    }

    #[test]
    fn news_are_what_is_not_known_yet() {
        let (live, order_id) = (Live::default(), OrderId::new());
        assert_eq!(live.news(order_id, 0), []);
        live.hear(said(order_id, "storefront.checkout-submitted"));
        live.hear(said(order_id, "orders.order-placed"));
        let news = live.news(order_id, 1);
        assert_eq!((news.len(), news[0].stage), (1, Stage::Placed));
        assert_eq!(live.news(order_id, 2), []);
        assert_eq!(live.news(order_id, 9), []);
    }

    #[test]
    fn an_overview_counts_who_said_how_much() {
        let (live, order_id) = (Live::default(), OrderId::new());
        live.hear(said(order_id, "orders.order-placed"));
        live.hear(said(order_id, "orders.order-confirmed"));
        let overview = live.overview(&mut Strip::default());
        assert_eq!(overview.tally.said, BTreeMap::from([("orders".to_owned(), 2)]));
        assert_eq!(overview.orders.len(), 1);
    }

    #[test]
    fn a_bell_that_nobody_holds_is_forgotten() {
        let live = Live::default();
        drop(live.watch(&[OrderId::new()]));
        let _held = live.watch(&[OrderId::new()]);
        assert_eq!(live.lock().watchers.len(), 1);
    }
}
