//! What a service hears, says, asks and answers.

use std::collections::{BTreeMap, BTreeSet};

use garenne_contract::{MessageName, RESERVED_WORDS, is_kebab_case};

use super::{Binding, Entrance, Exchange, ExchangeKind, Exit, Fault, Log, Queue, Topology, names};
use crate::retry::Ladder;

/// The longest name of a service, in bytes: queue names must fit into 255 with everything around it.
const SERVICE_NAME_LIMIT: usize = 40;
const QUEUE_NAME_LIMIT: usize = 100;

/// Everything that the broker has to know about a service.
#[derive(Debug, Clone, Default)]
pub(crate) struct Blueprint {
    pub(crate) service: String,
    /// Names that queues were given with `Options::queue`.
    pub(crate) queue_names: BTreeSet<String>,
    /// By queue: what arrives there.
    pub(crate) queues: BTreeMap<String, BTreeSet<Heard>>,
    /// By queue: how foreign clients write to it. Each is among `queues` too.
    pub(crate) entrances: BTreeMap<String, Entrance>,
    /// By message: where it goes if not to an exchange of its owner.
    pub(crate) exits: BTreeMap<MessageName, Exit>,
    pub(crate) publishes: BTreeSet<MessageName>,
    pub(crate) asks: BTreeSet<MessageName>,
    /// Owners whose events all go to the live feed.
    pub(crate) observes: BTreeSet<String>,
    /// Logs that the service keeps.
    pub(crate) logs: Vec<Log>,
    /// Queues of the logs that it reads.
    pub(crate) reads: BTreeSet<String>,
    /// Whether requests of clients that know only `reply_to` are answered.
    pub(crate) answers_foreign_clients: bool,
    /// Whether replies come by the broker's direct reply-to instead of a queue of the service's own.
    pub(crate) direct_replies: bool,
    pub(crate) ladder: Ladder,
}

/// A message that arrives in a work queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Heard {
    Event(MessageName),
    /// An event that devices publish, each under its name with the device's own as the last word.
    Device(MessageName),
    Request(MessageName),
}

impl Heard {
    pub(crate) fn name(self) -> MessageName {
        match self {
            Self::Event(name) | Self::Device(name) | Self::Request(name) => name,
        }
    }

    /// Where a service hears it.
    fn binding(self, service: &str, queue: &str) -> Binding {
        let (exchange, name) = (self.exchange(service), self.name());
        match self {
            Self::Event(_) | Self::Request(_) => Binding::new(exchange, queue, name.as_str()),
            Self::Device(_) => Binding::new(exchange, queue, format!("{name}.*")),
        }
    }

    fn exchange(self, service: &str) -> String {
        match self {
            Self::Event(name) => names::events(name.owner()),
            Self::Device(_) => names::devices(service),
            Self::Request(name) => names::requests(name.owner()),
        }
    }
}

impl Blueprint {
    pub(crate) fn new(service: &str) -> Self {
        Self { service: service.to_owned(), ..Self::default() }
    }

    /// The queue of a message that has none of its own choice: `inventory.orders.order-placed`.
    pub(crate) fn queue_for(&self, message: MessageName) -> String {
        format!("{}.{message}", self.service)
    }

    pub(crate) fn has_work(&self) -> bool {
        !self.queues.is_empty()
    }

    /// Whether replies come to a queue of the service's own.
    pub(crate) fn has_reply_queue(&self) -> bool {
        self.has_questions() && !self.direct_replies
    }

    pub(crate) fn answers(&self) -> impl Iterator<Item = MessageName> {
        self.queues.values().flatten().filter_map(|heard| match heard {
            Heard::Request(name) => Some(*name),
            Heard::Event(_) | Heard::Device(_) => None,
        })
    }

    /// Whether devices publish to it.
    pub(crate) fn hears_devices(&self) -> bool {
        self.queues.values().flatten().any(|heard| matches!(heard, Heard::Device(_)))
    }

    /// Whether replies go to queues that are known by their names alone, through the default exchange.
    pub(crate) fn answers_by_queue(&self) -> bool {
        self.answers_foreign_clients || self.entrances.values().any(|entrance| !entrance.answers.is_empty())
    }

    /// Whether anything is published or asked.
    pub(crate) fn speaks(&self) -> bool {
        !self.publishes.is_empty() || !self.asks.is_empty() || !self.exits.is_empty()
    }

    /// Whether anything is asked, so that replies come.
    pub(crate) fn has_questions(&self) -> bool {
        !self.asks.is_empty() || self.exits.values().any(|exit| exit.asks)
    }

    /// Every mistake that the names alone show.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if !is_word(&self.service, SERVICE_NAME_LIMIT) {
            faults.push(Fault::ServiceName(self.service.clone()));
        }
        let unfit = self.queue_names.iter().filter(|name| !is_word(name, QUEUE_NAME_LIMIT));
        faults.extend(unfit.cloned().map(Fault::QueueName));
        let answered = self.entrances.values().flat_map(|entrance| entrance.answers.iter().copied());
        for message in self.answers().chain(answered).filter(|message| message.owner() != self.service) {
            let (message, owner) = (message.as_str(), message.owner());
            faults.push(Fault::AnswersForeign { service: self.service.clone(), message, owner });
        }
        let twice = self.exits.keys().filter(|name| self.publishes.contains(name) || self.asks.contains(name));
        faults.extend(twice.map(|name| Fault::TwoWays(name.as_str())));
        let keys = self
            .entrances
            .iter()
            .flat_map(|(queue, entrance)| entrance.keys.iter().flatten().map(move |key| (queue, key)));
        for (queue, key) in keys.filter(|(_, key)| !is_binding_key(key)) {
            faults.push(Fault::BindingKey { queue: queue.clone(), key: key.clone() });
        }
        faults.extend(
            self.observes.iter().filter(|owner| !is_word(owner, SERVICE_NAME_LIMIT)).cloned().map(Fault::ObservedName),
        );
        let logs = || self.logs.iter();
        let logs_names = logs().map(|log| &log.name).chain(logs().flat_map(|log| &log.owners));
        let unfit = logs_names.filter(|name| !is_word(name, SERVICE_NAME_LIMIT));
        faults.extend(unfit.cloned().map(Fault::LogName));
        faults.extend(logs().flat_map(Log::faults));
        faults
    }

    /// What the service declares. Its own objects only; foreign exchanges appear in bindings.
    pub(crate) fn topology(&self) -> Topology {
        let service = self.service.as_str();
        let mut topology = Topology::default();
        topology.exchanges.push(Exchange::new(names::events(service), ExchangeKind::Topic));
        if self.answers().next().is_some() {
            topology.exchanges.push(Exchange::new(names::requests(service), ExchangeKind::Topic));
        }
        if self.has_reply_queue() {
            topology.exchanges.push(Exchange::new(names::replies(service), ExchangeKind::Direct));
        }
        if self.has_work() {
            self.add_retry(&mut topology);
        }
        if self.hears_devices() {
            // A broker tells a device that its message has arrived also when no queue takes it.
            let devices = Exchange::new(names::devices(service), ExchangeKind::Topic);
            topology.exchanges.push(devices.with_alternate(names::dead_letters(service)));
        }
        for (queue, heard) in &self.queues {
            let entrance = self.entrances.get(queue);
            let only_requests = heard.iter().all(|heard| matches!(heard, Heard::Request(_)))
                && entrance.is_none_or(|entrance| !entrance.hears);
            topology.queues.push(if only_requests {
                Queue::requests(queue.clone())
            } else {
                Queue::work(service, queue.clone())
            });
            topology.bindings.push(Binding::new(names::redeliver(service), queue, format!("*.{queue}")));
            if let Some(keys) = entrance.and_then(|entrance| entrance.keys.as_ref()) {
                topology.exchanges.push(Exchange::new(queue.clone(), ExchangeKind::Topic));
                topology.bindings.extend(keys.iter().map(|key| Binding::new(queue.clone(), queue, key.as_str())));
            }
            topology.bindings.extend(heard.iter().map(|message| message.binding(service, queue)));
        }
        for log in &self.logs {
            let queue = Queue::log(log);
            let bind = |owner: &String| Binding::new(names::events(owner), &queue.name, "#");
            topology.bindings.extend(log.owners.iter().map(bind));
            topology.queues.push(queue);
        }
        topology
    }

    /// The reply queue of one instance.
    pub(crate) fn replies(&self, boot: &str) -> Topology {
        let queue = Queue::replies(&self.service, boot);
        let binding = Binding::new(names::replies(&self.service), &queue.name, queue.name.as_str());
        Topology { exchanges: Vec::new(), queues: vec![queue], bindings: vec![binding] }
    }

    /// The live feed of one instance.
    pub(crate) fn live(&self, boot: &str) -> Topology {
        let queue = Queue::live(&self.service, boot);
        let bindings = self.observes.iter().map(|owner| Binding::new(names::events(owner), &queue.name, "#")).collect();
        Topology { exchanges: Vec::new(), queues: vec![queue], bindings }
    }

    fn add_retry(&self, topology: &mut Topology) {
        let service = self.service.as_str();
        let dead_letters = names::dead_letters(service);
        topology.exchanges.extend([
            Exchange::new(dead_letters.clone(), ExchangeKind::Fanout),
            Exchange::new(names::retry(service), ExchangeKind::Topic),
            // What comes back to a queue that is gone is a dead letter instead of stuck in the ladder.
            Exchange::new(names::redeliver(service), ExchangeKind::Topic).with_alternate(dead_letters.clone()),
        ]);
        topology.queues.push(Queue::dead_letters(service));
        topology.bindings.push(Binding::new(dead_letters, &names::dead_letter_queue(service), ""));
        for step in self.ladder.steps() {
            let queue = Queue::retry_step(service, *step);
            topology.bindings.push(Binding::new(names::retry(service), &queue.name, format!("{}.#", step.as_millis())));
            topology.queues.push(queue);
        }
    }
}

fn is_word(word: &str, limit: usize) -> bool {
    word.len() <= limit && is_kebab_case(word) && !RESERVED_WORDS.contains(&word)
}

/// What every broker binds: brokers since 4.3 take one `#` at most.
fn is_binding_key(key: &str) -> bool {
    key.len() <= 255 && key.split('.').filter(|part| *part == "#").count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::Argument;

    fn inventory() -> Blueprint {
        let mut blueprint = Blueprint::new("inventory");
        for heard in [
            Heard::Event(MessageName::new("orders.order-placed")),
            Heard::Request(MessageName::new("inventory.check-stock")),
        ] {
            blueprint.queues.insert(blueprint.queue_for(heard.name()), [heard].into());
        }
        blueprint
    }

    #[test]
    fn a_work_queue_hears_its_message_and_what_comes_back_to_it_alone() {
        let topology = inventory().topology();
        let bound: Vec<String> = topology
            .bindings
            .iter()
            .filter(|binding| binding.queue == "inventory.orders.order-placed")
            .map(|binding| format!("{} {}", binding.exchange, binding.key))
            .collect();
        assert_eq!(bound, ["inventory.redeliver *.inventory.orders.order-placed", "orders.events orders.order-placed"]);
    }

    #[test]
    fn requests_that_expire_are_no_dead_letters() {
        let dead_letters = |queue: &Queue| queue.arguments.contains_key("x-dead-letter-exchange");
        let mut blueprint = inventory();
        let queues = blueprint.topology().queues;
        let of = |name: &str| queues.iter().find(|queue| queue.name == name).unwrap();
        assert!(
            dead_letters(of("inventory.orders.order-placed")) && !dead_letters(of("inventory.inventory.check-stock"))
        );
        let both = [
            Heard::Event(MessageName::new("orders.order-placed")),
            Heard::Request(MessageName::new("inventory.check-stock")),
        ];
        blueprint.queues = [("inventory.both".to_owned(), both.into())].into();
        assert!(blueprint.topology().queues.iter().any(|queue| queue.name == "inventory.both" && dead_letters(queue)));
    }

    #[test]
    fn the_ladder_has_a_queue_for_each_step() {
        let mut blueprint = inventory();
        blueprint.ladder = Ladder::new([5, 70].map(std::time::Duration::from_millis)).unwrap();
        let steps: Vec<String> = blueprint.topology().queues.into_iter().map(|queue| queue.name).collect();
        assert!(steps.contains(&"inventory.retry.5".to_owned()) && steps.contains(&"inventory.retry.70".to_owned()));
    }

    #[test]
    fn what_devices_publish_comes_through_an_exchange_that_loses_nothing() {
        let mut blueprint = inventory();
        let counted = MessageName::new("warehouse.stock-counted");
        blueprint.queues.insert(blueprint.queue_for(counted), [Heard::Device(counted)].into());
        let topology = blueprint.topology();
        let devices = topology.exchanges.iter().find(|exchange| exchange.name == "inventory.devices").unwrap();
        assert_eq!((devices.kind, devices.alternate.as_deref()), (ExchangeKind::Topic, Some("inventory.dlx")));
        let bound =
            Binding::new("inventory.devices".into(), "inventory.warehouse.stock-counted", "warehouse.stock-counted.*");
        assert!(topology.bindings.contains(&bound), "{:?}", topology.bindings);
        assert!(inventory().topology().exchanges.iter().all(|exchange| exchange.name != "inventory.devices"));
    }

    #[test]
    fn a_service_declares_nothing_that_is_not_its_own() {
        let mut blueprint = inventory();
        let counted = MessageName::new("warehouse.stock-counted");
        blueprint.queues.insert(blueprint.queue_for(counted), [Heard::Device(counted)].into());
        let topology = blueprint.topology();
        let declared = topology.exchanges.iter().map(|x| &x.name).chain(topology.queues.iter().map(|q| &q.name));
        for name in declared {
            assert!(name.starts_with("inventory."), "{name}");
        }
    }

    #[test]
    fn a_producer_without_handlers_has_no_retry_and_no_dead_letters() {
        let topology = Blueprint::new("shoppers").topology();
        assert_eq!(topology.exchanges.len(), 1);
        assert!(topology.queues.is_empty());
    }

    #[test]
    fn only_a_requester_with_a_queue_for_its_replies_has_an_exchange_for_them() {
        let mut blueprint = Blueprint::new("desk");
        let exchanges = |blueprint: &Blueprint| {
            blueprint.topology().exchanges.into_iter().map(|exchange| exchange.name).collect::<Vec<_>>()
        };
        blueprint.asks.insert(MessageName::new("clerk.double"));
        assert_eq!(exchanges(&blueprint), ["desk.events", "desk.replies"]);
        blueprint.direct_replies = true;
        assert_eq!(exchanges(&blueprint), ["desk.events"]);
    }

    #[test]
    fn a_log_is_a_bounded_stream_of_all_that_its_owners_say() {
        let mut blueprint = Blueprint::new("analytics");
        blueprint.logs.push(Log::new("shop").of(["orders", "analytics"]).bytes(1_000_000).days(7));
        let topology = blueprint.topology();
        let queue = topology.queues.iter().find(|queue| queue.name == "shop.log").unwrap();
        let text = |text: &str| Argument::Text(text.into());
        let arguments = [
            ("x-queue-type", text("stream")),
            ("x-max-length-bytes", Argument::Integer(1_000_000)),
            ("x-max-age", text("7D")),
            ("x-stream-max-segment-size-bytes", Argument::Integer(50_000)),
        ];
        assert_eq!(queue.arguments, arguments.into());
        let bound = topology.bindings.iter().filter(|binding| binding.queue == "shop.log");
        let bound: Vec<_> = bound.map(|binding| (binding.exchange.as_str(), binding.key.as_str())).collect();
        assert_eq!(bound, [("analytics.events", "#"), ("orders.events", "#")]);
    }

    #[test]
    fn all_faults_are_found_at_once() {
        let mut blueprint = Blueprint::new("Retry Desk");
        let foreign = Heard::Request(MessageName::new("orders.get-order"));
        blueprint.queues.insert("Retry Desk.retry.1000".into(), [foreign].into());
        blueprint.queue_names.insert("retry.1000".into());
        blueprint.observes.insert("events".into());
        blueprint.logs.push(Log::new("log").of(["orders"]));
        assert_eq!(
            blueprint.faults(),
            [
                Fault::ServiceName("Retry Desk".into()),
                Fault::QueueName("retry.1000".into()),
                Fault::AnswersForeign { service: "Retry Desk".into(), message: "orders.get-order", owner: "orders" },
                Fault::ObservedName("events".into()),
                Fault::LogName("log".into()),
            ]
        );
    }
}
