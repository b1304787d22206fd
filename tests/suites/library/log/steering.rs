//! A reader that its service steers: where it goes on, where it is held, and how long a page waits for more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use garenne::log::{Page, Reading, Start, hold, rewind};
use garenne::store::Store;
use garenne::{Context, Failure, Running, Service};
use sqlx::migrate::Migrator;
use tests::{Database, PATIENCE, eventually};

use super::scribe::{self, kept, place};
use crate::library::bench::{Bench, Seen, TicketFiled};

/// The state of the service.
#[derive(Clone)]
struct Reader {
    store: Store,
    seen: Seen,
    /// How often ticket 15 or 17 came.
    times: Arc<AtomicU32>,
}

impl Reader {
    async fn open(database: &Database) -> Self {
        let store = Store::open(database.url(), &Migrator::with_migrations(Vec::new())).await.expect("it opens");
        Self { store, seen: Seen::default(), times: Arc::default() }
    }
}

fn numbers(page: &Page) -> Vec<u32> {
    page.events::<TicketFiled>().map(|(_, ticket)| ticket.number).collect()
}

/// Notes each ticket. Leaves some out once, goes back once, and once only wants to.
async fn steer(page: Page, ctx: Context<Reader>) -> Result<(), Failure> {
    for number in numbers(&page) {
        ctx.state().seen.note(number.to_string());
        match number {
            3 => page.go_on_after(9),
            15 if ctx.state().times.fetch_add(1, Ordering::SeqCst) == 0 => page.go_on_after(11),
            17 if ctx.state().times.fetch_add(1, Ordering::SeqCst) == 2 => {
                page.go_on_after(0);
                return Err(Failure::retry("it has changed its mind"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Notes the tickets of each page.
async fn note(page: Page, ctx: Context<Reader>) -> Result<(), Failure> {
    ctx.state().seen.note(format!("{:?}", numbers(&page)));
    Ok(())
}

async fn started(bench: &Bench, service: Service<Reader>, reader: &Reader) -> Running<Reader> {
    let service = service.stores_in(|reader: &Reader| &reader.store);
    let running = service.start(reader.clone(), bench.settings()).await.expect("it starts");
    tokio::time::timeout(PATIENCE, running.ready()).await.expect("it becomes ready");
    running
}

#[tokio::test]
async fn a_page_may_have_the_reader_go_on_further_on_or_back_if_it_is_committed() {
    for database in Database::of_each_kind().await {
        let (bench, keeper) = kept().await;
        for number in 0..20 {
            bench.file(number).await;
        }
        let reader = Reader::open(&database).await;
        let service = Service::new("reader").reads(scribe::reading().page(1), steer);
        let running = started(&bench, service, &reader).await;
        let wanted = [0..4, 10..16, 12..18, 17..20].into_iter().flatten().map(|number: u32| number.to_string());
        assert_eq!(reader.seen.reaches(19).await, wanted.collect::<Vec<_>>(), "{}", database.kind());
        eventually("the last entry is done", || async {
            let place = place(&database).await;
            if place == ["office.log notes 19 0 0"] { Ok(()) } else { Err(place.join(", ")) }
        })
        .await;
        running.stop().await;
        keeper.stop().await;
    }
}

#[tokio::test]
async fn a_place_that_is_held_is_moved_by_nobody_else_before_the_transaction_ends() {
    for database in Database::of_each_kind().await {
        let (bench, keeper) = kept().await;
        let reader = Reader::open(&database).await;
        let held = async || {
            let mut transaction = reader.store.write().await.expect("it begins");
            hold(&mut transaction, "office", "notes").await.expect("it can be read")
        };
        assert_eq!(held().await, None, "it has read nothing");
        for number in 0..3 {
            bench.file(number).await;
        }
        let service = Service::new("reader").reads(scribe::reading().page(1), note);
        let running = started(&bench, service, &reader).await;
        reader.seen.reaches(3).await;
        running.stop().await;
        assert_eq!(held().await, Some(2));

        let other = Reader::open(&database).await;
        let mut transaction = reader.store.write().await.expect("it begins");
        assert_eq!(hold(&mut transaction, "office", "notes").await.expect("it can be read"), Some(2));
        let waiting = tokio::spawn(async move {
            let mut transaction = other.store.write().await.expect("it begins");
            hold(&mut transaction, "office", "notes").await.expect("it can be read")
        });
        // SQLite has one writer at a time, whatever it does.
        if database.kind() == "PostgreSQL" {
            eventually("somebody waits", || async {
                let waits = "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
                if database.query(waits).await.is_empty() { Err("nobody".to_owned()) } else { Ok(()) }
            })
            .await;
        }
        rewind(&mut transaction, "office", "notes").await.expect("it is moved");
        transaction.commit().await.expect("committed");
        assert_eq!(waiting.await.expect("no panic"), None, "it saw where the reader is now");
        keeper.stop().await;
    }
}

#[tokio::test]
async fn the_first_entry_of_a_page_waits_for_others_as_long_as_it_may_and_no_longer() {
    let (bench, keeper) = kept().await;
    let database = Database::file();
    let reader = Reader::open(&database).await;
    let reads = |name: &str, linger| Reading::new("office", name).page(3).linger(linger);
    let patient = Service::new("patient").reads(reads("patient", Duration::from_secs(10)), note);
    let running = started(&bench, patient, &reader).await;
    for number in 0..6 {
        bench.file(number).await;
    }
    assert_eq!(reader.seen.reaches(2).await, ["[0, 1, 2]", "[3, 4, 5]"]);
    running.stop().await;

    let reader = Reader::open(&database).await;
    let hasty = reads("hasty", Duration::from_millis(50)).from(Start::Next);
    let running = started(&bench, Service::new("hasty").reads(hasty, note), &reader).await;
    bench.file(10).await;
    assert_eq!(reader.seen.reaches(1).await, ["[10]"], "the page is not full, and nothing more comes");
    running.stop().await;
    keeper.stop().await;
}
