//! What a handler gets beside its message.

use std::sync::Arc;
use std::time::Duration;

use garenne_contract::{Event, Request};

use super::client::{Client, Parts};
use crate::broker::PublishError;
use crate::consumer::Message;
use crate::publisher::{Cause, Receipt};
use crate::rpc::AskError;

/// The service's state, its way to the broker, and where the message comes from. Cheap to clone.
///
/// What is published or asked through it belongs to the message's conversation and trace.
///
/// ```
/// use garenne::{Context, Event, Failure};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Event, Serialize, Deserialize)]
/// #[event(name = "orders.order-placed")]
/// struct OrderPlaced {
///     order_id: u64,
/// }
///
/// #[derive(Event, Serialize, Deserialize)]
/// #[event(name = "billing.invoice-written")]
/// struct InvoiceWritten {
///     number: String,
/// }
///
/// struct Billing {
///     prefix: &'static str,
/// }
///
/// async fn write_invoice(order: OrderPlaced, ctx: Context<Billing>) -> Result<(), Failure> {
///     let number = format!("{}-{}", ctx.state().prefix, order.order_id);
///     if ctx.message().attempt() > 1 {
///         // Look whether an earlier attempt has written it already.
///     }
///     ctx.publish(&InvoiceWritten { number }).await?;
///     Ok(())
/// }
/// ```
pub struct Context<S> {
    parts: Arc<Parts<S>>,
    message: Arc<Message>,
    cause: Arc<Cause>,
}

impl<S> Context<S> {
    pub(super) fn new(client: &Client<S>, message: Message) -> Self {
        let cause = Arc::new(message.cause());
        Self { parts: Arc::clone(&client.parts), message: Arc::new(message), cause }
    }

    /// The service's state.
    #[must_use]
    pub fn state(&self) -> &S {
        &self.parts.state
    }

    /// Where the message comes from and which attempt this is.
    #[must_use]
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// Publishes an event and returns once the broker has confirmed it.
    ///
    /// # Errors
    ///
    /// [`PublishError`] says whether the broker may have the event all the same. `?` makes a retryable
    /// [`Failure`](crate::Failure) of it.
    pub async fn publish<E: Event>(&self, event: &E) -> Result<Receipt, PublishError> {
        self.parts.publisher.event(event, &self.cause).await
    }

    /// Sends a request and waits for its reply, at most `REQUEST_TIMEOUT_MS`.
    ///
    /// # Errors
    ///
    /// [`AskError`] says what is known about the request's fate.
    pub async fn ask<R: Request>(&self, request: &R) -> Result<R::Reply, AskError<R::Error>> {
        self.ask_within(request, self.parts.request_timeout).await
    }

    /// Sends a request and waits for its reply, at most so long.
    ///
    /// # Errors
    ///
    /// [`AskError`] says what is known about the request's fate.
    pub async fn ask_within<R: Request>(
        &self,
        request: &R,
        patience: Duration,
    ) -> Result<R::Reply, AskError<R::Error>> {
        self.parts.requester.ask(request, &self.cause, patience).await
    }
}

impl<S> Clone for Context<S> {
    fn clone(&self) -> Self {
        Self { parts: Arc::clone(&self.parts), message: Arc::clone(&self.message), cause: Arc::clone(&self.cause) }
    }
}
