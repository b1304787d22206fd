//! Effects once, whatever dies: a handler's own statements, the fact that its message was handled, and the messages it
//! publishes are one commit.
//!
//! Each delivery has a [`Handling`], in which its handler begins that transaction (`Context::transaction`). The [`inbox`]
//! knows the messages whose effects are committed, so one that comes again changes nothing. What is published meanwhile
//! stands in the outbox ([`rows`]) from the commit until the [`Relay`] has the broker's confirm for it. A task outside of
//! any handler has the same in a [`UnitOfWork`].

mod handling;
mod inbox;
mod message_transaction;
mod relay;
mod rows;
mod turn;
mod unit_of_work;

use std::sync::Arc;

use tokio::sync::Notify;

use crate::consumer::Failure;
use crate::publisher::now_in_milliseconds;
use crate::store::Store;

pub(crate) use handling::Handling;
pub use message_transaction::MessageTransaction;
pub(crate) use relay::Relay;
pub(crate) use rows::Draft;
pub use unit_of_work::UnitOfWork;

/// The time as the tables have it: milliseconds since 1970.
pub(crate) fn now() -> i64 {
    i64::try_from(now_in_milliseconds()).unwrap_or(i64::MAX)
}

/// What a handler ends in whose database fails.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(crate) fn database(error: sqlx::Error) -> Failure {
    Failure::retry(format!("the service's database: {error}")).of_class("database")
}

/// Where a service's transactions are, and the bell that wakes its relay.
#[derive(Debug, Clone)]
pub(crate) struct Outbox {
    store: Store,
    committed: Arc<Notify>,
}

impl Outbox {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, committed: Arc::default() }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// What to say when a transaction is wanted and the service does not say where.
    pub(crate) const MISSING: &str = "this service does not say where its transactions are: add .stores_in(|state: &State| &state.store) to its service()";
}
