//! The journeys of the latest orders. Bounded: the oldest order is forgotten first.

use std::collections::{HashMap, VecDeque};

use contracts::values::OrderId;
use serde_json::Value;

use crate::detail;
use crate::journey::{Journey, Kind, Step};

/// The most orders that are remembered.
const ORDERS_LIMIT: usize = 2_000;
/// The most conversations that are remembered of one order: submitting it again begins another.
const CONVERSATIONS_LIMIT: usize = 4;
/// The most message ids that are remembered of one order, to see a redelivery as one.
const MESSAGE_IDS_LIMIT: usize = 128;

/// One message as it was overheard.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// The message's name, `orders.order-placed`.
    pub name: String,
    /// The message's own id.
    pub message_id: Option<String>,
    /// The id of the conversation it belongs to.
    pub correlation_id: Option<String>,
    /// When it was sent, in milliseconds since 1970.
    pub sent_at: u64,
    /// What it says.
    pub body: Value,
}

/// The journeys of the latest [`ORDERS_LIMIT`] orders.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    orders: HashMap<OrderId, Remembered>,
    by_age: VecDeque<OrderId>,
    by_conversation: HashMap<String, OrderId>,
}

#[derive(Debug, Default)]
struct Remembered {
    journey: Journey,
    conversations: Vec<String>,
    message_ids: Vec<String>,
}

impl Memory {
    /// Adds what was said to the journey of its order, which is returned. `None` when it belongs to no
    /// order that is known, or was heard before.
    pub(crate) fn hear(&mut self, said: Said) -> Option<OrderId> {
        let (order_id, kind, detail) = self.understand(&said)?;
        let remembered = self.remember(order_id);
        if let Some(message_id) = said.message_id {
            if remembered.message_ids.contains(&message_id) {
                return None;
            }
            if remembered.message_ids.len() < MESSAGE_IDS_LIMIT {
                remembered.message_ids.push(message_id);
            }
        }
        let service = said.name.split('.').next().unwrap_or_default().to_owned();
        let stage = remembered.journey.stage();
        remembered.journey.add(Step { at: said.sent_at, after_ms: 0, service, name: said.name, kind, detail, stage });
        let new_conversation = said.correlation_id.filter(|id| {
            remembered.conversations.len() < CONVERSATIONS_LIMIT && !remembered.conversations.contains(id)
        });
        if let Some(id) = new_conversation {
            remembered.conversations.push(id.clone());
            self.by_conversation.insert(id, order_id);
        }
        Some(order_id)
    }

    /// The journey of one order, when it is remembered.
    #[must_use]
    pub(crate) fn journey(&self, order_id: OrderId) -> Option<&Journey> {
        self.orders.get(&order_id).map(|remembered| &remembered.journey)
    }

    /// The orders that are remembered, the newest first.
    pub(crate) fn newest(&self) -> impl Iterator<Item = OrderId> {
        self.by_age.iter().rev().copied()
    }

    /// Events of the shop name their order; what a service says about a delivery is told by its conversation.
    fn understand(&self, said: &Said) -> Option<(OrderId, Kind, String)> {
        let text = |field: &str| said.body.get(field).and_then(Value::as_str);
        let number = |field: &str| said.body.get(field).and_then(Value::as_u64);
        let about = || text("message").unwrap_or_default().to_owned();
        let kind = match said.name.split_once('.')?.1 {
            "delivery-retried" => Kind::Retried {
                about: about(),
                attempt: number("attempt").and_then(|attempt| attempt.try_into().ok()).unwrap_or(1),
                retry_in_ms: number("retry_in_ms").unwrap_or_default(),
            },
            "delivery-dead-lettered" => {
                Kind::DeadLettered { about: about(), reason: text("reason").unwrap_or_default().to_owned() }
            }
            _ => {
                let order_id = text("order_id")?.parse().ok()?;
                return Some((order_id, Kind::Event, detail::of_event(&said.name, &said.body)));
            }
        };
        let order_id = *self.by_conversation.get(said.correlation_id.as_deref()?)?;
        Some((order_id, kind, detail::cut(text("error").unwrap_or_default())))
    }

    fn remember(&mut self, order_id: OrderId) -> &mut Remembered {
        if !self.orders.contains_key(&order_id) {
            if self.by_age.len() == ORDERS_LIMIT {
                self.forget_oldest();
            }
            self.by_age.push_back(order_id);
        }
        self.orders.entry(order_id).or_default()
    }

    fn forget_oldest(&mut self) {
        let forgotten = self.by_age.pop_front().and_then(|order_id| self.orders.remove(&order_id));
        for conversation in forgotten.into_iter().flat_map(|remembered| remembered.conversations) {
            self.by_conversation.remove(&conversation);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::journey::Stage;

    fn said(name: &str, conversation: &str, body: Value) -> Said {
        let (name, correlation_id) = (name.to_owned(), Some(conversation.to_owned()));
        Said { name, message_id: None, correlation_id, sent_at: 1000, body }
    }

    fn placed(order_id: OrderId) -> Said {
        said("orders.order-placed", &format!("talk-{order_id}"), json!({"order_id": order_id}))
    }

    #[test]
    fn a_failed_delivery_is_told_by_its_conversation() {
        let (mut memory, order_id) = (Memory::default(), OrderId::new());
        memory.hear(placed(order_id));
        let talk = format!("talk-{order_id}");
        let body = json!({"message": "orders.order-placed", "attempt": 2, "retry_in_ms": 5000, "error": "locked"});
        assert_eq!(memory.hear(said("inventory.delivery-retried", &talk, body)), Some(order_id));
        let body =
            json!({"message": "orders.order-placed", "attempt": 3, "reason": "attempts-used-up", "error": "locked"});
        assert_eq!(memory.hear(said("inventory.delivery-dead-lettered", &talk, body)), Some(order_id));
        let journey = memory.journey(order_id).unwrap();
        let retried = Kind::Retried { about: "orders.order-placed".into(), attempt: 2, retry_in_ms: 5000 };
        assert_eq!((&journey.steps()[1].kind, journey.steps()[1].detail.as_str()), (&retried, "locked"));
        assert_eq!(journey.steps()[2].service, "inventory");
        assert_eq!(journey.stage(), Stage::DeadLettered);
    }

    #[test]
    fn what_belongs_to_no_order_is_not_remembered() {
        let mut memory = Memory::default();
        for (name, body) in [
            ("inventory.delivery-retried", json!({"message": "orders.order-placed", "attempt": 1})),
            ("orders.order-placed", json!({"order_id": "seven"})),
            ("orders.order-placed", json!(["order_id"])),
            ("no-name", json!({"order_id": OrderId::new()})),
        ] {
            assert_eq!(memory.hear(said(name, "talk", body)), None, "{name}");
        }
        assert_eq!(memory.newest().count(), 0);
    }

    #[test]
    fn a_redelivery_is_one_step() {
        let (mut memory, order_id) = (Memory::default(), OrderId::new());
        let twice = Said { message_id: Some("m-1".into()), ..placed(order_id) };
        assert_eq!(memory.hear(twice.clone()), Some(order_id));
        assert_eq!(memory.hear(twice), None);
        assert_eq!(memory.journey(order_id).unwrap().steps().len(), 1);
    }

    #[test]
    fn the_oldest_order_and_its_conversation_are_forgotten_first() {
        let mut memory = Memory::default();
        let orders: Vec<_> = (0..=ORDERS_LIMIT).map(|_| OrderId::new()).collect();
        for order_id in &orders {
            memory.hear(placed(*order_id));
        }
        assert!(memory.journey(orders[0]).is_none());
        assert!(memory.journey(orders[1]).is_some());
        assert_eq!(memory.newest().next(), orders.last().copied());
        assert_eq!(memory.by_conversation.len(), ORDERS_LIMIT);
        assert_eq!(memory.by_age.len(), memory.orders.len());
    }
}
