//! The sales: each confirmed order counts once.

use std::collections::BTreeSet;

use contracts::analytics::Rebuilding;
use contracts::values::OrderId;
use garenne::log::{hold, rewind};
use garenne::store::{Store, StoreError, Transaction, Word};
use sqlx::AssertSqlSafe;

use crate::edition::Editions;
use crate::sold::Sum;
use crate::{LOG, READER, Sold, config};

/// Orders that one statement notes.
const NOTED_AT_ONCE: usize = 250;
/// Rows that are removed with one statement, so that nobody waits long for the write lock.
const SWEPT_AT_ONCE: u64 = 2000;

/// Where a reader goes on after a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoOn {
    /// With what comes next.
    AfterThePage,
    /// After this entry of the log.
    After(u64),
    /// With the oldest entry of the log.
    FromTheBeginning,
}

/// The sales of the shop.
#[derive(Debug, Clone)]
pub struct Analytics {
    store: Store,
}

impl Analytics {
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

    /// Counts the orders of a page that ends with this entry of the log. A rebuild from a log that has lost its beginning, or
    /// that was deleted and began anew, would forget what the answers still know, so it is given up.
    ///
    /// # Errors
    ///
    /// When the database fails: try again.
    pub async fn count(
        transaction: &mut Transaction,
        sold: &[Sold],
        through: u64,
        missed: u64,
    ) -> Result<GoOn, sqlx::Error> {
        let editions = Editions::lock(transaction).await?;
        if let (Some(until), 1..) = (editions.rebuilt_until(), missed) {
            editions.give_up(transaction).await?;
            tracing::error!(missed, "the log no longer has all that was counted; the rebuild is given up");
            return Ok(GoOn::After(until));
        }
        let edition = editions.writing();
        let new = note(transaction, edition, sold).await?;
        if !new.is_empty() {
            add(transaction, edition, &Sum::of(sold, new)).await?;
        }
        if editions.is_rebuilt(through) && editions.would_forget(transaction).await? {
            editions.give_up(transaction).await?;
            tracing::error!(
                "the log holds less than was counted: it was deleted, or is another one; the rebuild is given up"
            );
            // What of this log the answers do not know yet is counted into them.
            return Ok(GoOn::FromTheBeginning);
        }
        editions.counted(transaction, through).await?;
        Ok(GoOn::AfterThePage)
    }

    /// Has everything counted anew from the beginning of the log. The answers stay until the new result has come as far as
    /// they have. While that is under way, the same again changes nothing.
    ///
    /// # Errors
    ///
    /// When the database fails: try again.
    pub async fn rebuild(transaction: &mut Transaction) -> Result<Rebuilding, sqlx::Error> {
        hold(transaction, LOG, READER).await?;
        let editions = Editions::lock(transaction).await?;
        let until = editions.through();
        if until.is_some() && editions.rebuilt_until().is_none() {
            Editions::begin(transaction).await?;
            rewind(transaction, LOG, READER).await?;
            tracing::info!(until, "rebuilding");
        }
        Ok(Rebuilding { until })
    }

    /// Removes what editions have left that answered once, or that were given up.
    ///
    /// # Errors
    ///
    /// When the database fails; what is left is removed the next time.
    pub async fn sweep(&self) -> Result<(), sqlx::Error> {
        for (table, key) in [
            ("counted_orders", "edition, order_id"),
            ("minute_articles", "edition, minute, sku"),
            ("minutes", "edition, minute"),
            ("articles", "edition, sku"),
            ("totals", "edition"),
        ] {
            let sweep = format!(
                "DELETE FROM {table} WHERE ({key}) IN
                 (SELECT {key} FROM {table}
                  WHERE edition < (SELECT answering FROM editions)
                     OR (edition > (SELECT answering FROM editions) AND edition <> (SELECT writing FROM editions))
                  LIMIT {SWEPT_AT_ONCE})"
            );
            loop {
                let mut transaction = self.store.write().await?;
                let swept = sqlx::query(AssertSqlSafe(sweep.clone())).execute(&mut *transaction).await?;
                transaction.commit().await?;
                if swept.rows_affected() < SWEPT_AT_ONCE {
                    break;
                }
            }
        }
        Ok(())
    }
}

/// Notes orders; returns those that were not noted before.
async fn note(transaction: &mut Transaction, edition: i64, sold: &[Sold]) -> Result<BTreeSet<OrderId>, sqlx::Error> {
    let mut new = BTreeSet::new();
    for orders in sold.chunks(NOTED_AT_ONCE) {
        let rows: Vec<String> = (2..orders.len() + 2).map(|order| format!("($1, ${order})")).collect();
        let note = format!(
            "INSERT INTO counted_orders (edition, order_id) VALUES {} ON CONFLICT DO NOTHING RETURNING order_id",
            rows.join(", ")
        );
        // Pages are mostly of some few sizes; what is rare must not drive other statements out of the cache.
        let whole = orders.len() == NOTED_AT_ONCE;
        let mut note = sqlx::query_as(AssertSqlSafe(note)).persistent(whole).bind(edition);
        for order in orders {
            note = note.bind(Word(order.order_id));
        }
        let noted: Vec<(Word<OrderId>,)> = note.fetch_all(&mut **transaction).await?;
        new.extend(noted.into_iter().map(|(Word(order),)| order));
    }
    Ok(new)
}

async fn add(transaction: &mut Transaction, edition: i64, sum: &Sum<'_>) -> Result<(), sqlx::Error> {
    let totals = "INSERT INTO totals (edition, orders, revenue_cents) VALUES ($1, $2, $3) ON CONFLICT (edition)
                  DO UPDATE SET orders = totals.orders + excluded.orders,
                                revenue_cents = totals.revenue_cents + excluded.revenue_cents";
    sqlx::query(totals).bind(edition).bind(sum.orders).bind(sum.cents).execute(&mut **transaction).await?;
    for (minute, (orders, cents)) in &sum.minutes {
        let minutes = "INSERT INTO minutes (edition, minute, orders, revenue_cents) VALUES ($1, $2, $3, $4)
                       ON CONFLICT (edition, minute)
                       DO UPDATE SET orders = minutes.orders + excluded.orders,
                                     revenue_cents = minutes.revenue_cents + excluded.revenue_cents";
        let minutes = sqlx::query(minutes).bind(edition).bind(*minute).bind(*orders).bind(*cents);
        minutes.execute(&mut **transaction).await?;
    }
    for (sku, units) in &sum.articles {
        let articles = "INSERT INTO articles (edition, sku, units) VALUES ($1, $2, $3) ON CONFLICT (edition, sku)
                        DO UPDATE SET units = articles.units + excluded.units";
        sqlx::query(articles).bind(edition).bind(sku.as_str()).bind(*units).execute(&mut **transaction).await?;
    }
    for ((minute, sku), units) in &sum.minute_articles {
        let articles = "INSERT INTO minute_articles (edition, minute, sku, units) VALUES ($1, $2, $3, $4)
                        ON CONFLICT (edition, minute, sku)
                        DO UPDATE SET units = minute_articles.units + excluded.units";
        let articles = sqlx::query(articles).bind(edition).bind(*minute).bind(sku.as_str()).bind(*units);
        articles.execute(&mut **transaction).await?;
    }
    Ok(())
}
