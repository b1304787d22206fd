//! Where a NestJS server listens.

use garenne_contract::MessageName;

use super::{NestPattern, packet};
use crate::topology::Exit;

/// A NestJS server as this service calls it: where it listens, and the pattern of its handler.
///
/// ```
/// use garenne::{Event, NestTarget, Request, Service};
/// use serde::{Deserialize, Serialize};
/// use serde_json::json;
///
/// #[derive(Request, Serialize, Deserialize)]
/// #[request(name = "math.sum", reply = f64)]
/// struct Sum(Vec<f64>);
///
/// #[derive(Event, Serialize, Deserialize)]
/// #[event(name = "desk.ticket-filed")]
/// struct TicketFiled {
///     number: u32,
/// }
///
/// # struct Desk;
/// let desk: Service<Desk> = Service::new("desk")
///     .asks_nest::<Sum>(NestTarget::queue("math_queue").pattern(json!({"cmd": "sum"})))
///     .publishes_to_nest::<TicketFiled>(NestTarget::exchange("tickets"));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "give it to Service::asks_nest or Service::publishes_to_nest"]
pub struct NestTarget {
    place: Place,
    pattern: Option<NestPattern>,
    every_value: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Place {
    Queue(String),
    Exchange(String),
}

impl NestTarget {
    /// A server with this `queue`, and without `wildcards`.
    ///
    /// The way there is the default exchange. The right to publish there is a right to write into any queue.
    pub fn queue(name: &str) -> Self {
        Self { place: Place::Queue(name.to_owned()), pattern: None, every_value: false }
    }

    /// A server with `wildcards: true` and this `exchange` or, where it names none, this `queue`.
    pub fn exchange(name: &str) -> Self {
        Self { place: Place::Exchange(name.to_owned()), pattern: None, every_value: false }
    }

    /// The pattern of the handler, as its `@MessagePattern` or `@EventPattern` says. Without it, the message's name.
    pub fn pattern(self, pattern: impl Into<NestPattern>) -> Self {
        Self { pattern: Some(pattern.into()), ..self }
    }

    /// The handler returns an observable: the reply is the list of its values, be it one or none.
    pub fn every_value(self) -> Self {
        Self { every_value: true, ..self }
    }

    /// Where this message goes, and in what.
    pub(crate) fn exit(self, message: MessageName, asks: bool) -> Exit {
        let pattern = self.pattern.unwrap_or_else(|| message.into());
        let around = (packet::before(pattern.value()), packet::AFTER.to_owned());
        let (exchange, key) = match self.place {
            Place::Queue(queue) => (String::new(), queue),
            // The server has bound it in this form.
            Place::Exchange(exchange) => (exchange, pattern.route().to_owned()),
        };
        Exit { exchange, key, around, asks, every_value: self.every_value }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_goes_into_the_queue_or_to_the_exchange_with_the_key_that_the_server_has_bound() {
        let exit = |target: NestTarget| {
            let Exit { exchange, key, around, .. } = target.exit(MessageName::new("math.sum"), true);
            (exchange, key, format!("{}1{}", around.0, around.1))
        };
        let expected = ("".into(), "math_queue".into(), r#"{"pattern":"math.sum","data":1}"#.into());
        assert_eq!(exit(NestTarget::queue("math_queue")), expected);
        let pattern = json!({"cmd": "sum", "a": 1});
        let packet = format!(r#"{{"pattern":{pattern},"data":1}}"#);
        let expected = ("math".into(), r#"{"a":1,"cmd":"sum"}"#.into(), packet);
        assert_eq!(exit(NestTarget::exchange("math").pattern(pattern)), expected);
    }
}
