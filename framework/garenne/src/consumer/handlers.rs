//! The handlers of one queue, and how the one for a delivery is found.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};

use super::{Failure, Message};
use crate::broker::Inbound;
use crate::retry::Reason;
use crate::topology::names;

type Run = Box<dyn Fn(Arc<Inbound>, Arc<Message>) -> Handled + Send + Sync>;

/// What becomes of a delivery.
type Handled = BoxFuture<'static, Result<(), Failure>>;

/// What handles one message's name, without its type. It keeps the deadline and survives a panic: [`super::guard`].
pub(crate) struct Handler {
    /// The function's name, for logs and dead letters.
    pub(crate) name: &'static str,
    pub(crate) run: Run,
}

/// All handlers of a queue.
pub(crate) enum Handlers {
    /// By the message's name.
    Named(BTreeMap<&'static str, Handler>),
    /// By what foreign clients write into their bodies.
    Foreign(Box<dyn Foreign>),
}

/// Reads deliveries that say in their bodies who shall handle them.
pub(crate) trait Foreign: Send + Sync {
    /// Finds the handler. What it is given to see may differ from what came; copies are made of what came.
    fn find(&self, inbound: &Arc<Inbound>, message: Message) -> Found;
}

/// A delivery whose handler is known.
pub(crate) struct Found {
    /// The handler's name. Empty when there is none.
    pub(crate) handler: &'static str,
    pub(crate) message: Arc<Message>,
    pub(crate) handled: Handled,
}

impl Handlers {
    pub(super) fn find(&self, inbound: &Arc<Inbound>, message: Message) -> Found {
        let handlers = match self {
            Self::Named(handlers) => handlers,
            Self::Foreign(foreign) => return foreign.find(inbound, message),
        };
        // The broker lets only those use a routing key who may; a type is the sender's word, with which it would say what only
        // somebody else may say. It may have come here by another key than the one over which the broker has watched: 3.10
        // asks nobody about those in `CC`.
        let message = Arc::new(message);
        let key = message.published_as();
        let watched = names::is_an_owners(&message.origin_exchange) || handlers.contains_key(key);
        if message.name() != key && handlers.contains_key(message.name()) && watched {
            let text = format!("type {:?} was published as {key:?}; they must be the same", message.name());
            return Found::unfit(message, Failure::hopeless(text, Reason::Malformed));
        }
        match handlers.get(message.name()) {
            Some(handler) => {
                let handled = (handler.run)(Arc::clone(inbound), Arc::clone(&message));
                Found { handler: handler.name, message, handled }
            }
            None => {
                let known: Vec<&str> = handlers.keys().copied().collect();
                Found::unknown(message, &known)
            }
        }
    }

    /// What no handler gets to see, under the name of the one that would have.
    pub(super) fn unfit(&self, message: Message, failure: Failure) -> Found {
        let handler = match self {
            Self::Named(handlers) => handlers.get(message.name()).map_or("", |handler| handler.name),
            Self::Foreign(_) => "",
        };
        Found { handler, ..Found::unfit(Arc::new(message), failure) }
    }
}

impl Found {
    /// Nothing handles it.
    pub(crate) fn unknown(message: Arc<Message>, known: &[&str]) -> Self {
        let text = format!("no handler for type {:?}; this queue takes {}", message.name(), known.join(", "));
        Self::unfit(message, Failure::hopeless(text, Reason::UnknownType))
    }

    /// No handler gets to see it.
    pub(crate) fn unfit(message: Arc<Message>, failure: Failure) -> Self {
        Self { handler: "", message, handled: ready(Err(failure)).boxed() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Properties;

    /// What becomes of a message with this type in a queue for what the shredder says.
    fn fate(exchange: &str, routing_key: &str, kind: Option<&str>) -> &'static str {
        let run: Run = Box::new(|_, _| ready(Ok(())).boxed());
        let handlers = Handlers::Named(BTreeMap::from([("shredder.ticket-shredded", Handler { name: "shred", run })]));
        let properties = Properties { kind: kind.map(str::to_owned), ..Properties::default() };
        let inbound = Inbound::of(exchange, routing_key, "", properties);
        let message = Message::read(&inbound, "clerk");
        match handlers.find(&Arc::new(inbound), message).handled.now_or_never() {
            Some(Ok(())) => "handled",
            Some(Err(failure)) => failure.class(),
            None => "under way",
        }
    }

    #[test]
    fn what_came_by_an_owners_exchange_is_what_its_routing_key_says_and_no_type_makes_it_another() {
        let shredded = Some("shredder.ticket-shredded");
        assert_eq!(fate("shredder.events", "shredder.ticket-shredded", None), "handled");
        assert_eq!(fate("shredder.events", "shredder.ticket-shredded", shredded), "handled");
        for exchange in ["shredder.events", "desk.requests", "desk.devices"] {
            assert_eq!(fate(exchange, "desk.ticket-filed", shredded), "malformed", "{exchange}");
        }
        assert_eq!(fate("shredder.events", "desk.ticket-filed", None), "unknown-type");
        // Whoever may write to a queue by its name says what it is.
        assert_eq!(fate("", "clerk.shredder.ticket-shredded", shredded), "handled");
    }
}
