//! Messages that wait for the relay: the table `garenne_outbox`.

use std::time::Duration;

use garenne_contract::{Event, Request};
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::broker::{Outgoing, Properties, PublishError};
use crate::publisher::{Cause, Publisher};
use crate::store::{Json, Kind, Transaction};
use crate::topology::names;

/// For so long a message is put off at most.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// What is put off for longer was put off by a replica whose clock was wrong, by more than clocks differ.
const WRONG_WAIT: Duration = Duration::from_secs(60);
/// Keys that one batch takes.
const KEYS: i64 = 128;
/// Messages that one batch takes.
const MESSAGES: i64 = 512;
/// Characters of bodies after which one batch takes no more.
const SIZE: i64 = 8 * 1024 * 1024;

/// A message that a transaction wants published.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    /// What it is about. Messages of one key keep their order.
    pub(crate) key: String,
    pub(crate) outgoing: Outgoing,
}

impl Draft {
    /// An event as it will stand on the wire, with its id, at the place of the handling that writes it: it gets its own when it
    /// is published.
    pub(crate) fn of<E: Event>(event: &E, publisher: &Publisher, cause: &Cause) -> Result<Self, PublishError> {
        let outgoing = publisher.seal(event, cause, &cause.trace)?;
        Ok(Self { key: event.key().unwrap_or_else(|| cause.conversation.to_string()), outgoing })
    }

    /// A command as it will stand on the wire, with its id. Those of one conversation keep their order.
    pub(crate) fn of_command<R: Request>(
        request: &R,
        publisher: &Publisher,
        cause: &Cause,
    ) -> Result<Self, PublishError> {
        Ok(Self {
            key: cause.conversation.to_string(),
            outgoing: publisher.seal_command(request, cause, &cause.trace)?,
        })
    }
}

/// A message that a committed transaction wants published.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) position: i64,
    pub(super) key: String,
    pub(super) attempts: i64,
    pub(super) outgoing: Outgoing,
}

impl Row {
    pub(super) fn message_id(&self) -> &str {
        self.outgoing.properties.message_id.as_deref().unwrap_or_default()
    }

    /// Whether it answers a request.
    pub(super) fn is_reply(&self) -> bool {
        // Into other queues nothing is answered.
        (self.outgoing.exchange.is_empty() && self.outgoing.routing_key.starts_with("amq."))
            || names::is_replies(&self.outgoing.exchange)
    }

    /// Whether somebody has to have a queue for it: whoever shall do what it asks, or the server whose queue it names.
    pub(super) fn needs_a_queue(&self) -> bool {
        names::is_requests(&self.outgoing.exchange) || (self.outgoing.exchange.is_empty() && !self.is_reply())
    }
}

/// How much waits, and since when (milliseconds since 1970).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Backlog {
    pub(super) messages: i64,
    pub(super) oldest: Option<i64>,
}

/// Adds drafts to the transaction, as the last that happens before its commit.
///
/// PostgreSQL says "done" to the commit of a transaction of which a statement has failed, and undoes all of it. Any further
/// statement tells, so there is one also when there are no drafts.
///
/// On PostgreSQL, positions of one key are in the order of the commits: whoever takes a position for a key keeps others from
/// doing so until its transaction has ended. Keys are locked in their own order, so two transactions never wait for each other.
pub(super) async fn insert(
    transaction: &mut Transaction,
    kind: &Kind,
    mut drafts: Vec<Draft>,
    now: i64,
) -> Result<(), sqlx::Error> {
    if matches!(kind, Kind::Postgres) && drafts.is_empty() {
        sqlx::query("SELECT 1").execute(&mut **transaction).await?;
    }
    for draft in &mut drafts {
        // It may be a foreign client's correlation id, and PostgreSQL keeps no NUL.
        if draft.key.contains('\0') {
            draft.key = draft.key.replace('\0', "\u{fffd}");
        }
    }
    drafts.sort_by(|one, other| one.key.cmp(&other.key));
    for Draft { key, outgoing } in drafts {
        if matches!(kind, Kind::Postgres) {
            sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
                .bind(&key)
                .execute(&mut **transaction)
                .await?;
        }
        let Outgoing { exchange, routing_key, body, properties } = outgoing;
        sqlx::query(
            "INSERT INTO garenne_outbox (key, exchange, routing_key, message_id, properties, body, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(key)
        .bind(exchange)
        .bind(routing_key)
        .bind(properties.message_id.clone().unwrap_or_default())
        .bind(Json(properties))
        // Bodies are JSON, which is UTF-8.
        .bind(String::from_utf8_lossy(&body).into_owned())
        .bind(now)
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}

/// The first message of each key, unless it is put off, for no longer than it can be.
macro_rules! heads {
    () => {
        "SELECT o.position FROM garenne_outbox o WHERE o.not_before NOT BETWEEN $1 + 1 AND $1 + $3 AND NOT EXISTS
           (SELECT 1 FROM garenne_outbox e WHERE e.key = o.key AND e.position < o.position)
         ORDER BY o.position LIMIT $2"
    };
}

/// The messages of the next batch, by position: the first ones of some keys and what follows them. On PostgreSQL the first
/// ones are locked, and as long as they are there nobody else takes those that follow.
pub(super) async fn next(connection: &mut AnyConnection, kind: &Kind, now: i64) -> Result<Vec<Row>, sqlx::Error> {
    let heads = match kind {
        Kind::Sqlite { .. } => heads!(),
        Kind::Postgres => concat!(heads!(), " FOR UPDATE OF o SKIP LOCKED"),
    };
    let wrong = i64::try_from(WRONG_WAIT.as_millis()).unwrap_or(i64::MAX);
    let heads = sqlx::query_as(heads).bind(now).bind(KEYS).bind(wrong);
    let heads: Vec<(i64,)> = heads.fetch_all(&mut *connection).await?;
    if heads.is_empty() {
        return Ok(Vec::new());
    }
    let rows = format!(
        "SELECT position, key, attempts, exchange, routing_key, properties, body FROM
           (SELECT o.*, SUM(LENGTH(body)) OVER (ORDER BY position) - LENGTH(body) AS size_before FROM garenne_outbox o
            WHERE key IN (SELECT key FROM garenne_outbox WHERE position IN ({})) ORDER BY position LIMIT {MESSAGES}) batch
         WHERE size_before < {SIZE} ORDER BY position",
        list(heads.into_iter().map(|(position,)| position)),
    );
    type Columns = (i64, String, i64, String, String, Json<Properties>, String);
    let rows: Vec<Columns> = sqlx::query_as(AssertSqlSafe(rows)).persistent(false).fetch_all(&mut *connection).await?;
    let row = |(position, key, attempts, exchange, routing_key, Json(properties), body): Columns| Row {
        position,
        key,
        attempts,
        outgoing: Outgoing { exchange, routing_key, body: body.into_bytes(), properties },
    };
    Ok(rows.into_iter().map(row).collect())
}

/// Removes what the broker has confirmed.
pub(super) async fn remove(transaction: &mut Transaction, rows: &[Row]) -> Result<(), sqlx::Error> {
    if !rows.is_empty() {
        let list = list(rows.iter().map(|row| row.position));
        let delete = format!("DELETE FROM garenne_outbox WHERE position IN ({list})");
        sqlx::query(AssertSqlSafe(delete)).persistent(false).execute(&mut **transaction).await?;
    }
    Ok(())
}

/// Puts off what the broker has refused, and with it what follows under the same key.
pub(super) async fn postpone(
    transaction: &mut Transaction,
    position: i64,
    until: i64,
    error: &str,
) -> Result<(), sqlx::Error> {
    let postpone =
        "UPDATE garenne_outbox SET attempts = attempts + 1, not_before = $2, last_error = $3 WHERE position = $1";
    sqlx::query(postpone).bind(position).bind(until).bind(error).execute(&mut **transaction).await?;
    Ok(())
}

pub(super) async fn backlog(connection: &mut AnyConnection) -> Result<Backlog, sqlx::Error> {
    let backlog = "SELECT COUNT(*), MIN(created_at) FROM garenne_outbox";
    let (messages, oldest) = sqlx::query_as(backlog).fetch_one(connection).await?;
    Ok(Backlog { messages, oldest })
}

fn list(positions: impl Iterator<Item = i64>) -> String {
    positions.map(|position| position.to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    fn draft(key: &str) -> Draft {
        let (exchange, routing_key) = ("x".into(), "k".into());
        let outgoing = Outgoing { exchange, routing_key, body: Vec::new(), properties: Properties::default() };
        Draft { key: key.into(), outgoing }
    }

    #[tokio::test]
    async fn whatever_names_a_conversation_its_messages_have_a_key_that_every_database_keeps() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::in_folder(folder.path()).await;
        let mut transaction = store.write().await.unwrap();
        insert(&mut transaction, store.kind(), vec![draft("odd\0name")], 1).await.unwrap();
        let rows = next(&mut transaction, store.kind(), 1).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["odd\u{fffd}name"]);
    }

    #[tokio::test]
    async fn a_message_that_a_wrong_clock_has_put_off_is_not_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::in_folder(folder.path()).await;
        let now = 1_000_000;
        let mut transaction = store.write().await.unwrap();
        let drafts = ["ready", "put off", "put off by a clock that was a day ahead"].map(draft);
        insert(&mut transaction, store.kind(), drafts.to_vec(), now).await.unwrap();
        for (key, until) in [("put off", 30_000), ("put off by a clock that was a day ahead", 86_430_000)] {
            let position = sqlx::query_as("SELECT position FROM garenne_outbox WHERE key = $1").bind(key);
            let (position,) = position.fetch_one(&mut *transaction).await.unwrap();
            postpone(&mut transaction, position, now + until, "refused").await.unwrap();
        }
        let rows = next(&mut transaction, store.kind(), now).await.unwrap();
        let mut keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["put off by a clock that was a day ahead", "ready"]);
    }
}
