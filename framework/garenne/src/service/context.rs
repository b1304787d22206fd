//! What a handler gets beside its message.

use std::sync::Arc;
use std::time::Duration;

use garenne_contract::{Event, Request};

use super::client::{Client, Parts};
use crate::broker::PublishError;
use crate::consumer::{Failure, Message};
use crate::outbox::{Draft, Handling, MessageTransaction};
use crate::publisher::{Cause, Receipt};
use crate::rpc::{Answers, AskError};

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
    /// Nothing for the live feed and for several replies.
    handling: Option<Handling>,
}

impl<S> Context<S> {
    pub(super) fn new(client: &Client<S>, message: Message, handling: Option<Handling>) -> Self {
        let cause = Arc::new(message.cause());
        Self { parts: Arc::clone(&client.parts), message: Arc::new(message), cause, handling }
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

    /// Begins the transaction of this message, in which its effects happen once: what the handler does in it, the fact
    /// that the message was handled, and what is published from here on are committed together when the handler returns
    /// `Ok`, and undone when it fails, panics or passes its deadline.
    ///
    /// When the message comes again after that, this is an error that the handler returns with `?`, and the delivery is
    /// acknowledged. A message without an id is not known again: its handler runs as often as it is delivered.
    ///
    /// What the handler does elsewhere (another transaction, a mail, a charge) is outside: do it before, so that it can be
    /// told by its own traces, and keep the transaction short. With PostgreSQL a statement that fails spoils all of it: return
    /// its error, or give a statement that may fail a savepoint (`transaction.begin()`). A handler has one transaction, and
    /// while it holds it must not begin another one in the same database: with SQLite it would wait for itself.
    ///
    /// ```
    /// use garenne::store::Store;
    /// use garenne::{Classify, Context, Event, Failure, Service};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Event, Serialize, Deserialize)]
    /// #[event(name = "orders.order-placed", key = order_id)]
    /// struct OrderPlaced {
    ///     order_id: String,
    /// }
    ///
    /// #[derive(Event, Serialize, Deserialize)]
    /// #[event(name = "billing.invoice-written", key = order_id)]
    /// struct InvoiceWritten {
    ///     order_id: String,
    /// }
    ///
    /// struct Billing {
    ///     store: Store,
    /// }
    ///
    /// async fn write_invoice(order: OrderPlaced, ctx: Context<Billing>) -> Result<(), Failure> {
    ///     let mut transaction = ctx.transaction().await?;
    ///     let insert = sqlx::query("INSERT INTO invoices (order_id) VALUES ($1)").bind(&order.order_id);
    ///     insert.execute(&mut **transaction).await.or_retry()?;
    ///     ctx.publish(&InvoiceWritten { order_id: order.order_id }).await?; // once all of it is committed
    ///     Ok(())
    /// }
    ///
    /// fn service() -> Service<Billing> {
    ///     Service::new("billing")
    ///         .stores_in(|billing: &Billing| &billing.store)
    ///         .on(write_invoice)
    ///         .publishes::<InvoiceWritten>()
    /// }
    /// # assert!(service().faults().is_empty());
    /// ```
    ///
    /// # Errors
    ///
    /// Retryable when the database cannot be reached in time. A dead letter when the service does not say
    /// [where](crate::Service::stores_in) its transactions are, or when another message was handled under the same id.
    pub async fn transaction(&self) -> Result<MessageTransaction, Failure> {
        match &self.handling {
            Some(handling) => handling.begin().await,
            None => Err(Failure::dead_letter(
                "there is no transaction for an observer, nor for a handler of Service::answer_many, whose replies nothing takes back",
            )),
        }
    }

    /// Publishes an event and returns once the broker has confirmed it. After [`Context::transaction`] it returns at once, and
    /// the event is published when that is committed.
    ///
    /// # Errors
    ///
    /// [`PublishError`] says whether the broker may have the event all the same. `?` makes a retryable
    /// [`Failure`](crate::Failure) of it.
    pub async fn publish<E: Event>(&self, event: &E) -> Result<Receipt, PublishError> {
        let publisher = &self.parts.publisher;
        match &self.handling {
            Some(handling) if !handling.is_apart() => {
                handling.take_in(Draft::of(event, publisher, &self.cause)?)?;
                Ok(Receipt::new(None))
            }
            _ => publisher.event(event, &self.cause).await,
        }
    }

    /// Sends a request that nobody waits for, and returns once its owner's queue has it. After [`Context::transaction`] it
    /// returns at once, and the command is sent when that is committed. Declare it with [`asks`](crate::Service::asks).
    ///
    /// # Errors
    ///
    /// [`PublishError`] says whether the broker may have the command all the same.
    pub async fn command<R: Request>(&self, request: &R) -> Result<(), PublishError> {
        let publisher = &self.parts.publisher;
        match &self.handling {
            Some(handling) if !handling.is_apart() => {
                handling.take_in(Draft::of_command(request, publisher, &self.cause)?)
            }
            _ => publisher.command(request, &self.cause).await,
        }
    }

    /// Sends a request and waits for its reply, at most `REQUEST_TIMEOUT_MS`, and no longer than the caller of the request that
    /// is answered here waits for its own.
    ///
    /// # Errors
    ///
    /// [`AskError`] says what is known about the request's fate.
    pub async fn ask<R: Request>(&self, request: &R) -> Result<R::Reply, AskError<R::Error>> {
        self.ask_within(request, self.parts.request_timeout).await
    }

    /// Sends a request and waits for its reply, at most so long, never longer than 24 hours, and no longer than the caller of the
    /// request that is answered here waits for its own.
    ///
    /// # Errors
    ///
    /// [`AskError`] says what is known about the request's fate.
    pub async fn ask_within<R: Request>(
        &self,
        request: &R,
        patience: Duration,
    ) -> Result<R::Reply, AskError<R::Error>> {
        self.parts.ask(request, &self.cause, self.within(patience)).await
    }

    /// Sends a request that is answered with several replies. All of them together may take `REQUEST_TIMEOUT_MS`, and no longer
    /// than the caller of the request that is answered here waits for its own.
    ///
    /// # Errors
    ///
    /// When the request cannot be sent. What goes wrong later comes among the replies.
    pub async fn ask_many<R: Request>(&self, request: &R) -> Result<Answers<R>, AskError<R::Error>> {
        self.ask_many_within(request, self.parts.request_timeout).await
    }

    /// The same within another time, of which 24 hours count at most.
    ///
    /// # Errors
    ///
    /// When the request cannot be sent. What goes wrong later comes among the replies.
    pub async fn ask_many_within<R: Request>(
        &self,
        request: &R,
        patience: Duration,
    ) -> Result<Answers<R>, AskError<R::Error>> {
        self.parts.requester.ask_many(request, &self.cause, self.within(patience)).await
    }

    /// As much of it as the caller of this request still waits.
    fn within(&self, patience: Duration) -> Duration {
        self.message.time_left().map_or(patience, |left| left.min(patience))
    }
}

impl<S> Clone for Context<S> {
    fn clone(&self) -> Self {
        let Self { parts, message, cause, handling } = self;
        Self {
            parts: Arc::clone(parts),
            message: Arc::clone(message),
            cause: Arc::clone(cause),
            handling: handling.clone(),
        }
    }
}
