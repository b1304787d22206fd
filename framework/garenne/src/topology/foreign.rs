//! What a service shares with peers that have a topology of their own, such as NestJS.

use std::collections::BTreeSet;

use garenne_contract::MessageName;

/// A queue of the service's own that foreign clients write to by its name, or through an exchange of the same name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Entrance {
    /// The keys with which the queue is bound to its exchange. `None` when it has none.
    pub(crate) keys: Option<BTreeSet<String>>,
    /// The requests that are answered. The replies go through the default exchange.
    pub(crate) answers: BTreeSet<MessageName>,
    /// Whether there are events, too.
    pub(crate) hears: bool,
}

/// Where a message goes that foreign servers take, and in what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exit {
    /// Empty for the default exchange, whose routing keys are the names of queues.
    pub(crate) exchange: String,
    pub(crate) key: String,
    /// What stands before and after the JSON of the message in its body.
    pub(crate) around: (String, String),
    /// Whether it is a request.
    pub(crate) asks: bool,
    /// Whether its reply is the list of all that is answered.
    pub(crate) every_value: bool,
}

impl Exit {
    /// Whether it names the very queue, so that nobody else would take the message if that is missing.
    pub(crate) fn is_a_queue(&self) -> bool {
        self.exchange.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::{Blueprint, Fault};

    fn sum() -> MessageName {
        MessageName::new("math.sum")
    }

    fn math(entrance: Entrance) -> Blueprint {
        let mut blueprint = Blueprint::new("math");
        blueprint.queues.insert("math.nest".into(), BTreeSet::new());
        blueprint.entrances.insert("math.nest".into(), entrance);
        blueprint
    }

    fn exit(exchange: &str, key: &str) -> Exit {
        let around = (String::new(), String::new());
        Exit { exchange: exchange.into(), key: key.into(), around, asks: true, every_value: false }
    }

    #[test]
    fn an_entrance_with_keys_is_an_exchange_of_the_queues_name_and_its_service_may_not_write_there() {
        let keys = Some(BTreeSet::from(["order.*".to_owned()]));
        let blueprint = math(Entrance { keys, hears: true, ..Entrance::default() });
        let topology = blueprint.topology();
        assert!(topology.exchanges.iter().any(|exchange| exchange.name == "math.nest"));
        let bound: Vec<_> =
            topology.bindings.iter().map(|bound| (&*bound.exchange, &*bound.queue, &*bound.key)).collect();
        assert!(bound.contains(&("math.nest", "math.nest", "order.*")), "{bound:?}");
        assert!(bound.contains(&("math.redeliver", "math.nest", "*.math.nest")), "{bound:?}");
        let rights = blueprint.rights();
        assert_eq!(rights.topics["math.nest"].write, "^$");
        assert!(!rights.write.contains("amq"), "what is only heard is not answered: {}", rights.write);
    }

    #[test]
    fn whoever_answers_or_writes_to_a_queue_by_its_name_may_use_the_default_exchange_and_nobody_else() {
        let answers = BTreeSet::from([sum()]);
        let rights = math(Entrance { answers, ..Entrance::default() }).rights();
        assert_eq!(rights.write, "^(amq\\.default|math\\..*)$");
        let mut desk = Blueprint::new("desk");
        desk.exits.insert(sum(), exit("", "math_queue"));
        assert_eq!(desk.rights().write, "^(amq\\.default|desk\\..*)$");
        desk.exits.insert(sum(), exit("math", r#"{"cmd":"sum"}"#));
        let rights = desk.rights();
        assert_eq!(rights.write, "^(desk\\..*|math)$");
        assert_eq!(rights.topics["math"].write, r#"^(\{"cmd":"sum"\})$"#);
        assert!(desk.topology().exchanges.iter().any(|exchange| exchange.name == "desk.replies"), "replies come");
    }

    #[test]
    fn only_an_entrance_for_events_has_dead_letters_of_the_brokers_making() {
        let dead = |hears| {
            let queues = math(Entrance { answers: [sum()].into(), hears, ..Entrance::default() }).topology().queues;
            let queue = queues.into_iter().find(|queue| queue.name == "math.nest").unwrap();
            queue.arguments.contains_key("x-dead-letter-exchange")
        };
        assert!(dead(true) && !dead(false));
    }

    #[test]
    fn patterns_that_no_broker_binds_and_messages_that_go_two_ways_are_faults() {
        let keys = ["a.#.b.#".to_owned(), "a".repeat(256)];
        let answers = BTreeSet::from([MessageName::new("orders.get-order")]);
        let mut blueprint = math(Entrance { keys: Some(keys.clone().into()), answers, ..Entrance::default() });
        blueprint.exits.insert(sum(), exit("", "q"));
        blueprint.asks.insert(sum());
        let faults = blueprint.faults();
        for key in keys {
            assert!(faults.contains(&Fault::BindingKey { queue: "math.nest".into(), key }), "{faults:?}");
        }
        assert!(faults.contains(&Fault::TwoWays("math.sum")), "{faults:?}");
        assert!(faults.iter().any(|fault| matches!(fault, Fault::AnswersForeign { .. })), "{faults:?}");
    }
}
