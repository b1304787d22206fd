//! The sales as they are told.

use std::collections::BTreeMap;

use contracts::analytics::{ArticleSales, MINUTES_LIMIT, MinuteSales, Sales};
use contracts::values::{Money, Sku};
use garenne::store::{Transaction, Word};

use crate::Analytics;

const MINUTES: u32 = 60;

impl Analytics {
    /// What was sold, and so many of the last minutes one by one.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn sales(&self, minutes: Option<u32>) -> Result<Sales, sqlx::Error> {
        let minutes = i64::from(minutes.unwrap_or(MINUTES).min(MINUTES_LIMIT));
        // One state of everything, whatever is counted meanwhile.
        let mut snapshot = self.store().snapshot().await?;
        let (edition, rebuilding, through): (i64, i64, Option<i64>) = sqlx::query_as(
            "SELECT answering, CASE WHEN answering = writing THEN 0 ELSE 1 END AS rebuilding, through FROM editions",
        )
        .fetch_one(&mut *snapshot)
        .await?;
        let totals: Option<(i64, i64)> = sqlx::query_as("SELECT orders, revenue_cents FROM totals WHERE edition = $1")
            .bind(edition)
            .fetch_optional(&mut *snapshot)
            .await?;
        let (orders, cents) = totals.unwrap_or_default();
        let articles: Vec<(Word<Sku>, i64)> =
            sqlx::query_as("SELECT sku, units FROM articles WHERE edition = $1 ORDER BY sku")
                .bind(edition)
                .fetch_all(&mut *snapshot)
                .await?;
        let articles: Vec<ArticleSales> = articles.into_iter().map(article).collect();
        Ok(Sales {
            orders: orders.unsigned_abs(),
            units: articles.iter().map(|article| article.units).sum(),
            revenue: Money::euro_cents(cents),
            articles,
            minutes: last_minutes(&mut snapshot, edition, minutes).await?,
            through: through.and_then(|offset| u64::try_from(offset).ok()),
            rebuilding: rebuilding == 1,
        })
    }
}

async fn last_minutes(snapshot: &mut Transaction, edition: i64, count: i64) -> Result<Vec<MinuteSales>, sqlx::Error> {
    let minutes: Vec<(i64, i64, i64)> = sqlx::query_as(
        "SELECT minute, orders, revenue_cents FROM minutes WHERE edition = $1 ORDER BY minute DESC LIMIT $2",
    )
    .bind(edition)
    .bind(count)
    .fetch_all(&mut **snapshot)
    .await?;
    let Some((oldest, _, _)) = minutes.last() else { return Ok(Vec::new()) };
    let sold: Vec<(i64, Word<Sku>, i64)> = sqlx::query_as(
        "SELECT minute, sku, units FROM minute_articles WHERE edition = $1 AND minute >= $2 ORDER BY minute, sku",
    )
    .bind(edition)
    .bind(*oldest)
    .fetch_all(&mut **snapshot)
    .await?;
    let mut articles: BTreeMap<i64, Vec<ArticleSales>> = BTreeMap::new();
    for (minute, sku, units) in sold {
        articles.entry(minute).or_default().push(article((sku, units)));
    }
    let told = minutes.into_iter().rev().map(|(minute, orders, cents)| MinuteSales {
        begins_at: minute.unsigned_abs() * 60,
        orders: orders.unsigned_abs(),
        revenue: Money::euro_cents(cents),
        articles: articles.remove(&minute).unwrap_or_default(),
    });
    Ok(told.collect())
}

fn article((Word(sku), units): (Word<Sku>, i64)) -> ArticleSales {
    ArticleSales { sku, units: units.unsigned_abs() }
}
