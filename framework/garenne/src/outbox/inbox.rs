//! Which messages' effects are committed: the table `garenne_inbox`.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::store::{Store, Transaction};

/// Rows that are removed with one statement, so that nobody waits long for the write lock.
const PRUNED_AT_ONCE: u32 = 1000;

/// What the inbox knows about a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing: it is noted now, and stays noted if the transaction commits.
    New,
    /// Its effects are committed.
    Before,
    /// A message of this id was handled, and it had another body.
    OtherBody,
}

/// Notes a message of a queue. Where two replicas handle the same one at the same time, the second waits here until the first
/// has committed or rolled back.
pub(super) async fn note(
    transaction: &mut Transaction,
    queue: &str,
    message_id: &str,
    body: &[u8],
    now: i64,
) -> Result<Known, sqlx::Error> {
    let digest = digest(body);
    let noted = sqlx::query(
        "INSERT INTO garenne_inbox (queue, message_id, digest, handled_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
    )
    .bind(queue)
    .bind(message_id)
    .bind(&digest)
    .bind(now)
    .execute(&mut **transaction)
    .await?;
    if noted.rows_affected() == 1 {
        return Ok(Known::New);
    }
    let (known,): (String,) = sqlx::query_as("SELECT digest FROM garenne_inbox WHERE queue = $1 AND message_id = $2")
        .bind(queue)
        .bind(message_id)
        .fetch_one(&mut **transaction)
        .await?;
    Ok(if known == digest { Known::Before } else { Known::OtherBody })
}

/// Forgets what was handled before this time.
pub(super) async fn prune(store: &Store, before: i64) -> Result<(), sqlx::Error> {
    loop {
        let mut transaction = store.write().await?;
        let pruned = sqlx::query(
            "DELETE FROM garenne_inbox WHERE (queue, message_id) IN
             (SELECT queue, message_id FROM garenne_inbox WHERE handled_at < $1 LIMIT $2)",
        )
        .bind(before)
        .bind(i64::from(PRUNED_AT_ONCE))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        if pruned.rows_affected() < u64::from(PRUNED_AT_ONCE) {
            return Ok(());
        }
    }
}

/// Half of a SHA-256: enough to tell bodies apart that were not made to collide, and the sender gains nothing by that.
fn digest(body: &[u8]) -> String {
    Sha256::digest(body).iter().take(16).fold(String::with_capacity(32), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
