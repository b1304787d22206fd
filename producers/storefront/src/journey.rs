//! The way of one order through the services: what was said about it, when and by whom.

use contracts::inventory::StockReserved;
use contracts::orders::{OrderCancelled, OrderConfirmed, OrderPlaced};
use contracts::shipping::ShipmentDispatched;
use garenne::Event;
use serde::Serialize;

/// The most steps that are remembered of one order; a healthy one has about eight.
const STEPS_LIMIT: usize = 64;

/// One thing that was said about an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Step {
    /// When it was said, in milliseconds since 1970.
    pub(crate) at: u64,
    /// Milliseconds since the first thing that was said about the order.
    pub(crate) after_ms: u64,
    /// The service that said it.
    pub(crate) service: String,
    /// The message's name, `orders.order-placed`.
    pub(crate) name: String,
    /// What kind of thing.
    #[serde(flatten)]
    pub(crate) kind: Kind,
    /// The gist, for people.
    pub(crate) detail: String,
    /// How far the order had come with it.
    pub(crate) stage: Stage,
}

/// What kind of thing was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// Something happened in the shop.
    Event,
    /// A service failed at a message and will try again.
    Retried {
        /// The message it failed at.
        about: String,
        /// The attempt that failed, from 1.
        attempt: u32,
        /// Milliseconds until the next one.
        retry_in_ms: u64,
    },
    /// A service gave a message up; it waits in the dead-letter queue for a person.
    DeadLettered {
        /// The message it gave up.
        about: String,
        /// Why, in the library's word.
        reason: String,
    },
}

/// How far an order has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Stage {
    /// The customer pressed "buy".
    Submitted,
    /// Stored; stock is being reserved.
    Placed,
    /// Stock is reserved; the money is being captured.
    Reserved,
    /// Paid; the parcel is being packed.
    Confirmed,
    /// A message of it was given up and waits for a person. Not an end: it may be sent again.
    DeadLettered,
    /// The parcel left. An end.
    Dispatched,
    /// Came to nothing. An end.
    Cancelled,
}

impl Stage {
    /// Whether nothing more is to come.
    #[must_use]
    pub(crate) fn is_end(self) -> bool {
        matches!(self, Self::Dispatched | Self::Cancelled)
    }

    /// Where an order stands after one more thing was said. An end stays one.
    #[must_use]
    fn after(self, step: &Step) -> Self {
        if self.is_end() {
            return self;
        }
        match (&step.kind, step.name.as_str()) {
            (Kind::DeadLettered { .. }, _) => Self::DeadLettered,
            (Kind::Event, name) if name == OrderPlaced::NAME.as_str() => Self::Placed,
            (Kind::Event, name) if name == StockReserved::NAME.as_str() => Self::Reserved,
            (Kind::Event, name) if name == OrderConfirmed::NAME.as_str() => Self::Confirmed,
            (Kind::Event, name) if name == ShipmentDispatched::NAME.as_str() => Self::Dispatched,
            (Kind::Event, name) if name == OrderCancelled::NAME.as_str() => Self::Cancelled,
            _ => self,
        }
    }
}

/// Everything that was said about one order, in the order of arrival.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Journey {
    steps: Vec<Step>,
    stage: Stage,
}

impl Default for Journey {
    fn default() -> Self {
        Self { steps: Vec::new(), stage: Stage::Submitted }
    }
}

impl Journey {
    /// Adds one step; its `after_ms` and its `stage` follow from the steps before. Beyond [`STEPS_LIMIT`] only the stage follows.
    pub(crate) fn add(&mut self, mut step: Step) {
        self.stage = self.stage.after(&step);
        step.stage = self.stage;
        if self.steps.len() < STEPS_LIMIT {
            // Clocks of two machines may disagree; a step never comes before the first.
            step.after_ms = self.steps.first().map_or(0, |first| step.at.saturating_sub(first.at));
            self.steps.push(step);
        }
    }

    /// What was said.
    #[must_use]
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// How far it has come.
    #[must_use]
    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str, at: u64) -> Step {
        let service = name.split('.').next().unwrap_or_default().to_owned();
        Step {
            at,
            after_ms: 0,
            service,
            name: name.to_owned(),
            kind: Kind::Event,
            detail: String::new(),
            stage: Stage::Submitted,
        }
    }

    fn journey(names: &[&str]) -> Journey {
        let mut journey = Journey::default();
        for (name, at) in names.iter().zip(1000..) {
            journey.add(step(name, at));
        }
        journey
    }

    #[test]
    fn the_stage_follows_what_is_said() {
        let mut names = vec!["storefront.checkout-submitted"];
        assert_eq!(journey(&names).stage(), Stage::Submitted);
        for (name, stage) in [
            ("orders.order-placed", Stage::Placed),
            ("inventory.stock-reserved", Stage::Reserved),
            ("payments.payment-captured", Stage::Reserved),
            ("orders.order-confirmed", Stage::Confirmed),
            ("shipping.shipment-dispatched", Stage::Dispatched),
        ] {
            names.push(name);
            assert_eq!(journey(&names).stage(), stage, "{name}");
        }
    }

    #[test]
    fn an_end_stays_one() {
        let ended = journey(&["orders.order-placed", "orders.order-cancelled", "inventory.stock-reserved"]);
        assert_eq!(ended.stage(), Stage::Cancelled);
    }

    #[test]
    fn a_dead_letter_stops_an_order_until_it_is_sent_again() {
        let mut stuck = journey(&["orders.order-placed", "inventory.stock-reserved"]);
        let kind = Kind::DeadLettered { about: "inventory.stock-reserved".into(), reason: "attempts-used-up".into() };
        stuck.add(Step { kind, ..step("payments.delivery-dead-lettered", 2000) });
        assert_eq!(stuck.stage(), Stage::DeadLettered);
        stuck.add(step("orders.order-confirmed", 3000));
        assert_eq!(stuck.stage(), Stage::Confirmed);
    }

    #[test]
    fn time_counts_from_the_first_step_and_never_backwards() {
        let mut journey = Journey::default();
        for at in [1000, 1041, 990] {
            journey.add(step("orders.order-placed", at));
        }
        let after: Vec<_> = journey.steps().iter().map(|step| step.after_ms).collect();
        assert_eq!(after, [0, 41, 0]);
    }

    #[test]
    fn steps_are_bounded_and_the_stage_is_not_lost() {
        let mut names = vec!["inventory.stock-reserved"; STEPS_LIMIT + 5];
        names.push("shipping.shipment-dispatched");
        let journey = journey(&names);
        assert_eq!(journey.steps().len(), STEPS_LIMIT);
        assert_eq!(journey.stage(), Stage::Dispatched);
    }

    #[test]
    fn a_step_on_the_wire_is_flat() {
        let kind = Kind::Retried { about: "inventory.stock-reserved".into(), attempt: 1, retry_in_ms: 1000 };
        let json = serde_json::to_value(Step { kind, ..step("payments.delivery-retried", 5) }).unwrap();
        assert_eq!(json["kind"], "retried");
        assert_eq!(json["attempt"], 1);
    }
}
