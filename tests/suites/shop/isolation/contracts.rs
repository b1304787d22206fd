//! Who has to do with whom, by the committed definitions: whose an object is, which names a service says and hears. What a user may
//! configure, write and read in general is not asked, since that is what is probed.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::probe::{names, services};

/// The definitions, asked from a service's side.
pub(super) struct Contracts {
    definitions: Value,
    pub(super) services: Vec<String>,
}

/// The routing keys that a topic permission is for.
enum Keys {
    All,
    Only(BTreeSet<String>),
}

impl Keys {
    fn has(&self, key: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.contains(key),
        }
    }
}

/// Reads `^$`, `.*` and `^(a\.b|c\.d)$`.
fn keys(expression: &Value) -> Keys {
    match expression.as_str().expect("an expression") {
        "^$" => Keys::Only(BTreeSet::new()),
        ".*" => Keys::All,
        names => {
            let names = names.strip_prefix("^(").and_then(|rest| rest.strip_suffix(")$"));
            let names = names.unwrap_or_else(|| panic!("{expression} is no list of names"));
            let names: BTreeSet<String> = names.split('|').map(|name| name.replace("\\.", ".")).collect();
            let plain = |name: &String| name.chars().all(|one| one.is_ascii_alphanumeric() || ".-".contains(one));
            assert!(names.iter().all(plain), "{expression} is no list of names");
            Keys::Only(names)
        }
    }
}

/// Whether an object is a service's by its name.
fn begins_with(object: &str, service: &str) -> bool {
    object.strip_prefix(service).is_some_and(|rest| rest.starts_with('.'))
}

impl Contracts {
    pub(super) fn of(definitions: Value) -> Self {
        let services = services(&definitions);
        Self { definitions, services }
    }

    fn list(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.definitions[kind].as_array().expect("a list").iter()
    }

    pub(super) fn exchanges_of(&self, service: &str) -> Vec<String> {
        let mut exchanges = names(&self.definitions, "exchanges");
        exchanges.retain(|exchange| begins_with(exchange, service));
        exchanges
    }

    /// Its queues, and the logs that it keeps: their names are nobody's, and it configures them.
    pub(super) fn queues_of(&self, service: &str) -> Vec<String> {
        let rights = self.list("permissions").find(|right| right["user"] == service).expect("a service has rights");
        let configures = rights["configure"].as_str().unwrap_or_default();
        let mut queues = names(&self.definitions, "queues");
        queues.retain(|queue| {
            let nobodys = !self.services.iter().any(|one| begins_with(queue, one));
            begins_with(queue, service) || (nobodys && configures.contains(&queue.replace('.', "\\.")))
        });
        queues
    }

    pub(super) fn is_stream(&self, queue: &str) -> bool {
        self.list("queues").any(|one| one["name"] == queue && one["arguments"]["x-queue-type"] == "stream")
    }

    /// The bindings of its queues, each with its exchange and key.
    pub(super) fn bindings_of(&self, service: &str) -> Vec<[String; 3]> {
        let queues = self.queues_of(service);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let bindings =
            self.list("bindings").map(|one| [&one["destination"], &one["source"], &one["routing_key"]].map(text));
        bindings.filter(|[queue, ..]| queues.contains(queue)).collect()
    }

    /// What anybody says at an exchange, what is bound to it, and a name that nobody knows. Not the empty one, which `^$` means.
    pub(super) fn names_at(&self, exchange: &str) -> BTreeSet<String> {
        let said = self.dealings("exchange", exchange).filter_map(|[_, _, write, _]| match keys(write) {
            Keys::All => None,
            Keys::Only(names) => Some(names),
        });
        let bound = self.list("bindings").filter(|binding| binding["source"] == exchange);
        let bound = bound
            .filter_map(|binding| binding["routing_key"].as_str())
            .filter(|key| !key.is_empty() && !key.contains(['*', '#']));
        said.flatten().chain(bound.map(str::to_owned)).chain(["made-up".to_owned()]).collect()
    }

    /// User, exchange, what it says and what it hears there. Only exchanges for events and requests are between services.
    fn dealings(&self, field: &str, is: &str) -> impl Iterator<Item = [&Value; 4]> {
        let of_events = |exchange: &Value| {
            let name = exchange.as_str().unwrap_or_default();
            name.ends_with(".events") || name.ends_with(".requests")
        };
        let rights = self.list("topic_permissions").filter(move |right| right[field] == is);
        rights
            .map(|right| [&right["user"], &right["exchange"], &right["write"], &right["read"]])
            .filter(move |[_, exchange, ..]| of_events(exchange))
    }

    fn dealing(&self, service: &str, exchange: &str) -> Option<[Keys; 2]> {
        let mut dealings = self.dealings("user", service).filter(|[_, at, ..]| **at == *exchange);
        dealings.next().map(|[_, _, says, hears]| [keys(says), keys(hears)])
    }

    /// Whether it has something to say under this name at this exchange.
    pub(super) fn says(&self, service: &str, exchange: &str, key: &str) -> bool {
        match self.dealing(service, exchange) {
            Some([says, _]) => says.has(key),
            None => self.replies_to(service, exchange),
        }
    }

    /// Whether it has anything to say at this exchange.
    pub(super) fn speaks_at(&self, service: &str, exchange: &str) -> bool {
        match self.dealing(service, exchange) {
            Some([Keys::Only(says), _]) => !says.is_empty(),
            Some([Keys::All, _]) => true,
            None => self.replies_to(service, exchange),
        }
    }

    /// Whether it hears what has this name at this exchange.
    pub(super) fn hears(&self, service: &str, exchange: &str, key: &str) -> bool {
        self.dealing(service, exchange).is_some_and(|[_, hears]| hears.has(key))
    }

    /// Who answers requests replies to whoever has asked.
    fn replies_to(&self, service: &str, exchange: &str) -> bool {
        let answers = self.exchanges_of(service).contains(&format!("{service}.requests"));
        answers && exchange.ends_with(".replies")
    }

    /// Whether it answers clients that name a queue for the reply: the one thing for which the default exchange is needed.
    pub(super) fn writes_to_queues(&self, service: &str) -> bool {
        let mut rights = self.list("permissions").filter(|right| right["user"] == service);
        rights.any(|right| right["write"].as_str().is_some_and(|write| write.contains("amq\\.default")))
    }

    /// Exchange and name of all that it says.
    pub(super) fn said_by(&self, service: &str) -> Vec<[String; 2]> {
        self.dealt_by(service, 2).collect()
    }

    /// Exchange and key of all that it hears; `#` where it hears everything.
    pub(super) fn heard_by(&self, service: &str) -> Vec<[String; 2]> {
        self.dealt_by(service, 3).collect()
    }

    fn dealt_by(&self, service: &str, side: usize) -> impl Iterator<Item = [String; 2]> {
        self.dealings("user", service).flat_map(move |dealing| {
            let exchange = dealing[1].as_str().unwrap_or_default().to_owned();
            let keys = match keys(dealing[side]) {
                Keys::All => BTreeSet::from(["#".to_owned()]),
                Keys::Only(names) => names,
            };
            keys.into_iter().map(move |key| [exchange.clone(), key])
        })
    }
}
