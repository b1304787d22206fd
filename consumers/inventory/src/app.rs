//! Reservations: each order gets one outcome, once and for all.

use std::time::{SystemTime, UNIX_EPOCH};

use contracts::inventory::{StockLevel, StockRejected, StockReleased, StockReserved};
use contracts::orders::OrderPlaced;
use contracts::values::{OrderId, Sku};
use contracts::warehouse::StockCounted;
use garenne::store::{Json, Store, StoreError, Transaction, Word};
use serde::{Deserialize, Serialize};
use sqlx::Connection;

use crate::count::{self, Counted};
use crate::{config, shelf};

/// The stock of the shop.
#[derive(Debug, Clone)]
pub struct Inventory {
    store: Store,
}

/// What became of an order's wish for stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All lines lie aside.
    Reserved(StockReserved),
    /// Nothing was taken.
    Rejected(StockRejected),
    /// The order was cancelled before, or has been cancelled since: there is nothing to say.
    Void,
}

/// The column `reservations.state`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Reserved,
    Rejected,
    Released,
    /// A cancellation came first; an order that comes late finds it here and takes nothing.
    Cancelled,
}

impl Inventory {
    /// Opens the database that the environment names.
    ///
    /// # Errors
    ///
    /// When `DATABASE_URL` is missing or the database cannot be opened.
    pub async fn open() -> Result<Self, StoreError> {
        Self::at(&config::database_url()).await
    }

    /// Opens the database at this URL.
    ///
    /// # Errors
    ///
    /// When the database cannot be opened.
    pub async fn at(url: &str) -> Result<Self, StoreError> {
        Ok(Self { store: Store::open(url, &sqlx::migrate!()).await? })
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Puts every line of the order aside, or none. An order that was decided before gets the same outcome.
    ///
    /// # Errors
    ///
    /// When the database fails: try again.
    pub async fn reserve(transaction: &mut Transaction, order: &OrderPlaced) -> Result<Outcome, sqlx::Error> {
        let order_id = order.order_id;
        if !claim(transaction, order_id, State::Reserved).await? {
            return decided(transaction, order_id).await;
        }
        let mut shelves = transaction.begin().await?;
        let outcome = match shelf::take(&mut shelves, order, now()).await? {
            Ok(total) => {
                shelves.commit().await?;
                let reserved = StockReserved { order_id, total, card: order.card.clone() };
                settle(transaction, order_id, State::Reserved, &reserved).await?;
                Outcome::Reserved(reserved)
            }
            Err(shelf::Missing { sku, available }) => {
                shelves.rollback().await?;
                let rejected = StockRejected { order_id, sku, available };
                settle(transaction, order_id, State::Rejected, &rejected).await?;
                Outcome::Rejected(rejected)
            }
        };
        match &outcome {
            Outcome::Rejected(StockRejected { sku, available, .. }) => {
                tracing::info!(%order_id, %sku, ?available, "stock rejected");
            }
            _ => tracing::info!(%order_id, "stock reserved"),
        }
        Ok(outcome)
    }

    /// Puts back what lies aside for the order, once; the same release again says the same. Returns nothing when
    /// nothing ever lay aside. An order that has not come yet will get nothing when it comes.
    ///
    /// # Errors
    ///
    /// When the database fails: try again.
    pub async fn release(
        transaction: &mut Transaction,
        order_id: OrderId,
    ) -> Result<Option<StockReleased>, sqlx::Error> {
        if claim(transaction, order_id, State::Cancelled).await? {
            tracing::info!(%order_id, "cancelled before anything was reserved");
            return Ok(None);
        }
        match state(transaction, order_id).await? {
            State::Rejected | State::Cancelled => Ok(None),
            State::Released => Ok(Some(answer(transaction, order_id).await?)),
            State::Reserved => {
                let released = StockReleased { order_id, lines: shelf::put_back(transaction, order_id, now()).await? };
                settle(transaction, order_id, State::Released, &released).await?;
                tracing::info!(%order_id, "stock released");
                Ok(Some(released))
            }
        }
    }

    /// Makes the stock what was counted, once for each count, and not where a newer count has come before. Roll back when the
    /// count is refused.
    ///
    /// # Errors
    ///
    /// When the database fails: try again.
    pub async fn correct(
        transaction: &mut Transaction,
        scanner: &str,
        count: &StockCounted,
    ) -> Result<Counted, sqlx::Error> {
        count::correct(transaction, scanner, count, now()).await
    }

    /// Price and units of one article; nothing when there is no such article.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn level(&self, sku: &Sku) -> Result<Option<StockLevel>, sqlx::Error> {
        shelf::level(self.store.pool(), sku).await
    }

    /// Price and units of every article, sorted by number.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn levels(&self) -> Result<Vec<StockLevel>, sqlx::Error> {
        shelf::levels(self.store.pool()).await
    }
}

/// Milliseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Whether this transaction is the first to decide about the order. Where two replicas claim at the same time, the
/// second one waits until the first has committed.
async fn claim(transaction: &mut Transaction, order_id: OrderId, state: State) -> Result<bool, sqlx::Error> {
    let inserted = sqlx::query("INSERT INTO reservations (order_id, state) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(Word(order_id))
        .bind(Word(state))
        .execute(&mut **transaction)
        .await?;
    Ok(inserted.rows_affected() == 1)
}

async fn decided(transaction: &mut Transaction, order_id: OrderId) -> Result<Outcome, sqlx::Error> {
    Ok(match state(transaction, order_id).await? {
        State::Reserved => Outcome::Reserved(answer(transaction, order_id).await?),
        State::Rejected => Outcome::Rejected(answer(transaction, order_id).await?),
        State::Released | State::Cancelled => Outcome::Void,
    })
}

/// The state, with the row locked where the database locks by row: the update changes nothing.
async fn state(transaction: &mut Transaction, order_id: OrderId) -> Result<State, sqlx::Error> {
    let (Word(state),): (Word<State>,) =
        sqlx::query_as("UPDATE reservations SET state = state WHERE order_id = $1 RETURNING state")
            .bind(Word(order_id))
            .fetch_one(&mut **transaction)
            .await?;
    Ok(state)
}

async fn answer<E>(transaction: &mut Transaction, order_id: OrderId) -> Result<E, sqlx::Error>
where
    E: serde::de::DeserializeOwned + Send + Unpin,
{
    let (Json(answer),): (Json<E>,) = sqlx::query_as("SELECT answer FROM reservations WHERE order_id = $1")
        .bind(Word(order_id))
        .fetch_one(&mut **transaction)
        .await?;
    Ok(answer)
}

async fn settle(
    transaction: &mut Transaction,
    order_id: OrderId,
    state: State,
    answer: &(impl Serialize + Sync),
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE reservations SET state = $2, answer = $3 WHERE order_id = $1")
        .bind(Word(order_id))
        .bind(Word(state))
        .bind(Json(answer))
        .execute(&mut **transaction)
        .await?;
    Ok(())
}
