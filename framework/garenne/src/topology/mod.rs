//! What a service has on the broker, as values: exchanges, queues, bindings, rights. Pure: nothing here
//! talks to a broker.
//!
//! A [`Blueprint`] says what a service hears, says, asks and answers. From it follow its [`Topology`]
//! (what the service declares when it starts), its rights, and its part of `definitions.json`.

mod blueprint;
mod definitions;
mod exchange;
mod fault;
mod foreign;
mod log;
mod queue;
mod rights;
mod shape;

pub(crate) use blueprint::{Blueprint, Heard};
pub(crate) use definitions::definitions;
pub(crate) use exchange::{Exchange, ExchangeKind};
pub use fault::Fault;
pub(crate) use foreign::{Entrance, Exit};
pub use log::Log;
pub(crate) use queue::{Argument, Queue, REQUEST_DELIVERY_LIMIT};
pub(crate) use shape::{Binding, Topology};

/// Names of a service's parts, in one place.
pub(crate) mod names {
    use std::time::Duration;

    pub(crate) fn events(owner: &str) -> String {
        format!("{owner}.events")
    }

    pub(crate) fn requests(owner: &str) -> String {
        format!("{owner}.requests")
    }

    /// Whether an exchange is some service's [`requests`].
    pub(crate) fn is_requests(exchange: &str) -> bool {
        exchange.strip_suffix(".requests").is_some_and(garenne_contract::is_kebab_case)
    }

    /// Whether an exchange belongs to some service, and only those may use a routing key there who may say what it names.
    pub(crate) fn is_an_owners(exchange: &str) -> bool {
        let named = |kind| exchange.strip_suffix(kind).is_some_and(garenne_contract::is_kebab_case);
        [".events", ".requests", ".devices"].into_iter().any(named)
    }

    pub(crate) fn retry(service: &str) -> String {
        format!("{service}.retry")
    }

    pub(crate) fn retry_step(service: &str, delay: Duration) -> String {
        format!("{service}.retry.{}", delay.as_millis())
    }

    /// `1000.inventory.orders.order-placed`: how long, and to which queue it comes back.
    pub(crate) fn retry_key(delay: Duration, queue: &str) -> String {
        format!("{}.{queue}", delay.as_millis())
    }

    pub(crate) fn redeliver(service: &str) -> String {
        format!("{service}.redeliver")
    }

    pub(crate) fn is_redeliver(exchange: &str, service: &str) -> bool {
        exchange.strip_suffix(".redeliver") == Some(service)
    }

    pub(crate) fn dead_letters(service: &str) -> String {
        format!("{service}.dlx")
    }

    pub(crate) fn dead_letter_queue(service: &str) -> String {
        format!("{service}.dlq")
    }

    pub(crate) fn replies(service: &str) -> String {
        format!("{service}.replies")
    }

    /// Whether an exchange is some service's [`replies`].
    pub(crate) fn is_replies(exchange: &str) -> bool {
        exchange.strip_suffix(".replies").is_some_and(garenne_contract::is_kebab_case)
    }

    /// Where devices publish what a service hears from them.
    pub(crate) fn devices(service: &str) -> String {
        format!("{service}.devices")
    }

    /// Whether an exchange is this service's [`devices`].
    pub(crate) fn is_devices(exchange: &str, service: &str) -> bool {
        exchange.strip_suffix(".devices") == Some(service)
    }

    pub(crate) fn reply_queue(service: &str, boot: &str) -> String {
        format!("{service}.reply.{boot}")
    }

    /// The queue of a log.
    pub(crate) fn log(name: &str) -> String {
        format!("{name}.log")
    }

    pub(crate) fn live_queue(service: &str, boot: &str) -> String {
        format!("{service}.live.{boot}")
    }

    /// What every service says about its own failures, in [`events`].
    pub(crate) fn delivery_retried(service: &str) -> String {
        format!("{service}.delivery-retried")
    }

    /// What every service says about its own failures, in [`events`].
    pub(crate) fn delivery_dead_lettered(service: &str) -> String {
        format!("{service}.delivery-dead-lettered")
    }
}
