//! How far a log is read: the table `garenne_offset`.

use super::Logged;
use crate::store::{Store, Transaction};
use crate::topology::names;

/// Where a reader is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Of the last entry that is done; -1 when none is.
    pub(super) offset: i64,
    /// Its message's id, if that is known.
    pub(super) message_id: Option<String>,
}

impl Place {
    /// At this offset, which is mostly that of the last entry.
    pub(super) fn of(offset: i64, last: &Logged) -> Self {
        // A NUL is what no database keeps.
        let message_id = last.message_id().filter(|id| offset == last.place() && !id.contains('\0'));
        Self { offset, message_id: message_id.map(str::to_owned) }
    }

    /// Whether another entry than this one was read there.
    pub(super) fn is_elsewhere(&self, entry: &Logged) -> bool {
        let known = self.message_id.as_deref();
        entry.place() == self.offset && known.is_some_and(|known| entry.message_id() != Some(known))
    }
}

/// Where a reader is: the offset of the last entry that is done, if any is. Nobody moves it before this transaction ends.
///
/// Pages begin with this; whoever changes what a reader writes takes the reader first and the rest after it, so that no two
/// wait for each other.
///
/// # Errors
///
/// When the database fails.
pub async fn hold(transaction: &mut Transaction, log: &str, reader: &str) -> Result<Option<u64>, sqlx::Error> {
    let place = lock(transaction, &names::log(log), reader).await?;
    Ok(place.and_then(|place| u64::try_from(place.offset).ok()))
}

/// Has a reader read everything again, from the oldest entry that the log has, once this transaction is committed.
///
/// What it has done about the entries so far is for the service to put aside, in the same transaction. The reader notices
/// within a second or two, in whichever replica it is.
///
/// ```
/// use garenne::log::rewind;
/// use garenne::store::Store;
///
/// async fn count_anew(store: &Store) -> Result<(), sqlx::Error> {
///     let mut transaction = store.write().await?;
///     rewind(&mut transaction, "shop", "orders").await?;
///     sqlx::query("UPDATE orders SET units = 0").execute(&mut *transaction).await?;
///     transaction.commit().await
/// }
/// ```
///
/// # Errors
///
/// When the database fails.
pub async fn rewind(transaction: &mut Transaction, log: &str, reader: &str) -> Result<(), sqlx::Error> {
    let rewind = sqlx::query("UPDATE garenne_offset SET last_offset = -1 WHERE log = $1 AND reader = $2");
    rewind.bind(names::log(log)).bind(reader).execute(&mut **transaction).await.map(drop)
}

/// Where the reader is now.
pub(super) async fn look(store: &Store, log: &str, reader: &str) -> Result<Option<i64>, sqlx::Error> {
    let look = sqlx::query_as("SELECT last_offset FROM garenne_offset WHERE log = $1 AND reader = $2");
    let row: Option<(i64,)> = look.bind(log).bind(reader).fetch_optional(store.pool()).await?;
    Ok(row.map(|(offset,)| offset))
}

/// Where the reader is, and nobody moves it before this transaction ends: the update changes nothing but locks the row
/// where the database locks by row.
pub(super) async fn lock(transaction: &mut Transaction, log: &str, reader: &str) -> Result<Option<Place>, sqlx::Error> {
    let lock = "UPDATE garenne_offset SET last_offset = last_offset WHERE log = $1 AND reader = $2
                RETURNING last_offset, message_id";
    let row: Option<(i64, Option<String>)> =
        sqlx::query_as(lock).bind(log).bind(reader).fetch_optional(&mut **transaction).await?;
    Ok(row.map(|(offset, message_id)| Place { offset, message_id }))
}

/// Puts a reader that has no place yet before its first entry, unless another replica has just done so.
pub(super) async fn enter(
    transaction: &mut Transaction,
    log: &str,
    reader: &str,
    before: i64,
    now: i64,
) -> Result<(), sqlx::Error> {
    let enter = "INSERT INTO garenne_offset (log, reader, last_offset, updated_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT DO NOTHING";
    sqlx::query(enter).bind(log).bind(reader).bind(before).bind(now).execute(&mut **transaction).await.map(drop)
}

/// What a page moves.
pub(super) struct Move {
    pub(super) from: i64,
    pub(super) to: Place,
    pub(super) unreadable: u64,
    pub(super) missed: u64,
}

/// Moves the reader on; `false` when it was not where it should have been.
pub(super) async fn advance(
    transaction: &mut Transaction,
    log: &str,
    reader: &str,
    Move { from, to, unreadable, missed }: Move,
    now: i64,
) -> Result<bool, sqlx::Error> {
    let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let moved = sqlx::query(
        "UPDATE garenne_offset
         SET last_offset = $4, unreadable = unreadable + $5, missed = missed + $6, updated_at = $7, message_id = $8
         WHERE log = $1 AND reader = $2 AND last_offset = $3",
    )
    .bind(log)
    .bind(reader)
    .bind(from)
    .bind(to.offset)
    .bind(count(unreadable))
    .bind(count(missed))
    .bind(now)
    .bind(to.message_id)
    .execute(&mut **transaction)
    .await?;
    Ok(moved.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::{Inbound, Properties};

    #[test]
    fn another_message_at_the_place_that_is_done_is_another_log() {
        let entry = |place: i64, id: Option<&str>| {
            let mut properties = Properties { message_id: id.map(str::to_owned), ..Properties::default() };
            properties.set_integer("x-stream-offset", place);
            Logged::of(Inbound::of("desk.events", "desk.filed", "", properties), None).unwrap()
        };
        let done = |id: Option<&str>| Place::of(7, &entry(7, id));
        assert!(!done(Some("m-1")).is_elsewhere(&entry(7, Some("m-1"))));
        assert!(done(Some("m-1")).is_elsewhere(&entry(7, Some("m-2"))));
        assert!(done(Some("m-1")).is_elsewhere(&entry(7, None)));
        // What comes after it, or is not known by an id, tells nothing.
        assert!(!done(Some("m-1")).is_elsewhere(&entry(8, Some("m-2"))));
        assert!(!done(None).is_elsewhere(&entry(7, Some("m-2"))));
        assert_eq!(Place::of(6, &entry(7, Some("m-1"))).message_id, None, "the id is that of the last entry alone");
    }
}
