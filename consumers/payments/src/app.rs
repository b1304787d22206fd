//! Charges: one per order, whatever arrives again and whoever dies in between.

use contracts::inventory::StockReserved;
use contracts::payments::{PaymentCaptured, PaymentDeclined};
use contracts::values::{Money, OrderId};
use garenne::store::{Store, StoreError, Transaction, Word};
use serde::{Deserialize, Serialize};

use crate::config;
use crate::provider::{Answer, PaymentProvider, Unreachable};
use crate::simulated::SimulatedProvider;

/// The charges of the shop, captured by a provider.
#[derive(Debug, Clone)]
pub struct Payments<P = SimulatedProvider> {
    store: Store,
    provider: P,
}

/// How a charge ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Charge {
    /// With the money.
    Captured(PaymentCaptured),
    /// Without.
    Declined(PaymentDeclined),
}

/// What the provider says about an order's charge, not stored yet.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an answer that is not stored is asked for again"]
pub struct Asked {
    order_id: OrderId,
    attempt: i64,
    /// Nothing when the charge has ended before, so that nobody had to be asked.
    answer: Option<Answer>,
}

/// Why a charge has not ended yet: try again.
#[derive(Debug, thiserror::Error)]
pub enum ChargeError {
    /// The provider gave no answer.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// The database failed.
    #[error("the charges' database: {0}")]
    Database(#[from] sqlx::Error),
}

/// The column `charges.state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Pending,
    Captured,
    Declined,
}

/// State, amount, attempts and reason of a charge.
type ChargeRow = (Word<State>, i64, i64, Option<String>);

impl Payments {
    /// Opens the database that the environment names; the provider is the simulated one.
    ///
    /// # Errors
    ///
    /// When `DATABASE_URL` is missing or the database cannot be opened.
    pub async fn open() -> Result<Self, StoreError> {
        Self::at(&config::database_url()).await
    }

    /// Opens the database at this URL; the provider is the simulated one.
    ///
    /// # Errors
    ///
    /// When the database cannot be opened.
    pub async fn at(url: &str) -> Result<Self, StoreError> {
        let store = Store::open(url, &sqlx::migrate!()).await?;
        Ok(Self { provider: SimulatedProvider::new(store.clone()), store })
    }
}

impl<P: PaymentProvider> Payments<P> {
    /// The same charges with another provider.
    #[must_use]
    pub fn captured_by<Q: PaymentProvider>(self, provider: Q) -> Payments<Q> {
        Payments { store: self.store, provider }
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Asks the provider to charge the order, unless its charge has ended before.
    ///
    /// The attempt is recorded before the provider is asked, and its answer is stored by [`Asked::settle`]. Whoever dies
    /// in between leaves a pending charge; the next attempt asks again, and the provider knows the order.
    ///
    /// # Errors
    ///
    /// When the provider or the database does not answer: try again.
    pub async fn ask(&self, reserved: &StockReserved) -> Result<Asked, ChargeError> {
        let order_id = reserved.order_id;
        let (Word(state), amount, attempt, _) = self.attempt(reserved).await?;
        let answer = match state {
            State::Pending => Some(self.provider.capture(order_id, Money::euro_cents(amount), &reserved.card).await?),
            State::Captured | State::Declined => None,
        };
        Ok(Asked { order_id, attempt, answer })
    }

    /// Records one more attempt, unless the charge has ended.
    async fn attempt(&self, reserved: &StockReserved) -> Result<ChargeRow, sqlx::Error> {
        let mut transaction = self.store.write().await?;
        let row = sqlx::query_as(
            "INSERT INTO charges (order_id, state, amount_cents, card, attempts) VALUES ($1, 'pending', $2, $3, 1)
             ON CONFLICT (order_id) DO UPDATE
             SET attempts = charges.attempts + CASE charges.state WHEN 'pending' THEN 1 ELSE 0 END
             RETURNING state, amount_cents, attempts, reason",
        )
        .bind(Word(reserved.order_id))
        .bind(reserved.total.amount)
        .bind(Word(&reserved.card))
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(row)
    }
}

impl Asked {
    /// Stores the provider's answer, unless another replica was faster: an order has one charge, which ends once.
    ///
    /// # Errors
    ///
    /// When the database fails: try again.
    pub async fn settle(self, transaction: &mut Transaction) -> Result<Charge, sqlx::Error> {
        let Asked { order_id, attempt, answer } = self;
        if let Some(answer) = answer {
            store(transaction, order_id, attempt, answer).await?;
        }
        let row = sqlx::query_as("SELECT state, amount_cents, attempts, reason FROM charges WHERE order_id = $1")
            .bind(Word(order_id))
            .fetch_one(&mut **transaction)
            .await?;
        let charge = ended(order_id, &row).ok_or(sqlx::Error::RowNotFound)?;
        match &charge {
            Charge::Captured(PaymentCaptured { amount, attempt, .. }) => {
                tracing::info!(%order_id, %amount, attempt, "payment captured");
            }
            Charge::Declined(PaymentDeclined { reason, .. }) => tracing::info!(%order_id, reason, "payment declined"),
        }
        Ok(charge)
    }
}

async fn store(
    transaction: &mut Transaction,
    order_id: OrderId,
    attempt: i64,
    answer: Answer,
) -> Result<(), sqlx::Error> {
    let (state, reason) = match answer {
        Answer::Captured => (State::Captured, None),
        Answer::Declined { reason } => (State::Declined, Some(reason)),
    };
    sqlx::query("UPDATE charges SET state = $2, reason = $3, attempts = $4 WHERE order_id = $1 AND state = 'pending'")
        .bind(Word(order_id))
        .bind(Word(state))
        .bind(reason)
        .bind(attempt)
        .execute(&mut **transaction)
        .await?;
    Ok(())
}

/// What to say about a charge; nothing while it is pending.
fn ended(order_id: OrderId, (Word(state), amount, attempts, reason): &ChargeRow) -> Option<Charge> {
    match state {
        State::Pending => None,
        State::Captured => Some(Charge::Captured(PaymentCaptured {
            order_id,
            amount: Money::euro_cents(*amount),
            attempt: u32::try_from(*attempts).unwrap_or(u32::MAX),
        })),
        State::Declined => {
            Some(Charge::Declined(PaymentDeclined { order_id, reason: reason.clone().unwrap_or_default() }))
        }
    }
}
