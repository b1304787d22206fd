//! A few orders out of many, each shown long enough for the eye.

use contracts::values::OrderId;
use serde::Serialize;

use crate::journey::{Journey, Kind, Stage};
use crate::memory::Memory;

/// Orders that are shown at a time.
const SLOTS: usize = 12;
/// Looks for which an order stays after its end.
const LOOKS_AFTER_END: u32 = 4;
/// Looks after which an order that does not move makes room.
const LOOKS_AT_MOST: u32 = 40;

/// Which orders one viewer is shown. At a hundred orders a second the newest twelve would be a blur, so an
/// order keeps its place until it has ended and been seen.
#[derive(Debug, Default)]
pub(crate) struct Strip {
    slots: Vec<Slot>,
}

#[derive(Debug)]
struct Slot {
    order_id: OrderId,
    looks: u32,
    looks_after_end: u32,
}

/// One order as the strip shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Glance {
    /// The order.
    pub(crate) order_id: OrderId,
    /// How far it has come.
    pub(crate) stage: Stage,
    /// What it is about: the gist of its first step.
    pub(crate) gist: String,
    /// Milliseconds from its first step to its latest.
    pub(crate) after_ms: u64,
    /// The services that have spoken, each once, with the last kind of thing they said.
    pub(crate) trail: Vec<Mark>,
}

/// A service that has spoken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Mark {
    /// The service.
    pub(crate) service: String,
    /// What it said last.
    #[serde(flatten)]
    pub(crate) kind: Kind,
}

impl Strip {
    /// Looks once: lets go of what has been seen, takes the newest orders into the free places.
    pub(crate) fn look(&mut self, memory: &Memory) -> Vec<Glance> {
        for slot in &mut self.slots {
            slot.looks += 1;
            if memory.journey(slot.order_id).is_none_or(|journey| journey.stage().is_end()) {
                slot.looks_after_end += 1;
            }
        }
        let mut newcomers: Vec<_> =
            memory.newest().take(SLOTS).filter(|id| self.slots.iter().all(|slot| slot.order_id != *id)).collect();
        newcomers.reverse();
        for order_id in newcomers {
            let slot = Slot { order_id, looks: 0, looks_after_end: 0 };
            if self.slots.len() < SLOTS {
                self.slots.push(slot);
            } else if let Some(seen) = self.slots.iter_mut().find(|slot| slot.was_seen()) {
                *seen = slot;
            }
        }
        self.slots.iter().filter_map(|slot| Some(glance(slot.order_id, memory.journey(slot.order_id)?))).collect()
    }
}

impl Slot {
    fn was_seen(&self) -> bool {
        self.looks_after_end >= LOOKS_AFTER_END || self.looks >= LOOKS_AT_MOST
    }
}

fn glance(order_id: OrderId, journey: &Journey) -> Glance {
    let mut trail: Vec<Mark> = Vec::new();
    for step in journey.steps() {
        match trail.iter_mut().find(|mark| mark.service == step.service) {
            Some(mark) => mark.kind = step.kind.clone(),
            None => trail.push(Mark { service: step.service.clone(), kind: step.kind.clone() }),
        }
    }
    Glance {
        order_id,
        stage: journey.stage(),
        gist: journey.steps().first().map(|step| step.detail.clone()).unwrap_or_default(),
        after_ms: journey.steps().last().map_or(0, |step| step.after_ms),
        trail,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::memory::Said;

    fn hear(memory: &mut Memory, order_id: OrderId, name: &str) {
        let body = json!({"order_id": order_id});
        memory.hear(Said { name: name.into(), message_id: None, correlation_id: None, sent_at: 1000, body });
    }

    fn orders(memory: &mut Memory, count: usize) -> Vec<OrderId> {
        let orders: Vec<_> = (0..count).map(|_| OrderId::new()).collect();
        orders.iter().for_each(|order_id| hear(memory, *order_id, "orders.order-placed"));
        orders
    }

    fn shown(glances: &[Glance]) -> Vec<OrderId> {
        glances.iter().map(|glance| glance.order_id).collect()
    }

    #[test]
    fn an_order_keeps_its_place_until_it_has_ended_and_been_seen() {
        let (mut memory, mut strip) = (Memory::default(), Strip::default());
        let first = orders(&mut memory, SLOTS);
        assert_eq!(shown(&strip.look(&memory)), first);
        orders(&mut memory, SLOTS);
        assert_eq!(shown(&strip.look(&memory)), first);

        hear(&mut memory, first[3], "shipping.shipment-dispatched");
        for _ in 1..LOOKS_AFTER_END {
            assert_eq!(shown(&strip.look(&memory)), first);
        }
        let now = shown(&strip.look(&memory));
        assert_ne!(now[3], first[3]);
        assert_eq!((&now[..3], &now[4..]), (&first[..3], &first[4..]));
    }

    #[test]
    fn an_order_that_does_not_move_makes_room_for_another() {
        let (mut memory, mut strip) = (Memory::default(), Strip::default());
        let first = orders(&mut memory, SLOTS);
        for _ in 0..LOOKS_AT_MOST {
            assert_eq!(shown(&strip.look(&memory)), first);
        }
        orders(&mut memory, 1);
        assert_ne!(shown(&strip.look(&memory)), first);
    }

    #[test]
    fn a_glance_tells_who_has_spoken() {
        let (mut memory, mut strip, order_id) = (Memory::default(), Strip::default(), OrderId::new());
        for name in ["storefront.checkout-submitted", "orders.order-placed", "orders.order-confirmed"] {
            hear(&mut memory, order_id, name);
        }
        let glances = strip.look(&memory);
        let services: Vec<_> = glances[0].trail.iter().map(|mark| mark.service.as_str()).collect();
        assert_eq!(services, ["storefront", "orders"]);
        assert_eq!(glances[0].stage, Stage::Confirmed);
    }
}
