//! A service that keeps books: an account has entries, and each one is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use garenne::store::{Store, Transaction};
use garenne::{Classify, Context, Event, Failure, Options, Running, Service, Settings};
use lapin::BasicProperties;
use serde::{Deserialize, Serialize};
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use tests::Database;

use crate::library::bench::Bench;

/// Something to enter; owned by a service that no test starts.
#[derive(Debug, Clone, PartialEq, Event, Serialize, Deserialize)]
#[event(name = "desk.sum-paid", key = account)]
pub(crate) struct SumPaid {
    pub(crate) account: String,
    /// What the handler is to do.
    #[serde(default)]
    pub(crate) wish: String,
}

/// An account's next entry, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Event, Serialize, Deserialize)]
#[event(name = "bookkeeper.entry-made", key = account)]
pub(crate) struct EntryMade {
    pub(crate) account: String,
    pub(crate) entry: i64,
}

/// The state of the service.
#[derive(Debug, Clone)]
pub(crate) struct Books {
    pub(crate) store: Store,
    /// How often the handler has begun.
    pub(crate) begun: Arc<AtomicUsize>,
}

impl Books {
    pub(crate) async fn open(database: &Database) -> Self {
        Self::at(database.url()).await
    }

    pub(crate) async fn at(url: &str) -> Self {
        let sql = "CREATE TABLE accounts (account TEXT PRIMARY KEY, entries BIGINT NOT NULL)".into_sql_str();
        let accounts = Migration::new(1, "accounts".into(), MigrationType::Simple, sql, false);
        let migrations = Migrator::with_migrations(vec![accounts]);
        let store = Store::open(url, &migrations).await.expect("the store opens");
        Self { store, begun: Arc::default() }
    }

    pub(crate) fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }
}

/// One more entry for the account.
pub(crate) async fn enter(transaction: &mut Transaction, account: &str) -> Result<i64, sqlx::Error> {
    let enter = "INSERT INTO accounts (account, entries) VALUES ($1, 1)
                 ON CONFLICT (account) DO UPDATE SET entries = accounts.entries + 1 RETURNING entries";
    let (entry,) = sqlx::query_as(enter).bind(account).fetch_one(&mut **transaction).await?;
    Ok(entry)
}

/// Enters a sum, tells of the entry, and then does what the sum wishes.
pub(crate) async fn enter_sum(sum: SumPaid, ctx: Context<Books>) -> Result<(), Failure> {
    let begun = ctx.state().begun.fetch_add(1, Ordering::Relaxed);
    let mut transaction = ctx.transaction().await?;
    let entry = enter(&mut transaction, &sum.account).await.or_retry()?;
    let receipt = ctx.publish(&EntryMade { account: sum.account, entry }).await?;
    assert_eq!(receipt.routed(), None, "nobody has it before the commit");
    match (sum.wish.as_str(), begun) {
        ("fail once", 0) => Err(Failure::retry("wished for")),
        ("panic once", 0) => panic!("wished for"),
        ("hang once", 0) => std::future::pending().await,
        ("give up", _) => Err(Failure::dead_letter("wished for")),
        ("begin twice", _) => ctx.transaction().await.map(drop),
        _ => Ok(()),
    }
}

pub(crate) fn service() -> Service<Books> {
    Service::new("bookkeeper")
        .stores_in(|books: &Books| &books.store)
        .on_with(enter_sum, Options::new().deadline(Duration::from_secs(3)))
        .publishes::<EntryMade>()
}

/// A replica that works, with the queue `told` bound to what it tells.
pub(crate) async fn start(bench: &Bench, books: &Books) -> Running<Books> {
    start_with(bench, books, bench.settings()).await
}

pub(crate) async fn start_with(bench: &Bench, books: &Books, settings: Settings) -> Running<Books> {
    let running = service().start(books.clone(), settings).await.expect("the service starts");
    tokio::time::timeout(tests::PATIENCE, running.ready()).await.expect("the service becomes ready");
    bench.raw.queue("told", "bookkeeper.events", "bookkeeper.entry-made").await;
    running
}

/// Pays a sum under this message id, or under none.
pub(crate) async fn pay(bench: &Bench, account: &str, wish: &str, message_id: Option<&str>) {
    let body = serde_json::json!({"account": account, "wish": wish}).to_string();
    let properties = match message_id {
        Some(id) => BasicProperties::default().with_message_id(id.into()),
        None => BasicProperties::default(),
    };
    bench.raw.publish_with("desk.events", "desk.sum-paid", body, properties).await;
}

/// The accounts with their entries: `ada 2`.
pub(crate) async fn accounts(database: &Database) -> Vec<String> {
    database.query("SELECT account || ' ' || entries FROM accounts ORDER BY account").await
}

/// Waits until the outbox is empty.
pub(crate) async fn all_is_told(database: &Database) {
    tests::eventually("an empty outbox", || async {
        let left = database.query("SELECT message_id || ': ' || COALESCE(last_error, '') FROM garenne_outbox").await;
        if left.is_empty() { Ok(()) } else { Err(left.join("\n")) }
    })
    .await;
}

/// Everything that was told so far, with the messages' ids, once that is so much.
pub(crate) async fn told(bench: &Bench, count: u32) -> Vec<(String, EntryMade)> {
    bench.waits("told", count).await;
    let mut told = Vec::new();
    for _ in 0..count {
        let delivery = bench.raw.take("told").await;
        let id = delivery.properties.message_id().as_ref().expect("a message id").to_string();
        told.push((id, serde_json::from_slice(&delivery.data).expect("an entry")));
    }
    told
}
