//! The least rights with which a service works. RabbitMQ matches these expressions anywhere in a name, so each is anchored.

use std::collections::{BTreeMap, BTreeSet};

use garenne_contract::MessageName;

use super::{Blueprint, Exit, Heard, names};

/// What a service's user may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rights {
    pub(crate) configure: String,
    pub(crate) write: String,
    pub(crate) read: String,
    /// Per topic exchange: which routing keys may be published, and which bound.
    pub(crate) topics: BTreeMap<String, TopicRights>,
}

/// Rights on the routing keys of one topic exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicRights {
    pub(crate) write: String,
    pub(crate) read: String,
}

/// Matches no name.
const NOTHING: &str = "^$";
const ANYTHING: &str = ".*";

impl Blueprint {
    /// Own objects in full; of others only what is heard, observed, published and asked.
    pub(crate) fn rights(&self) -> Rights {
        let own = format!("{}\\..*", self.service);
        let mut configure = BTreeSet::from([own.clone()]);
        let mut write = BTreeSet::from([own.clone()]);
        let mut read = BTreeSet::from([own.clone()]);
        for log in &self.logs {
            // To write is to bind: there is no exchange but the default one by which it could publish into it.
            let log = escaped(&names::log(&log.name));
            configure.insert(log.clone());
            write.insert(log.clone());
            read.insert(log);
        }
        read.extend(self.reads.iter().map(|log| escaped(log)));
        let mut topics = self.own_topics();
        if self.answers().next().is_some() {
            // Which services ask is theirs to say; replies go to their exchange and nowhere else.
            write.insert("[a-z0-9-]+\\.replies".into());
        }
        if self.answers_by_queue() || self.exits.values().any(Exit::is_a_queue) {
            write.insert("amq\\.default".into());
        }
        for owner in self.foreign_owners() {
            let exchange = names::events(owner);
            let says = self.published_on(owner);
            let hears = self.heard_on(owner);
            if !says.is_empty() {
                write.insert(escaped(&exchange));
            }
            let observed = self.observes.contains(owner) || self.logs.iter().any(|log| log.owners.contains(owner));
            if observed || !hears.is_empty() {
                read.insert(escaped(&exchange));
            }
            let hears = if observed { ANYTHING.to_owned() } else { one_of(hears) };
            topics.insert(exchange, TopicRights { write: one_of(says), read: hears });
        }
        for owner in self.asks.iter().map(|request| request.owner()) {
            let exchange = names::requests(owner);
            write.insert(escaped(&exchange));
            let asked = self.asks.iter().filter(|request| request.owner() == owner).map(|request| request.as_str());
            let read = if owner == self.service { ANYTHING } else { NOTHING };
            topics.insert(exchange, TopicRights { write: one_of(asked.collect()), read: read.into() });
        }
        for exchange in self.exits.values().filter(|exit| !exit.is_a_queue()).map(|exit| &exit.exchange) {
            write.insert(escaped(exchange));
            let to_it = self.exits.values().filter(|exit| exit.exchange == *exchange);
            let says = one_of(to_it.map(|exit| exit.key.as_str()).collect());
            topics.insert(exchange.clone(), TopicRights { write: says, read: NOTHING.into() });
        }
        let configure = if self.logs.is_empty() { format!("^{own}$") } else { any_of(&configure) };
        Rights { configure, write: any_of(&write), read: any_of(&read), topics }
    }

    fn own_topics(&self) -> BTreeMap<String, TopicRights> {
        let service = self.service.as_str();
        let mut says = self.published_on(service);
        let (retried, dead) = (names::delivery_retried(service), names::delivery_dead_lettered(service));
        if self.has_work() {
            says.extend([retried.as_str(), dead.as_str()]);
        }
        let mut topics = BTreeMap::new();
        let mut add = |exchange: String, write: String| {
            topics.insert(exchange, TopicRights { write, read: ANYTHING.into() });
        };
        add(names::events(service), one_of(says));
        if self.answers().next().is_some() {
            add(names::requests(service), NOTHING.into());
        }
        if self.hears_devices() {
            add(names::devices(service), NOTHING.into());
        }
        for (queue, _) in self.entrances.iter().filter(|(_, entrance)| entrance.keys.is_some()) {
            add(queue.clone(), NOTHING.into());
        }
        if self.has_work() {
            add(names::retry(service), format!("^[0-9]+\\.{service}\\..*$"));
            add(names::redeliver(service), NOTHING.into());
        }
        topics
    }

    fn foreign_owners(&self) -> BTreeSet<&str> {
        let heard = self.queues.values().flatten().filter_map(|heard| match heard {
            Heard::Event(name) => Some(name.owner()),
            Heard::Device(_) | Heard::Request(_) => None,
        });
        let said = self.publishes.iter().map(|name| name.owner());
        let observed = self.observes.iter().map(String::as_str);
        let logged = self.logs.iter().flat_map(|log| &log.owners).map(String::as_str);
        heard.chain(said).chain(observed).chain(logged).filter(|owner| *owner != self.service).collect()
    }

    fn published_on(&self, owner: &str) -> BTreeSet<&str> {
        self.publishes.iter().filter(|name| name.owner() == owner).map(|name| name.as_str()).collect()
    }

    fn heard_on(&self, owner: &str) -> BTreeSet<&'static str> {
        let events = self.queues.values().flatten().filter_map(|heard| match heard {
            Heard::Event(name) => Some(*name),
            Heard::Device(_) | Heard::Request(_) => None,
        });
        events.filter(|name| name.owner() == owner).map(MessageName::as_str).collect()
    }
}

/// The expression that matches this text alone. In a name of ours only the dot means something; a foreign one may have more.
fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if "\\.+*?()|[]{}^$".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

fn one_of(names: BTreeSet<&str>) -> String {
    if names.is_empty() { NOTHING.into() } else { any_of(&names.into_iter().map(escaped).collect()) }
}

fn any_of(expressions: &BTreeSet<String>) -> String {
    let expressions: Vec<&str> = expressions.iter().map(String::as_str).collect();
    format!("^({})$", expressions.join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::Log;

    #[test]
    fn a_service_may_hear_only_what_it_subscribes_to_and_say_only_what_it_declared() {
        let mut blueprint = Blueprint::new("payments");
        let reserved = MessageName::new("inventory.stock-reserved");
        blueprint.queues.insert("payments.inventory.stock-reserved".into(), [Heard::Event(reserved)].into());
        blueprint.publishes.insert(MessageName::new("payments.payment-captured"));
        let rights = blueprint.rights();
        assert_eq!(rights.configure, "^payments\\..*$");
        assert_eq!(rights.write, "^(payments\\..*)$");
        assert_eq!(rights.read, "^(inventory\\.events|payments\\..*)$");
        assert_eq!(
            rights.topics["inventory.events"],
            TopicRights { write: "^$".into(), read: "^(inventory\\.stock-reserved)$".into() }
        );
        assert_eq!(
            rights.topics["payments.events"].write,
            "^(payments\\.delivery-dead-lettered|payments\\.delivery-retried|payments\\.payment-captured)$"
        );
    }

    #[test]
    fn the_keeper_of_a_log_may_bind_it_and_a_reader_may_only_read() {
        let mut keeper = Blueprint::new("analytics");
        keeper.logs.push(Log::new("shop").of(["orders", "analytics"]));
        let rights = keeper.rights();
        assert_eq!(rights.configure, "^(analytics\\..*|shop\\.log)$");
        assert_eq!(rights.write, "^(analytics\\..*|shop\\.log)$");
        assert_eq!(rights.read, "^(analytics\\..*|orders\\.events|shop\\.log)$");
        assert_eq!(rights.topics["orders.events"], TopicRights { write: "^$".into(), read: ".*".into() });
        let mut reader = Blueprint::new("audit");
        reader.reads.insert("shop.log".into());
        let rights = reader.rights();
        assert_eq!((rights.configure.as_str(), rights.write.as_str()), ("^audit\\..*$", "^(audit\\..*)$"));
        assert_eq!(rights.read, "^(audit\\..*|shop\\.log)$");
    }

    #[test]
    fn a_requester_may_send_only_what_it_asks() {
        let mut blueprint = Blueprint::new("storefront");
        blueprint.asks.insert(MessageName::new("orders.get-order"));
        let rights = blueprint.rights();
        assert_eq!(rights.write, "^(orders\\.requests|storefront\\..*)$");
        assert_eq!(
            rights.topics["orders.requests"],
            TopicRights { write: "^(orders\\.get-order)$".into(), read: "^$".into() }
        );
    }
}
