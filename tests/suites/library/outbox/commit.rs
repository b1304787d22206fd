//! All or nothing.

use garenne::{Classify, Context, Event, Failure, Service};
use serde::{Deserialize, Serialize};
use tests::{Database, Raw};

use super::bookkeeper::{self, Books, EntryMade, SumPaid, accounts, all_is_told, pay, told};
use crate::library::bench::Bench;

#[tokio::test]
async fn a_handler_that_fails_panics_or_hangs_has_done_and_said_nothing_and_the_next_attempt_does_both_once() {
    for wish in ["fail once", "panic once", "hang once"] {
        for database in Database::of_each_kind().await {
            let bench = Bench::new().await;
            let books = Books::open(&database).await;
            let bookkeeper = bookkeeper::start(&bench, &books).await;
            pay(&bench, "ada", wish, Some("m-1")).await;
            let told = told(&bench, 1).await;
            assert_eq!(told[0].1, EntryMade { account: "ada".into(), entry: 1 }, "{wish} on {}", database.kind());
            assert_eq!((accounts(&database).await, books.begun()), (vec!["ada 1".to_owned()], 2), "{wish}");
            bookkeeper.stop().await;
            bench.waits("told", 0).await;
        }
    }
}

#[tokio::test]
async fn a_message_that_is_given_up_leaves_no_trace_but_the_dead_letter() {
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        let books = Books::open(&database).await;
        let bookkeeper = bookkeeper::start(&bench, &books).await;
        pay(&bench, "ada", "give up", Some("m-1")).await;
        let dead = bench.raw.take("bookkeeper.dlq").await;
        assert_eq!(Raw::header(&dead, "garenne-error").as_deref(), Some("wished for"));
        bookkeeper.stop().await;
        assert_eq!(accounts(&database).await, Vec::<String>::new());
        let traces = "SELECT message_id FROM garenne_inbox UNION ALL SELECT message_id FROM garenne_outbox";
        assert_eq!(database.query(traces).await, Vec::<String>::new());
        bench.waits("told", 0).await;
    }
}

#[tokio::test]
async fn a_second_transaction_in_one_handler_is_an_error_and_not_a_handler_that_waits_for_itself() {
    let database = Database::file();
    let bench = Bench::new().await;
    let books = Books::open(&database).await;
    let mut settings = bench.settings();
    settings.ladder = Some(garenne::Ladder::new([std::time::Duration::from_millis(20)]).expect("a ladder"));
    let bookkeeper = bookkeeper::start_with(&bench, &books, settings).await;
    pay(&bench, "ada", "begin twice", Some("m-1")).await;
    let dead = bench.raw.take("bookkeeper.dlq").await;
    let error = Raw::header(&dead, "garenne-error").expect("an error");
    assert!(error.contains("take it once"), "{error}");
    bookkeeper.stop().await;
}

#[tokio::test]
async fn a_service_that_does_not_say_where_its_transactions_are_is_told_what_to_add() {
    let bench = Bench::new().await;
    let books = Books::open(&Database::file()).await;
    let service = Service::new("bookkeeper").on(bookkeeper::enter_sum).publishes::<EntryMade>();
    let running = service.start(books, bench.settings()).await.expect("the service starts");
    assert!(running.ready().await);
    pay(&bench, "ada", "", Some("m-1")).await;
    let dead = bench.raw.take("bookkeeper.dlq").await;
    let error = Raw::header(&dead, "garenne-error").expect("an error");
    assert!(error.contains(".stores_in("), "{error}");
    running.stop().await;
}

/// An event that its service does not declare.
#[derive(Debug, Event, Serialize, Deserialize)]
#[event(name = "bookkeeper.year-closed")]
struct YearClosed {}

#[tokio::test]
async fn an_event_that_cannot_be_published_fails_its_handler_and_never_reaches_the_outbox() {
    async fn close_year(sum: SumPaid, ctx: Context<Books>) -> Result<(), Failure> {
        let mut transaction = ctx.transaction().await?;
        bookkeeper::enter(&mut transaction, &sum.account).await.or_retry()?;
        ctx.publish(&YearClosed {}).await?;
        Ok(())
    }
    let database = Database::file();
    let bench = Bench::new().await;
    let books = Books::open(&database).await;
    let service = Service::new("bookkeeper").stores_in(|books: &Books| &books.store).on(close_year);
    let running = service.start(books, bench.settings()).await.expect("the service starts");
    assert!(running.ready().await);
    pay(&bench, "ada", "", Some("m-1")).await;
    let dead = bench.raw.take("bookkeeper.dlq").await;
    assert!(Raw::header(&dead, "garenne-error").expect("an error").contains("add .publishes::<…>()"));
    running.stop().await;
    assert_eq!(accounts(&database).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_background_task_has_transactions_too() {
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        let books = Books::open(&database).await;
        let bookkeeper = bookkeeper::start(&bench, &books).await;
        let client = bookkeeper.client();
        for (account, commits) in [("ada", true), ("grace", false)] {
            let mut unit = client.transaction().await.expect("it begins");
            let entry = bookkeeper::enter(&mut unit, account).await.expect("entered");
            unit.publish(&EntryMade { account: account.into(), entry }).expect("taken in");
            if commits {
                unit.commit().await.expect("committed");
            }
        }
        assert_eq!(told(&bench, 1).await[0].1.account, "ada");
        all_is_told(&database).await;
        bookkeeper.stop().await;
        assert_eq!(accounts(&database).await, ["ada 1"]);
        bench.waits("told", 0).await;
    }
}
