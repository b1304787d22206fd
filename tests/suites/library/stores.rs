//! A store does the same on each kind of database.

use garenne::store::{Json, Store, StoreError, Word};
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use tests::Database;
use tokio::task::JoinSet;

fn migrations() -> Migrator {
    let steps = [
        "CREATE TABLE counters (name TEXT PRIMARY KEY, units BIGINT NOT NULL, notes TEXT)",
        "INSERT INTO counters (name, units) VALUES ('first-counter', 0)",
    ];
    let migration = |(sql, version): (&'static str, _)| {
        Migration::new(version, "step".into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(steps.into_iter().zip(1..).map(migration).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_start_at_the_same_time_migrate_once() {
    for database in Database::of_each_kind().await {
        let mut replicas = JoinSet::new();
        for _ in 0..6 {
            let url = database.url().to_owned();
            replicas.spawn(async move { Store::open(&url, &migrations()).await });
        }
        for opened in replicas.join_all().await {
            let store = opened.unwrap_or_else(|error| panic!("{}: {error}", database.kind()));
            let rows = sqlx::query("SELECT name FROM counters").fetch_all(store.pool()).await.expect("rows");
            assert_eq!(rows.len(), 1, "{}", database.kind());
        }
        let own = "SELECT CAST(version AS TEXT) FROM _garenne_migrations ORDER BY version";
        assert_eq!(database.query(own).await, ["1", "2"], "the library's tables have a history of their own");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_of_several_replicas_lose_nothing() {
    for database in Database::of_each_kind().await {
        let mut writers = JoinSet::new();
        for _ in 0..3 {
            let replica = Store::open(database.url(), &migrations()).await.expect("it opens");
            for _ in 0..4 {
                let replica = replica.clone();
                writers.spawn(async move {
                    for _ in 0..10 {
                        let mut transaction = replica.write().await.expect("it begins");
                        let add = sqlx::query("UPDATE counters SET units = units + 1");
                        add.execute(&mut *transaction).await.expect("added");
                        transaction.commit().await.expect("committed");
                    }
                });
            }
        }
        writers.join_all().await;
        assert_eq!(database.query("SELECT CAST(units AS TEXT) FROM counters").await, ["120"], "{}", database.kind());
    }
}

#[tokio::test]
async fn words_and_json_come_back_as_they_went_in() {
    for database in Database::of_each_kind().await {
        let store = Store::open(database.url(), &migrations()).await.expect("it opens");
        let notes = vec![(1, "one".to_owned()), (2, "zwei ✓".to_owned())];
        let mut transaction = store.write().await.expect("it begins");
        let insert = sqlx::query("INSERT INTO counters (name, units, notes) VALUES ($1, 2, $2)");
        insert.bind(Word("second")).bind(Json(&notes)).execute(&mut *transaction).await.expect("inserted");
        transaction.commit().await.expect("committed");
        type Row = (Word<String>, Json<Vec<(i32, String)>>);
        let select = sqlx::query_as("SELECT name, notes FROM counters WHERE name = 'second'");
        let (name, back): Row = select.fetch_one(store.pool()).await.expect("a row");
        assert_eq!((name.0.as_str(), back.0), ("second", notes), "{}", database.kind());
    }
}

#[tokio::test]
async fn a_transaction_that_is_dropped_changes_nothing() {
    for database in Database::of_each_kind().await {
        let store = Store::open(database.url(), &migrations()).await.expect("it opens");
        let mut transaction = store.write().await.expect("it begins");
        sqlx::query("DELETE FROM counters").execute(&mut *transaction).await.expect("deleted");
        drop(transaction);
        assert_eq!(database.query("SELECT name FROM counters").await, ["first-counter"], "{}", database.kind());
    }
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named_without_its_password_and_with_what_to_check() {
    let url = "postgres://shop:s3cret@127.0.0.1:9/orders";
    let Err(error @ StoreError::Open { .. }) = Store::open(url, &migrations()).await else { panic!("it opened") };
    let text = error.to_string();
    assert!(text.contains("postgres://shop:***@127.0.0.1:9/orders") && !text.contains("s3cret"), "{text}");
    assert!(text.contains("check that it runs"), "{text}");
}

#[tokio::test]
async fn a_server_notices_within_half_a_minute_that_the_machine_of_a_replica_has_gone() {
    for database in Database::of_each_kind().await.into_iter().filter(|database| database.kind() != "SQLite") {
        let store = Store::open(database.url(), &migrations()).await.expect("it opens");
        let mut values = Vec::new();
        for setting in ["SHOW tcp_keepalives_idle", "SHOW tcp_keepalives_interval", "SHOW tcp_keepalives_count"] {
            let (value,): (String,) = sqlx::query_as(setting).fetch_one(store.pool()).await.expect("a setting");
            values.push(value.parse::<u64>().expect("a number"));
        }
        let [idle, interval, count] = values[..] else { panic!("{values:?}") };
        assert!(idle + interval * count <= 30, "{values:?}");
        // While an answer is under way, none of the three counts.
        let unanswered = "SELECT setting FROM pg_settings WHERE name = 'tcp_user_timeout'";
        let (milliseconds,): (String,) = sqlx::query_as(unanswered).fetch_one(store.pool()).await.expect("a setting");
        let milliseconds: u64 = milliseconds.parse().expect("a number");
        assert!((1..=30_000).contains(&milliseconds), "{milliseconds} ms");
    }
}
