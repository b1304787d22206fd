//! Effects and messages as one commit, outside of any handler.

use std::ops::{Deref, DerefMut};

use garenne_contract::{Event, Request};

use super::{Draft, Outbox, now, rows};
use crate::broker::PublishError;
use crate::publisher::{Cause, Publisher};
use crate::store::Transaction;
use crate::telemetry::{Kind, Span};

/// A transaction of a background task, and the events that are published when it is committed. Dropping it without
/// [`UnitOfWork::commit`] undoes all of it.
///
/// ```
/// use garenne::store::Store;
/// use garenne::{Client, Event};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Event, Serialize, Deserialize)]
/// #[event(name = "billing.year-closed")]
/// struct YearClosed {
///     year: u16,
/// }
///
/// struct Billing {
///     store: Store,
/// }
///
/// async fn close_year(client: &Client<Billing>, year: u16) -> Result<(), Box<dyn std::error::Error>> {
///     let mut unit = client.transaction().await?;
///     sqlx::query("UPDATE years SET closed = 1 WHERE year = $1").bind(i32::from(year)).execute(&mut **unit).await?;
///     unit.publish(&YearClosed { year })?;
///     unit.commit().await?;
///     Ok(())
/// }
/// # let _service = garenne::Service::new("billing").stores_in(|billing: &Billing| &billing.store);
/// ```
#[derive(Debug)]
#[must_use = "dropping it undoes what was done in it"]
pub struct UnitOfWork {
    transaction: Transaction,
    outbox: Outbox,
    publisher: Publisher,
    cause: Cause,
    drafts: Vec<Draft>,
    span: Span,
}

impl UnitOfWork {
    pub(crate) async fn begin(outbox: &Outbox, publisher: &Publisher) -> Result<Self, sqlx::Error> {
        let cause = Cause::new_conversation();
        let mut span = publisher.tracer().begin(Kind::Internal, &cause.trace);
        span.describe(|about| about.name(format!("commit {}", publisher.service())));
        let cause = Cause { trace: span.trace().clone(), ..cause };
        Ok(Self {
            transaction: outbox.store.write().await?,
            outbox: outbox.clone(),
            publisher: publisher.clone(),
            cause,
            drafts: Vec::new(),
            span,
        })
    }

    /// Takes an event into the transaction. It is published once that is committed. All events of one unit belong to one
    /// conversation.
    ///
    /// # Errors
    ///
    /// When the event is not declared, or cannot be encoded.
    pub fn publish<E: Event>(&mut self, event: &E) -> Result<(), PublishError> {
        self.drafts.push(Draft::of(event, &self.publisher, &self.cause)?);
        Ok(())
    }

    /// Takes a command into the transaction: a request that nobody waits for. It is sent once that is committed.
    ///
    /// # Errors
    ///
    /// When the request is not declared, or cannot be encoded.
    pub fn command<R: Request>(&mut self, request: &R) -> Result<(), PublishError> {
        self.drafts.push(Draft::of_command(request, &self.publisher, &self.cause)?);
        Ok(())
    }

    /// Commits. From here on the events reach the broker, whatever dies.
    ///
    /// # Errors
    ///
    /// When the database fails. If that was during the commit itself, it may have happened or not.
    pub async fn commit(mut self) -> Result<(), sqlx::Error> {
        rows::insert(&mut self.transaction, self.outbox.store.kind(), self.drafts, now()).await?;
        self.transaction.commit().await?;
        self.outbox.committed.notify_one();
        self.span.end(None);
        Ok(())
    }
}

impl Deref for UnitOfWork {
    type Target = Transaction;

    fn deref(&self) -> &Transaction {
        &self.transaction
    }
}

impl DerefMut for UnitOfWork {
    fn deref_mut(&mut self) -> &mut Transaction {
        &mut self.transaction
    }
}
