//! The two kinds of message.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::MessageName;

/// Something that happened, told in the past tense.
///
/// Its owner publishes it; nobody or many subscribe. The body on the wire is its JSON and nothing else.
/// Derive it: `#[derive(Event)] #[event(name = "orders.order-placed", key = order_id)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    note = "derive it where the message is defined: `#[derive(Event, Serialize, Deserialize)] #[event(name = \"owner.what-happened\")]`"
)]
pub trait Event: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The routing key and the `type` property.
    const NAME: MessageName;

    /// Names what the event is about, such as an order. Events of one key that are published within transactions reach
    /// the broker in the order of their commits. Without a key that holds for the events of one conversation.
    fn key(&self) -> Option<String> {
        None
    }
}

/// Something asked of one service, which answers.
///
/// Derive it: `#[derive(Request)] #[request(name = "inventory.check-stock", reply = StockLevel, error = UnknownArticle)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a request",
    note = "derive it where the message is defined: `#[derive(Request, Serialize, Deserialize)] #[request(name = \"owner.what-to-do\", reply = …)]`"
)]
pub trait Request: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The routing key and the `type` property.
    const NAME: MessageName;
    /// What a successful answer holds. `()` is an empty answer.
    type Reply: Serialize + DeserializeOwned + Send + Sync + 'static;
    /// What the responder refuses with. [`NoError`] when it never refuses.
    type Error: Serialize + DeserializeOwned + fmt::Display + fmt::Debug + Send + Sync + 'static;
}

/// The error of a [`Request`] that has none: no value of it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoError {}

impl fmt::Display for NoError {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}
