//! An open database.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::AnyPool;
use sqlx::any::{Any, AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::Migrator;

use super::error::{StoreError, masked};
use super::{sqlite, tables};

/// A transaction that may write. Dropping it without `commit` rolls it back.
pub type Transaction = sqlx::Transaction<'static, Any>;

/// How long a caller waits for a free connection.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections to a database server: few, because each replica of a service has as many.
const SERVER_CONNECTIONS: u32 = 8;

/// How soon the server notices that nobody is at the other end: after 30 s. What a machine that lost its power had locked stays
/// locked until then, and the server's own setting is two hours; a quarter of an hour where the server has answered and the answer has not
/// arrived, during which nothing asks whether the other end is alive.
const SERVER_SETTINGS: &str = "SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; \
    SET tcp_keepalives_count = 3; SET tcp_user_timeout = 30000";

/// A service's own database. Cloning it shares the connections.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use garenne::store::Store;
///
/// # let migrations = sqlx::migrate::Migrator::DEFAULT;
/// // In a service: let migrations = sqlx::migrate!();
/// let store = Store::open("sqlite:///data/orders.db?mode=rwc", &migrations).await?;
/// let mut transaction = store.write().await?;
/// sqlx::query("UPDATE orders SET status = 'placed' WHERE order_id = $1").bind("7").execute(&mut *transaction).await?;
/// transaction.commit().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Store {
    pub(super) readers: AnyPool,
    pub(super) writers: AnyPool,
    pub(super) kind: Kind,
}

/// What kind of database it is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// A file, which one transaction at a time may write.
    Sqlite {
        /// Absolute. Shared: a store is cloned for each delivery.
        file: Arc<Path>,
    },
    /// A server, which locks by row.
    Postgres,
}

impl Store {
    /// Opens the database at `url` and brings its tables up to date: the service's, give it `&sqlx::migrate!()`, and the
    /// library's own: `garenne_outbox`, `garenne_inbox`, `garenne_offset`.
    ///
    /// Replicas may do so at the same time: one migrates, the others wait for it. A SQLite file is created
    /// when the URL says `?mode=rwc`. An empty URL names no database: a service hands over what `DATABASE_URL` says,
    /// and an empty variable counts as unset.
    ///
    /// # Errors
    ///
    /// [`StoreError`] says which database (never its password), what was wrong and what to do.
    pub async fn open(url: &str, migrations: &Migrator) -> Result<Self, StoreError> {
        if url.is_empty() {
            return Err(StoreError::Unnamed);
        }
        sqlx::any::install_default_drivers();
        let options: AnyConnectOptions = url.parse().map_err(|cause| StoreError::Url { url: masked(url), cause })?;
        if sqlite::is_meant_by(url) {
            let store = sqlite::open(url, options).await?;
            // SQLite has no lock for migrations but the write lock itself, so they run inside of it.
            let mut transaction = store.write().await.map_err(|cause| StoreError::open(url, cause))?;
            // (`run` instead of `run_direct` would make this future not Send.)
            for migrations in [&tables::migrations(&store.kind), migrations] {
                migrations
                    .run_direct(None, &mut *transaction, false)
                    .await
                    .map_err(|cause| StoreError::migrate(url, cause))?;
            }
            transaction.commit().await.map_err(|cause| StoreError::open(url, cause))?;
            Ok(store)
        } else {
            let pool = AnyPoolOptions::new()
                .max_connections(SERVER_CONNECTIONS)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .after_connect(|connection, _| {
                    Box::pin(async move { sqlx::raw_sql(SERVER_SETTINGS).execute(connection).await.map(drop) })
                })
                .connect_with(options)
                .await
                .map_err(|cause| StoreError::open(url, cause))?;
            for migrations in [&tables::migrations(&Kind::Postgres), migrations] {
                migrations.run(&pool).await.map_err(|cause| StoreError::migrate(url, cause))?;
            }
            Ok(Self { readers: pool.clone(), writers: pool, kind: Kind::Postgres })
        }
    }

    /// Connections to read with, outside of any transaction.
    #[must_use]
    pub fn pool(&self) -> &AnyPool {
        &self.readers
    }

    /// Begins a transaction that may write.
    ///
    /// On SQLite it takes the write lock at once, so whoever has it sees the newest state and cannot fail for
    /// a lock later; it waits at most 10 s for this process's turn, then 5 s for other processes. On a database server
    /// rows are locked by the statements that change them.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached or its lock is not free in time: try again later.
    pub async fn write(&self) -> Result<Transaction, sqlx::Error> {
        let begin = match self.kind {
            Kind::Sqlite { .. } => "BEGIN IMMEDIATE",
            Kind::Postgres => "BEGIN",
        };
        self.writers.begin_with(begin).await
    }

    /// Begins a transaction that only reads, and sees one state of the database however many statements it has.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached: try again later.
    pub async fn snapshot(&self) -> Result<Transaction, sqlx::Error> {
        let begin = match self.kind {
            Kind::Sqlite { .. } => "BEGIN",
            Kind::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        self.readers.begin_with(begin).await
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.kind
    }
}

#[cfg(test)]
impl Store {
    /// An empty store in this folder, with the library's own tables.
    pub(crate) async fn in_folder(folder: &Path) -> Self {
        let url = format!("sqlite://{}/test.db?mode=rwc", folder.display());
        Self::open(&url, &Migrator::with_migrations(Vec::new())).await.expect("it opens")
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sqlx::migrate::{Migration, MigrationType};
    use sqlx::{Row, SqlSafeStr};
    use tokio::task::JoinSet;

    use super::*;
    use crate::store::{Json, Word};

    fn migrations() -> Migrator {
        let steps = [
            "CREATE TABLE counters (name TEXT PRIMARY KEY, units BIGINT NOT NULL, notes TEXT)",
            "INSERT INTO counters (name, units) VALUES ('first-counter', 0)",
        ];
        Migrator::with_migrations(
            steps
                .into_iter()
                .zip(1..)
                .map(|(sql, version)| {
                    Migration::new(version, "step".into(), MigrationType::Simple, sql.into_sql_str(), false)
                })
                .collect(),
        )
    }

    fn url(folder: &Path) -> String {
        format!("sqlite://{}/test.db?mode=rwc", folder.display())
    }

    #[tokio::test]
    async fn replicas_that_start_at_the_same_time_migrate_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut replicas = JoinSet::new();
        for _ in 0..8 {
            let url = url(folder.path());
            replicas.spawn(async move { Store::open(&url, &migrations()).await });
        }
        for opened in replicas.join_all().await {
            let rows = sqlx::query("SELECT name FROM counters").fetch_all(opened.unwrap().pool()).await.unwrap();
            assert_eq!(rows.len(), 1);
        }
    }

    #[tokio::test]
    async fn writers_of_several_replicas_take_turns_and_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut writers = JoinSet::new();
        for _ in 0..3 {
            let replica = Store::open(&url(folder.path()), &migrations()).await.unwrap();
            for _ in 0..4 {
                let replica = replica.clone();
                writers.spawn(async move {
                    for _ in 0..10 {
                        let mut transaction = replica.write().await.unwrap();
                        let (units,): (i64,) =
                            sqlx::query_as("SELECT units FROM counters").fetch_one(&mut *transaction).await.unwrap();
                        sqlx::query("UPDATE counters SET units = $1")
                            .bind(units + 1)
                            .execute(&mut *transaction)
                            .await
                            .unwrap();
                        transaction.commit().await.unwrap();
                    }
                });
            }
        }
        writers.join_all().await;
        let store = Store::open(&url(folder.path()), &migrations()).await.unwrap();
        let (units,): (i64,) = sqlx::query_as("SELECT units FROM counters").fetch_one(store.pool()).await.unwrap();
        assert_eq!(units, 3 * 4 * 10);
    }

    #[tokio::test]
    async fn a_transaction_that_is_dropped_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&url(folder.path()), &migrations()).await.unwrap();
        let mut transaction = store.write().await.unwrap();
        sqlx::query("DELETE FROM counters").execute(&mut *transaction).await.unwrap();
        drop(transaction);
        let rows = sqlx::query("SELECT name FROM counters").fetch_all(store.pool()).await.unwrap();
        assert_eq!(rows.len(), 1);
    }

    #[tokio::test]
    async fn readers_are_not_stopped_by_a_writer() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&url(folder.path()), &migrations()).await.unwrap();
        let mut transaction = store.write().await.unwrap();
        sqlx::query("UPDATE counters SET units = 7").execute(&mut *transaction).await.unwrap();
        let (units,): (i64,) = sqlx::query_as("SELECT units FROM counters").fetch_one(store.pool()).await.unwrap();
        assert_eq!(units, 0, "what is not committed is not seen");
    }

    #[tokio::test]
    async fn every_connection_has_the_settings_that_the_store_promises() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&url(folder.path()), &migrations()).await.unwrap();
        for (pragma, wanted) in
            [("PRAGMA foreign_keys", 1_i64), ("PRAGMA synchronous", 2), ("PRAGMA busy_timeout", 5000)]
        {
            let mut transaction = store.write().await.unwrap();
            let written = sqlx::query(pragma).fetch_one(&mut *transaction).await.unwrap();
            let read = sqlx::query(pragma).fetch_one(store.pool()).await.unwrap();
            assert_eq!((written.get::<i64, _>(0), read.get::<i64, _>(0)), (wanted, wanted), "{pragma}");
        }
        let mode = sqlx::query("PRAGMA journal_mode").fetch_one(store.pool()).await.unwrap();
        assert_eq!(mode.get::<String, _>(0), "wal");
    }

    #[tokio::test]
    async fn words_and_json_come_back_as_they_went_in() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&url(folder.path()), &migrations()).await.unwrap();
        let notes = vec![(1, "one".to_owned()), (2, "two".to_owned())];
        let mut transaction = store.write().await.unwrap();
        sqlx::query("INSERT INTO counters (name, units, notes) VALUES ($1, 2, $2)")
            .bind(Word("second"))
            .bind(Json(&notes))
            .execute(&mut *transaction)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        let (name, back): (Word<String>, Json<Vec<(i32, String)>>) =
            sqlx::query_as("SELECT name, notes FROM counters WHERE name = 'second'")
                .fetch_one(store.pool())
                .await
                .unwrap();
        assert_eq!((name.0.as_str(), back.0), ("second", notes));
        let (none,): (Option<Json<Vec<i32>>>,) =
            sqlx::query_as("SELECT notes FROM counters WHERE units = 0").fetch_one(store.pool()).await.unwrap();
        assert!(none.is_none());
    }
}
