//! Which messages' effects are committed: the table `garenne_inbox`.

use std::fmt::Write as _;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::store::{Kind, Store, Transaction};

/// Rows that are removed with one statement, so that nobody waits long for the write lock.
const PRUNED_AT_ONCE: u32 = 1000;

// The time is the database's: a replica whose clock is wrong would forget for all of them.
macro_rules! sqlite_now {
    () => {
        "unixepoch() * 1000"
    };
}
macro_rules! postgres_now {
    () => {
        "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT"
    };
}
macro_rules! note {
    ($now:expr) => {
        concat!(
            "INSERT INTO garenne_inbox (queue, message_id, digest, handled_at) VALUES ($1, $2, $3, ",
            $now,
            ") ON CONFLICT DO NOTHING"
        )
    };
}
macro_rules! prune {
    ($now:expr) => {
        concat!(
            "DELETE FROM garenne_inbox WHERE (queue, message_id) IN
             (SELECT queue, message_id FROM garenne_inbox WHERE handled_at < ",
            $now,
            " - $1 LIMIT $2)"
        )
    };
}

/// What the inbox knows about a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Nothing: it is noted now, and stays noted if the transaction commits.
    New,
    /// Its effects are committed.
    Before,
    /// A message of this id was handled, and it had another name or body.
    Other,
}

/// Notes a message of a queue. Where two replicas handle the same one at the same time, the second waits here until the first
/// has committed or rolled back.
pub(super) async fn note(
    transaction: &mut Transaction,
    kind: &Kind,
    queue: &str,
    message_id: &str,
    name: &str,
    body: &[u8],
) -> Result<Known, sqlx::Error> {
    let digest = digest(name, body);
    let note = match kind {
        Kind::Sqlite { .. } => note!(sqlite_now!()),
        Kind::Postgres => note!(postgres_now!()),
    };
    let noted = sqlx::query(note).bind(queue).bind(message_id).bind(&digest).execute(&mut **transaction).await?;
    if noted.rows_affected() == 1 {
        return Ok(Known::New);
    }
    let (known,): (String,) = sqlx::query_as("SELECT digest FROM garenne_inbox WHERE queue = $1 AND message_id = $2")
        .bind(queue)
        .bind(message_id)
        .fetch_one(&mut **transaction)
        .await?;
    Ok(if known == digest { Known::Before } else { Known::Other })
}

/// Forgets what was handled longer ago than this.
pub(super) async fn prune(store: &Store, memory: Duration) -> Result<(), sqlx::Error> {
    let prune = match store.kind() {
        Kind::Sqlite { .. } => prune!(sqlite_now!()),
        Kind::Postgres => prune!(postgres_now!()),
    };
    let memory = i64::try_from(memory.as_millis()).unwrap_or(i64::MAX);
    loop {
        let mut transaction = store.write().await?;
        let pruned = sqlx::query(prune).bind(memory).bind(i64::from(PRUNED_AT_ONCE));
        let pruned = pruned.execute(&mut *transaction).await?;
        transaction.commit().await?;
        if pruned.rows_affected() < u64::from(PRUNED_AT_ONCE) {
            return Ok(());
        }
    }
}

/// Half of a SHA-256: enough to tell messages apart that were not made to collide, and the sender gains nothing by that. The name
/// counts: several messages may share a queue, and look alike.
fn digest(name: &str, body: &[u8]) -> String {
    let digest = Sha256::new().chain_update(name).chain_update([0]).chain_update(body).finalize();
    digest.iter().take(16).fold(String::with_capacity(32), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_has_the_same_id_and_body_and_another_name_is_another_message() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::in_folder(folder.path()).await;
        let mut transaction = store.write().await.unwrap();
        let mut known = Vec::new();
        for name in ["desk.ticket-filed", "desk.ticket-filed", "desk.ticket-torn-up"] {
            let noted = note(&mut transaction, store.kind(), "clerk.life", "7", name, b"{\"number\":7}");
            known.push(noted.await.unwrap());
        }
        assert_eq!(known, [Known::New, Known::Before, Known::Other]);
    }
}
