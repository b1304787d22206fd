//! The library's own tables in a service's database: outbox, inbox, and how far logs are read.

use sqlx::migrate::Migrator;

use super::store::Kind;

/// Their migrations, which have a history of their own: a service numbers its migrations as it likes.
pub(super) fn migrations(kind: &Kind) -> Migrator {
    let mut migrations = match kind {
        Kind::Sqlite { .. } => sqlx::migrate!("migrations/sqlite"),
        Kind::Server => sqlx::migrate!("migrations/server"),
    };
    migrations.dangerous_set_table_name("_garenne_migrations");
    migrations
}
