//! The handlers of one queue, and how the one for a delivery is found.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};

use super::{Failure, Message};
use crate::broker::Inbound;
use crate::retry::Reason;

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
        // somebody else may say.
        let message = Arc::new(message);
        let key = message.published_as();
        if message.name() != key && handlers.contains_key(message.name()) && handlers.contains_key(key) {
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
