//! A payment provider that is told by the card's token what to do.

use std::time::Duration;

use contracts::values::{CardToken, Money, OrderId};
use garenne::store::{Store, Word};

use crate::provider::{Answer, PaymentProvider, Unreachable};

/// How long `tok_slow` takes.
const SLOW: Duration = Duration::from_secs(2);

/// The try with which `tok_flaky` succeeds.
const FLAKY_TRY: i64 = 3;

/// The simulated provider. Its books are in the service's database, so that all replicas deal with the same one.
#[derive(Debug, Clone)]
pub struct SimulatedProvider {
    store: Store,
}

impl SimulatedProvider {
    pub(crate) fn new(store: Store) -> Self {
        Self { store }
    }

    /// Counts a try; returns its number and whether the money has been taken before.
    async fn count(&self, order_id: OrderId) -> Result<(i64, bool), sqlx::Error> {
        let mut transaction = self.store.write().await?;
        let (tries, captured): (i64, Option<i64>) = sqlx::query_as(
            "INSERT INTO provider_books (idempotency_key, tries) VALUES ($1, 1)
             ON CONFLICT (idempotency_key) DO UPDATE SET tries = provider_books.tries + 1
             RETURNING tries, captured_cents",
        )
        .bind(Word(order_id))
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok((tries, captured.is_some()))
    }

    async fn take(&self, order_id: OrderId, amount: Money) -> Result<Answer, sqlx::Error> {
        let mut transaction = self.store.write().await?;
        sqlx::query(
            "UPDATE provider_books SET captured_cents = $2 WHERE idempotency_key = $1 AND captured_cents IS NULL",
        )
        .bind(Word(order_id))
        .bind(amount.amount)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(Answer::Captured)
    }
}

impl PaymentProvider for SimulatedProvider {
    async fn capture(&self, order_id: OrderId, amount: Money, card: &CardToken) -> Result<Answer, Unreachable> {
        let lost = |error: sqlx::Error| Unreachable(error.to_string());
        let declined = |reason: &str| Ok(Answer::Declined { reason: reason.to_owned() });
        let (tries, captured) = self.count(order_id).await.map_err(lost)?;
        if captured {
            return Ok(Answer::Captured);
        }
        match card.as_str() {
            "tok_ok" => {}
            "tok_slow" => tokio::time::sleep(SLOW).await,
            "tok_flaky" if tries >= FLAKY_TRY => {}
            "tok_flaky" => return Err(Unreachable(format!("connection reset (try {tries})"))),
            "tok_down" => return Err(Unreachable("connection refused".to_owned())),
            "tok_declined" => return declined("insufficient funds"),
            _ => return declined("unknown card"),
        }
        self.take(order_id, amount).await.map_err(lost)
    }
}
