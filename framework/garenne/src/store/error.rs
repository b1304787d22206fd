//! Why a database could not be opened.

use sqlx::migrate::MigrateError;

/// Why a database could not be opened: which one, what was wrong and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The URL is empty, which is what a service makes of an unset or unreadable `DATABASE_URL`.
    #[error(
        "DATABASE_URL is not set, or not in UTF-8: name the service's own database, such as sqlite:///data/orders.db?mode=rwc"
    )]
    Unnamed,
    /// The text is not a URL.
    #[error("{url:?} is not a database URL ({cause}): give one such as sqlite:///data/orders.db?mode=rwc")]
    Url {
        /// What was given, without a password.
        url: String,
        /// What the parser said.
        cause: sqlx::Error,
    },
    /// SQLite in memory: each connection would have a database of its own, gone at the end.
    #[error(
        "the database {url} would be lost with the process: name a file, such as sqlite:///data/orders.db?mode=rwc"
    )]
    Memory {
        /// The database.
        url: String,
    },
    /// Nobody answers, or the file cannot be opened.
    #[error("the database {url} cannot be opened ({cause}): {remedy}")]
    Open {
        /// The database, without a password.
        url: String,
        /// What the driver said.
        cause: sqlx::Error,
        /// What to do.
        remedy: &'static str,
    },
    /// The file's disk cannot do write-ahead logging.
    #[error("the database {url} stays in journal mode {mode:?} instead of \"wal\": put the file on a local disk")]
    Journal {
        /// The database.
        url: String,
        /// The mode it is in.
        mode: String,
    },
    /// The tables could not be brought up to date.
    #[error("the tables of {url} cannot be brought up to date ({cause}): {remedy}")]
    Migrate {
        /// The database, without a password.
        url: String,
        /// What went wrong.
        cause: MigrateError,
        /// What to do.
        remedy: &'static str,
    },
}

impl StoreError {
    pub(super) fn open(url: &str, cause: sqlx::Error) -> Self {
        let remedy = match &cause {
            sqlx::Error::Configuration(_) => {
                "check the URL's scheme and parameters; sqlite: and postgres: are built in"
            }
            sqlx::Error::Database(_) if url.starts_with("sqlite:") => {
                "check that its directory exists, that this user may write there, and that the URL says ?mode=rwc if the file is to be created"
            }
            _ => "check that it runs, and the host, user and password in the URL",
        };
        Self::Open { url: masked(url), cause, remedy }
    }

    pub(super) fn migrate(url: &str, cause: MigrateError) -> Self {
        let remedy = match &cause {
            MigrateError::VersionMissing(_) => "a newer release has migrated it: run that release or restore a backup",
            MigrateError::VersionMismatch(_) => {
                "a migration that was already applied has been edited: restore its text and add a new migration instead"
            }
            _ => "mend the statement that failed; nothing of that migration was kept",
        };
        Self::Migrate { url: masked(url), cause, remedy }
    }
}

/// The URL with `***` in place of what may be a secret: the password, and all parameters of a server's URL.
pub(super) fn masked(url: &str) -> String {
    let shown = if url.starts_with("sqlite:") { url } else { url.split('?').next().unwrap_or(url) };
    let Some((scheme, rest)) = shown.split_once("://") else { return shown.to_owned() };
    match rest.rsplit_once('@') {
        None => shown.to_owned(),
        Some((credentials, place)) => {
            let user = credentials.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}:***@{place}")
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::SqlSafeStr;
    use sqlx::migrate::{Migration, MigrationType, Migrator};

    use super::*;
    use crate::store::Store;

    async fn refusal(url: &str) -> String {
        Store::open(url, &Migrator::with_migrations(Vec::new())).await.unwrap_err().to_string()
    }

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(masked("postgres://shop:s3cret@db/shop"), "postgres://shop:***@db/shop");
        assert_eq!(masked("postgres://shop:s3@cret@db/shop"), "postgres://shop:***@db/shop");
        assert_eq!(masked("postgres://db/shop?user=shop&password=s3cret"), "postgres://db/shop");
        assert_eq!(masked("sqlite:///data/orders.db?mode=rwc"), "sqlite:///data/orders.db?mode=rwc");
    }

    #[tokio::test]
    async fn an_empty_url_counts_as_unset_and_says_which_variable_to_set() {
        let text = refusal("").await;
        assert!(text.contains("DATABASE_URL is not set") && text.contains("sqlite:///data/"), "{text}");
    }

    #[tokio::test]
    async fn what_is_no_url_is_named_with_an_example() {
        let text = refusal("orders.db").await;
        assert!(text.contains("\"orders.db\"") && text.contains("sqlite:///data/orders.db?mode=rwc"), "{text}");
    }

    #[tokio::test]
    async fn a_kind_of_database_that_is_not_built_in_is_refused_without_its_password() {
        let text = refusal("mariadb://shop:s3cret@db/shop").await;
        assert!(text.contains("mariadb") && !text.contains("s3cret"), "{text}");
    }

    #[tokio::test]
    async fn a_database_in_memory_is_refused() {
        assert!(refusal("sqlite::memory:").await.contains("name a file"));
    }

    #[tokio::test]
    async fn a_missing_directory_is_said_to_be_checked() {
        let folder = tempfile::tempdir().unwrap();
        let text = refusal(&format!("sqlite://{}/missing/orders.db?mode=rwc", folder.path().display())).await;
        assert!(text.contains("missing/orders.db") && text.contains("directory exists"), "{text}");
    }

    #[tokio::test]
    async fn a_database_that_a_newer_release_has_migrated_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/orders.db?mode=rwc", folder.path().display());
        let sql = "CREATE TABLE later (id BIGINT)".into_sql_str();
        let newer = Migration::new(2, "later".into(), MigrationType::Simple, sql, false);
        Store::open(&url, &Migrator::with_migrations(vec![newer])).await.unwrap();
        let text = refusal(&url).await;
        assert!(text.contains("newer release"), "{text}");
    }
}
