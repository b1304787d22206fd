//! What is special about SQLite: one writer at a time, readers beside it, a file that replicas share.

use std::path::Path;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyPool, Row};
use tokio::time::{Instant, sleep};

use super::error::StoreError;
use super::store::{ACQUIRE_TIMEOUT, Kind, Store};

/// Connections that read beside the writer.
const READERS: u32 = 4;

/// Other processes hold the lock that this waits for only while they start.
const WAL_DEADLINE: Duration = Duration::from_secs(5);

/// Settings of one connection; sqlx itself adds a busy timeout of 5 s. A commit is on disk when it returns: a message is
/// acknowledged after that, and must not be lost with the machine's power.
const SETTINGS: &str = "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL";

/// Whether the URL names a SQLite database.
pub(super) fn is_meant_by(url: &str) -> bool {
    url.starts_with("sqlite:")
}

/// Opens the file without looking at its tables.
pub(super) async fn open(url: &str, options: AnyConnectOptions) -> Result<Store, StoreError> {
    if url.contains(":memory:") || url.contains("mode=memory") {
        return Err(StoreError::Memory { url: url.to_owned() });
    }
    // One connection writes, so callers in this process queue in order instead of polling the file's lock.
    let writers = pool(1).connect_with(options.clone()).await.map_err(|cause| StoreError::open(url, cause))?;
    write_ahead(url, &writers).await?;
    let file = sqlx::query("PRAGMA database_list").fetch_one(&writers).await;
    let file = file.and_then(|row| row.try_get::<String, _>("file")).map_err(|cause| StoreError::open(url, cause))?;
    Ok(Store {
        readers: pool(READERS).connect_lazy_with(options),
        writers,
        kind: Kind::Sqlite { file: Path::new(&file).into() },
    })
}

fn pool(connections: u32) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // No network lies between us and the file: a connection at rest does not break.
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move { sqlx::raw_sql(SETTINGS).execute(connection).await.map(drop) })
        })
}

/// Switches the file to write-ahead logging. The switch needs the file for itself and SQLite does not wait for
/// that, so replicas that start at the same time try until they see it done.
async fn write_ahead(url: &str, writers: &AnyPool) -> Result<(), StoreError> {
    let deadline = Instant::now() + WAL_DEADLINE;
    loop {
        let switched = sqlx::query("PRAGMA journal_mode = WAL").fetch_one(writers).await;
        match switched.and_then(|row| row.try_get::<String, _>(0)) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) if Instant::now() > deadline => {
                return Err(StoreError::Journal { url: url.to_owned(), mode });
            }
            Err(cause) if Instant::now() > deadline => return Err(StoreError::open(url, cause)),
            _ => sleep(Duration::from_millis(20)).await,
        }
    }
}
