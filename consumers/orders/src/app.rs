//! The orders and where each of them stands.

use contracts::orders::{CancelReason, OrderCancelled, OrderPlaced, OrderStatus, OrderView};
use contracts::storefront::CheckoutSubmitted;
use contracts::values::{CardToken, Customer, Money, OrderId, OrderLines};
use garenne::store::{Json, Store, StoreError, Transaction, Word};

use crate::config;
use crate::life::{Contradiction, Fact, Life};

/// The orders of the shop.
#[derive(Debug, Clone)]
pub struct Orders {
    store: Store,
}

/// An order as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The order.
    pub order_id: OrderId,
    /// Who buys.
    pub customer: Customer,
    /// What is bought.
    pub lines: OrderLines,
    /// Where it stands.
    pub life: Life,
}

/// An order of this number exists, and it is another one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("order {order_id} was submitted before with another {difference}: a new order needs a new order id")]
pub struct OtherContent {
    /// The number.
    pub order_id: OrderId,
    /// What differs.
    pub difference: &'static str,
}

/// Why a report about an order was not taken in.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Orders are stored before anything is said about them, so waiting would not help.
    #[error("there is no order {0}")]
    Unknown(OrderId),
    /// It contradicts what is known.
    #[error("order {0}: {1}")]
    Contradiction(OrderId, Contradiction),
}

type OrderRow = (Json<Customer>, Json<OrderLines>, Word<OrderStatus>, Option<i64>, Option<Word<CancelReason>>);

impl Orders {
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

    /// Stores a new order. The same one once more, from a customer who got no answer, changes nothing, and there is nothing to say: what
    /// was said of the first stands in the outbox since the same commit.
    ///
    /// # Errors
    ///
    /// Outside: the database, try again. Inside: the number belongs to another order.
    pub async fn place(
        transaction: &mut Transaction,
        checkout: &CheckoutSubmitted,
    ) -> Result<Result<Option<OrderPlaced>, OtherContent>, sqlx::Error> {
        let CheckoutSubmitted { order_id, customer, lines, card } = checkout;
        let inserted = sqlx::query(
            "INSERT INTO orders (order_id, customer, lines, card, status) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT DO NOTHING",
        )
        .bind(Word(order_id))
        .bind(Json(customer))
        .bind(Json(lines))
        .bind(Word(card))
        .bind(Word(Life::START.status))
        .execute(&mut **transaction)
        .await?;
        if inserted.rows_affected() == 0 {
            let (Json(known_customer), Json(known_lines), Word(known_card)): (
                Json<Customer>,
                Json<OrderLines>,
                Word<CardToken>,
            ) = sqlx::query_as("SELECT customer, lines, card FROM orders WHERE order_id = $1")
                .bind(Word(order_id))
                .fetch_one(&mut **transaction)
                .await?;
            let differences = [
                ("customer", known_customer != *customer),
                ("set of lines", known_lines != *lines),
                ("card", known_card != *card),
            ];
            let differs = differences.into_iter().find(|(_, differs)| *differs);
            return Ok(match differs {
                Some((difference, _)) => Err(OtherContent { order_id: *order_id, difference }),
                None => Ok(None),
            });
        }
        tracing::info!(%order_id, "order placed");
        Ok(Ok(Some(OrderPlaced { order_id: *order_id, lines: lines.clone(), card: card.clone() })))
    }

    /// Takes in what another service reports about an order; returns the order as it stands then.
    ///
    /// # Errors
    ///
    /// Outside: the database, try again. Inside: the report cannot be true.
    pub async fn record(
        transaction: &mut Transaction,
        order_id: OrderId,
        fact: Fact,
    ) -> Result<Result<Order, Refused>, sqlx::Error> {
        // An update that changes nothing: it locks the row where the database locks by row, and reads it.
        let row: Option<OrderRow> = sqlx::query_as(
            "UPDATE orders SET status = status WHERE order_id = $1
             RETURNING customer, lines, status, total_cents, cancel_reason",
        )
        .bind(Word(order_id))
        .fetch_optional(&mut **transaction)
        .await?;
        let Some(row) = row else { return Ok(Err(Refused::Unknown(order_id))) };
        let order = Order::from_row(order_id, row);
        let life = match order.life.after(fact) {
            Ok(life) => life,
            Err(contradiction) => return Ok(Err(Refused::Contradiction(order_id, contradiction))),
        };
        if life != order.life {
            sqlx::query("UPDATE orders SET status = $2, total_cents = $3, cancel_reason = $4 WHERE order_id = $1")
                .bind(Word(order_id))
                .bind(Word(life.status))
                .bind(life.total.map(|total| total.amount))
                .bind(life.cancel_reason.map(Word))
                .execute(&mut **transaction)
                .await?;
            tracing::info!(%order_id, status = ?life.status, "order moved on");
        }
        Ok(Ok(Order { life, ..order }))
    }

    /// An order as others may see it.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn view(&self, order_id: OrderId) -> Result<Option<OrderView>, sqlx::Error> {
        let row: Option<OrderRow> = sqlx::query_as(
            "SELECT customer, lines, status, total_cents, cancel_reason FROM orders WHERE order_id = $1",
        )
        .bind(Word(order_id))
        .fetch_optional(self.store.pool())
        .await?;
        Ok(row.map(|row| {
            let Order { lines, life: Life { status, total, cancel_reason }, .. } = Order::from_row(order_id, row);
            OrderView { order_id, status, lines, total, cancel_reason }
        }))
    }
}

impl Order {
    fn from_row(order_id: OrderId, (customer, lines, status, total_cents, cancel_reason): OrderRow) -> Self {
        let life = Life {
            status: status.0,
            total: total_cents.map(Money::euro_cents),
            cancel_reason: cancel_reason.map(|Word(reason)| reason),
        };
        Self { order_id, customer: customer.0, lines: lines.0, life }
    }

    /// What to say once it is cancelled.
    #[must_use]
    pub fn cancelled(self, reason: CancelReason) -> OrderCancelled {
        OrderCancelled { order_id: self.order_id, customer: self.customer, reason }
    }
}
