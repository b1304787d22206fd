//! An empty database of one test, of each kind that a store may be.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};
use tempfile::TempDir;

/// A database that nobody else uses.
#[derive(Debug)]
pub struct Database {
    kind: &'static str,
    url: String,
    /// Of the file. A server's database goes with the server, at the end of the run.
    _folder: Option<TempDir>,
}

impl Database {
    /// One of each kind: SQLite, and PostgreSQL if `cargo xtask test` has started it. Where it could not, it says so.
    pub async fn of_each_kind() -> Vec<Self> {
        let mut all = vec![Self::file()];
        if let Ok(server) = std::env::var("TEST_POSTGRES_URL") {
            all.push(Self::on(&server).await);
        }
        all
    }

    /// A SQLite file that does not exist yet.
    ///
    /// # Panics
    ///
    /// When the system gives no folder.
    #[must_use]
    pub fn file() -> Self {
        let folder = tempfile::Builder::new().prefix("database-").tempdir().expect("a folder");
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display());
        Self { kind: "SQLite", url, _folder: Some(folder) }
    }

    async fn on(server: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        sqlx::any::install_default_drivers();
        let name = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut connection = AnyConnection::connect(server).await.expect("the server accepts");
        let create = sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")));
        create.execute(&mut connection).await.expect("the database is created");
        connection.close().await.expect("the connection closes");
        let url = server.rsplit_once('/').map(|(server, _)| format!("{server}/{name}")).expect("a URL with a database");
        Self { kind: "PostgreSQL", url, _folder: None }
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Which kind it is, for a message.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// Runs a statement and gives the first column of each row as text.
    ///
    /// # Panics
    ///
    /// When it fails.
    pub async fn query(&self, sql: &'static str) -> Vec<String> {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&self.url).await.expect("the database opens");
        let rows = sqlx::query_scalar::<_, String>(sql).fetch_all(&mut connection).await.expect(sql);
        connection.close().await.expect("the connection closes");
        rows
    }
}
