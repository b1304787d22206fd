//! Counts: what was found on the shelf corrects what the books say, each count once, in the order of their times.

use contracts::values::{Sku, Units};
use contracts::warehouse::StockCounted;
use garenne::store::{Transaction, Word};

/// How far ahead of ours a scanner's clock may be, in milliseconds.
const CLOCKS_DIFFER: i64 = 300_000;

/// What became of a count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counted {
    /// The stock was changed by so many units, maybe none.
    Corrected(i64),
    /// It has come before.
    Known,
    /// A newer count of the article has come before.
    Outdated,
    /// It cannot be right: why.
    Refused(String),
}

/// Takes a count into the books. What was reserved or released between the count and now is reckoned in.
pub(crate) async fn correct(
    transaction: &mut Transaction,
    scanner: &str,
    count: &StockCounted,
    now: i64,
) -> Result<Counted, sqlx::Error> {
    let StockCounted { count_id, sku, units, counted_at } = count;
    let counted_at = counted_at.milliseconds();
    if counted_at > now + CLOCKS_DIFFER {
        return Ok(Counted::Refused(format!(
            "counted_at is {} s from now; set the clock of {scanner:?}",
            (counted_at - now) / 1000
        )));
    }
    let noted = sqlx::query(
        "INSERT INTO counts (scanner, count_id, sku, units, counted_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
    )
    .bind(scanner)
    .bind(Word(count_id))
    .bind(Word(sku))
    .bind(i64::from(units.get()))
    .bind(counted_at)
    .execute(&mut **transaction)
    .await?;
    if noted.rows_affected() == 0 {
        return known(transaction, scanner, count).await;
    }
    // The first to touch the article: on a server its row is locked from here on, and everything that has changed its stock is
    // committed.
    let stock: Option<(i64,)> =
        sqlx::query_as("UPDATE articles SET counted_at = $2 WHERE sku = $1 AND counted_at < $2 RETURNING stock")
            .bind(Word(sku))
            .bind(counted_at)
            .fetch_optional(&mut **transaction)
            .await?;
    let Some((stock,)) = stock else {
        let article: Option<(i64,)> = sqlx::query_as("SELECT counted_at FROM articles WHERE sku = $1")
            .bind(Word(sku))
            .fetch_optional(&mut **transaction)
            .await?;
        let unknown = || Counted::Refused(format!("there is no article {sku}"));
        return Ok(article.map_or_else(unknown, |_| Counted::Outdated));
    };
    let correction = correction(transaction, sku, *units, counted_at, stock).await?;
    sqlx::query("UPDATE articles SET stock = stock + $2, corrected = corrected + $2 WHERE sku = $1")
        .bind(Word(sku))
        .bind(correction)
        .execute(&mut **transaction)
        .await?;
    sqlx::query("UPDATE counts SET correction = $3 WHERE scanner = $1 AND count_id = $2")
        .bind(scanner)
        .bind(Word(count_id))
        .bind(correction)
        .execute(&mut **transaction)
        .await?;
    Ok(Counted::Corrected(correction))
}

/// What the count found more than the books said at its time.
async fn correction(
    transaction: &mut Transaction,
    sku: &Sku,
    units: Units,
    counted_at: i64,
    stock: i64,
) -> Result<i64, sqlx::Error> {
    let (reserved, released): (i64, i64) = sqlx::query_as(
        "SELECT
            CAST(COALESCE((SELECT SUM(units) FROM reserved_lines WHERE sku = $1 AND reserved_at > $2), 0) AS BIGINT),
            CAST(COALESCE((SELECT SUM(units) FROM released_lines
                WHERE sku = $1 AND reserved_at <= $2 AND released_at > $2), 0) AS BIGINT)",
    )
    .bind(Word(sku))
    .bind(counted_at)
    .fetch_one(&mut **transaction)
    .await?;
    let then = stock + reserved - released;
    let correction = i64::from(units.get()) - then;
    if stock + correction < 0 {
        // Sold since the count, and never there: somebody has to be told that the shelf is empty.
        tracing::warn!(%sku, missing = -(stock + correction), "more was sold than was counted");
    }
    Ok(correction.max(-stock))
}

/// Whether a count that has come before says the same.
async fn known(transaction: &mut Transaction, scanner: &str, count: &StockCounted) -> Result<Counted, sqlx::Error> {
    let before: (String, i64, i64) =
        sqlx::query_as("SELECT sku, units, counted_at FROM counts WHERE scanner = $1 AND count_id = $2")
            .bind(scanner)
            .bind(Word(&count.count_id))
            .fetch_one(&mut **transaction)
            .await?;
    let now = (count.sku.to_string(), i64::from(count.units.get()), count.counted_at.milliseconds());
    if before == now {
        return Ok(Counted::Known);
    }
    Ok(Counted::Refused(format!("{scanner:?} has used the count id {} before, for another count", count.count_id)))
}
