//! Finds the handler of a packet.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt as _;
use serde_json::Value;

use super::packet::{self, Sent};
use super::pattern::route;
use super::{NestPattern, PACKETS};
use crate::broker::{Inbound, Properties};
use crate::consumer::{Failure, Foreign, Found, Handler, Message};
use crate::publisher::Publisher;
use crate::retry::Reason;
use crate::rpc::refuse;

/// A longer pattern would fit no routing key.
const LONGEST_KEY: usize = 255;

/// A handler, and whether it answers.
pub(crate) struct Extension {
    pub(crate) handler: Handler,
    pub(crate) answers: bool,
}

/// All handlers of one queue.
pub(crate) struct Switchboard {
    /// The queue, and the exchange before it.
    name: String,
    extensions: Extensions,
    publisher: Publisher,
}

/// Handlers by pattern.
struct Extensions {
    exact: BTreeMap<String, Extension>,
    /// In the order in which they were wired.
    wild: Vec<(NestPattern, Extension)>,
}

impl Switchboard {
    /// With `wildcards`, `*` and `#` in a pattern stand for others.
    pub(crate) fn new(
        name: &str,
        extensions: impl IntoIterator<Item = (NestPattern, Extension)>,
        wildcards: bool,
        publisher: Publisher,
    ) -> Self {
        Self { name: name.to_owned(), extensions: Extensions::new(extensions, wildcards), publisher }
    }
}

impl Extensions {
    fn new(extensions: impl IntoIterator<Item = (NestPattern, Extension)>, wildcards: bool) -> Self {
        let (mut exact, mut wild) = (BTreeMap::new(), Vec::new());
        for (pattern, extension) in extensions {
            if wildcards && pattern.is_wild() {
                wild.push((pattern, extension));
            } else {
                exact.insert(pattern.route().to_owned(), extension);
            }
        }
        Self { exact, wild }
    }

    fn find(&self, route: &str) -> Option<&Extension> {
        let wild = || {
            let short = route.len() <= LONGEST_KEY;
            self.wild.iter().find(|(pattern, _)| short && pattern.matches(route)).map(|(_, extension)| extension)
        };
        self.exact.get(route).or_else(wild)
    }

    fn unknown(&self, message: Arc<Message>) -> Found {
        let wild = self.wild.iter().map(|(pattern, _)| pattern.route());
        let known: Vec<&str> = self.exact.keys().map(String::as_str).chain(wild).collect();
        Found::unknown(message, &known)
    }
}

impl Foreign for Switchboard {
    fn find(&self, inbound: &Arc<Inbound>, message: Message) -> Found {
        let Sent { route, data, id } = match Sent::read(&inbound.body) {
            Ok(sent) => sent,
            Err(reason) => {
                let text = format!("this queue takes packets of NestJS, and the body is none: {reason}");
                return Found::unfit(Arc::new(message), Failure::hopeless(text, Reason::Undecodable));
            }
        };
        let message = Arc::new(message.called(&route, id.as_ref().and_then(|id| id.as_str())));
        if let Some(failure) = contradiction(&self.name, &message, &route) {
            return Found::unfit(message, failure);
        }
        let asks = id.is_some();
        let extension = self.extensions.find(&route).filter(|extension| extension.answers || !asks);
        match (extension, id) {
            (Some(Extension { handler, .. }), _) => {
                let unpacked = unpacked(inbound, data, asks);
                let handled = (handler.run)(Arc::new(unpacked), Arc::clone(&message));
                Found { handler: handler.name, message, handled }
            }
            (None, Some(id)) if inbound.properties.reply_to().is_some() => {
                let (publisher, inbound, asked) = (self.publisher.clone(), Arc::clone(inbound), Arc::clone(&message));
                let body = packet::no_handler(&id);
                let refuse = async move { refuse(publisher, &inbound, asked, &PACKETS, body).await };
                Found { handler: "", message, handled: refuse.boxed() }
            }
            (None, _) => self.extensions.unknown(message),
        }
    }
}

/// Why a packet is given up whose pattern is another one than its routing key, with which the broker lets only those publish who
/// may. Straight into the queue there is no such key.
fn contradiction(entrance: &str, message: &Message, pattern: &str) -> Option<Failure> {
    let key = message.origin_key.as_str();
    if message.origin_exchange != entrance || route(&Value::from(key)) == pattern {
        return None;
    }
    let text = format!("pattern {:?} was published as {key:?}; they must be the same", message.name());
    Some(Failure::hopeless(text, Reason::Malformed))
}

/// What the handler is shown: the data alone. What is no request is not answered, whatever its properties say.
fn unpacked(inbound: &Inbound, data: Vec<u8>, asks: bool) -> Inbound {
    let properties = if asks {
        inbound.properties.clone()
    } else {
        Properties { reply_to: None, ..Properties::from(&inbound.properties) }.into()
    };
    inbound.opened(data, properties)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_not_answered_whatever_address_its_sender_writes_beside_it() {
        let properties = Properties { reply_to: Some("amq.gen-1".into()), ..Properties::default() };
        let inbound = Inbound { redelivered: true, ..Inbound::of("", "math.nest", "packet", properties) };
        let of = |asks| unpacked(&inbound, b"data".to_vec(), asks);
        assert_eq!(of(false).properties.reply_to(), None);
        let request = of(true);
        assert_eq!(request.properties.reply_to(), Some("amq.gen-1"));
        assert_eq!((request.body.as_slice(), request.redelivered), (b"data".as_slice(), true));
    }

    #[test]
    fn what_came_by_the_exchange_has_the_pattern_that_its_routing_key_says() {
        let refused = |exchange: &str, key: &str, pattern: Value| {
            let inbound = Inbound::of(exchange, key, "", Properties::default());
            let pattern = route(&pattern);
            let message = Message::read(&inbound, "math").called(&pattern, None);
            contradiction("math.nest", &message, &pattern).map(|failure| failure.class())
        };
        assert_eq!(refused("math.nest", "order.placed", "order.placed".into()), None);
        assert_eq!(refused("math.nest", r#"{"b":1,"a":2}"#, serde_json::json!({"a": 2, "b": 1})), None);
        assert_eq!(refused("math.nest", "7", 7.into()), None);
        assert_eq!(refused("math.nest", "order.placed", "order.refunded".into()), Some("malformed"));
        assert_eq!(refused("", "math.nest", "order.refunded".into()), None);
    }

    /// Which handler a pattern reaches.
    fn reached(wildcards: bool, pattern: &str) -> Option<&'static str> {
        let extension = |pattern: &'static str| {
            let handler = Handler { name: pattern, run: Box::new(|_, _| std::future::ready(Ok(())).boxed()) };
            (NestPattern::from(pattern), Extension { handler, answers: false })
        };
        let all = ["order.*", "order.placed", "order.#"].map(extension);
        Extensions::new(all, wildcards).find(pattern).map(|extension| extension.handler.name)
    }

    #[test]
    fn the_very_pattern_comes_first_and_then_the_first_that_stands_for_it() {
        assert_eq!(reached(true, "order.placed"), Some("order.placed"));
        assert_eq!(reached(true, "order.lost"), Some("order.*"));
        assert_eq!(reached(true, "order.placed.v2"), Some("order.#"));
        assert_eq!(reached(true, "orders"), None);
        assert_eq!(reached(true, &format!("order.{}", "a.".repeat(1_000_000))), None, "no routing key is so long");
    }

    #[test]
    fn without_wildcards_a_pattern_is_a_name() {
        assert_eq!(reached(false, "order.lost"), None);
        assert_eq!(reached(false, "order.*"), Some("order.*"));
    }
}
