//! A service that reads a log of tickets and notes each of them, with how often it did.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use garenne::log::{Log, Page, Reading};
use garenne::store::Store;
use garenne::{Classify, Context, Event, Failure, Running, Service, Settings};
use serde::{Deserialize, Serialize};
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use tests::Database;

use crate::library::bench::{Bench, TicketFiled};

/// Said about each page, with its commit.
#[derive(Debug, PartialEq, Event, Serialize, Deserialize)]
#[event(name = "scribe.page-turned")]
pub(crate) struct PageTurned {
    pub(crate) tickets: usize,
}

/// What the handler does at the first attempts at a page that has tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Work,
    Fail,
    Panic,
    Hang,
}

/// The state of the service.
#[derive(Debug, Clone)]
pub(crate) struct Scribe {
    pub(crate) store: Store,
    wish: Arc<Mutex<Wish>>,
    /// So many attempts at a page do not what they should.
    bad_attempts: Arc<AtomicU32>,
    missed: Arc<AtomicU32>,
}

impl Scribe {
    pub(crate) async fn open(database: &Database) -> Self {
        let sql = "CREATE TABLE notes (number BIGINT PRIMARY KEY, times BIGINT NOT NULL)".into_sql_str();
        let notes = Migration::new(1, "notes".into(), MigrationType::Simple, sql, false);
        let store = Store::open(database.url(), &Migrator::with_migrations(vec![notes])).await.expect("it opens");
        let wish = Arc::new(Mutex::new(Wish::Work));
        Self { store, wish, bad_attempts: Arc::default(), missed: Arc::default() }
    }

    /// The next attempts at pages do this instead of working.
    pub(crate) fn wish(&self, wish: Wish, attempts: u32) {
        *self.wish.lock().expect("nobody panics with it") = wish;
        self.bad_attempts.store(attempts, Ordering::SeqCst);
    }

    /// How many entries were gone before they were read, as its pages say.
    pub(crate) fn missed(&self) -> u32 {
        self.missed.load(Ordering::SeqCst)
    }
}

async fn note(page: Page, ctx: Context<Scribe>) -> Result<(), Failure> {
    let mut transaction = ctx.transaction().await?;
    let mut tickets = 0;
    for (_, ticket) in page.events::<TicketFiled>() {
        let note = sqlx::query(
            "INSERT INTO notes (number, times) VALUES ($1, 1)
             ON CONFLICT (number) DO UPDATE SET times = notes.times + 1",
        );
        note.bind(i64::from(ticket.number)).execute(&mut **transaction).await.or_retry()?;
        tickets += 1;
    }
    ctx.publish(&PageTurned { tickets }).await?;
    let wish = *ctx.state().wish.lock().expect("nobody panics with it");
    let left = ctx.state().bad_attempts.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    match (left, wish) {
        (Err(_), _) | (_, Wish::Work) => {}
        (_, Wish::Fail) => return Err(Failure::dead_letter("wished for")),
        (_, Wish::Panic) => panic!("wished for"),
        (_, Wish::Hang) => std::future::pending().await,
    }
    ctx.state().missed.fetch_add(u32::try_from(page.missed()).expect("few"), Ordering::SeqCst);
    Ok(())
}

/// How the tests read: what hangs is given up soon.
pub(crate) fn reading() -> Reading {
    Reading::new("office", "notes").page(10).deadline(Duration::from_secs(3))
}

pub(crate) fn service(log: Option<Log>, reading: Reading) -> Service<Scribe> {
    let service = Service::new("scribe").stores_in(|scribe: &Scribe| &scribe.store).reads(reading, note);
    let service = service.publishes::<PageTurned>();
    match log {
        Some(log) => service.keeps(log),
        None => service,
    }
}

/// The log that all tests but one read.
pub(crate) fn log() -> Log {
    Log::new("office").of(["desk"])
}

/// A vhost in which somebody keeps the log.
pub(crate) async fn kept() -> (Bench, Running<crate::library::bench::Seen>) {
    let bench = Bench::new().await;
    let keeper = bench.start(Service::new("keeper").keeps(log())).await;
    (bench, keeper)
}

pub(crate) async fn start(bench: &Bench, scribe: &Scribe, reading: Reading) -> Running<Scribe> {
    start_with(service(None, reading), scribe, bench.settings()).await
}

pub(crate) async fn start_with(service: Service<Scribe>, scribe: &Scribe, settings: Settings) -> Running<Scribe> {
    let running = service.start(scribe.clone(), settings).await.expect("the service starts");
    tokio::time::timeout(tests::PATIENCE, running.ready()).await.expect("the service becomes ready");
    running
}

/// The tickets that are noted, with how often: `7 1`.
pub(crate) async fn notes(database: &Database) -> Vec<String> {
    database.query("SELECT number || ' ' || times FROM notes ORDER BY number").await
}

/// Each of these tickets, noted so often.
pub(crate) fn each(numbers: std::ops::Range<u32>, times: u32) -> Vec<String> {
    numbers.map(|number| format!("{number} {times}")).collect()
}

/// Waits until exactly this is noted.
pub(crate) async fn noted(database: &Database, wanted: &[String]) {
    tests::eventually(&format!("{} notes", wanted.len()), || async {
        let notes = notes(database).await;
        if notes == wanted { Ok(()) } else { Err(format!("{}: {notes:?}", database.kind())) }
    })
    .await;
}

/// How far the reader is, as its table says.
pub(crate) async fn place(database: &Database) -> Vec<String> {
    database.query("SELECT log || ' ' || reader || ' ' || last_offset || ' ' || unreadable || ' ' || missed FROM garenne_offset").await
}
