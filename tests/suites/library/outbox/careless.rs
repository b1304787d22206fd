//! Handlers that swallow errors or leave something running: all or nothing all the same.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use garenne::{Classify, Context, Event, Failure, Options, PublishError, Running, Service};
use lapin::BasicProperties;
use serde::{Deserialize, Serialize};
use tests::{Database, PATIENCE, Raw};
use tokio::sync::{Notify, mpsc};

use super::bookkeeper::{self, Books, EntryMade, SumPaid, accounts, all_is_told, pay, told};
use crate::library::bench::{Bench, metric_at};

/// Starts a bookkeeper, with the queue `told` bound to what it tells.
async fn start(bench: &Bench, books: &Books, service: Service<Books>) -> Running<Books> {
    let service = service.stores_in(|books: &Books| &books.store).publishes::<EntryMade>();
    let running = service.start(books.clone(), bench.settings()).await.expect("the service starts");
    tokio::time::timeout(PATIENCE, running.ready()).await.expect("the service becomes ready");
    for event in ["bookkeeper.entry-made", "bookkeeper.visit-noted"] {
        bench.raw.queue("told", "bookkeeper.events", event).await;
    }
    running
}

/// What everybody writes who takes the error for "it is there already". PostgreSQL allows nothing after it.
async fn open_account(transaction: &mut garenne::store::Transaction) {
    let open = sqlx::query("INSERT INTO accounts (account, entries) VALUES ('till', 0)").execute(&mut **transaction);
    let _it_is_open_already = open.await;
}

#[tokio::test]
async fn a_failed_statement_that_a_handler_swallows_does_not_make_a_commit_of_nothing_look_like_one() {
    async fn enter_silently(sum: SumPaid, ctx: Context<Books>) -> Result<(), Failure> {
        let mut transaction = ctx.transaction().await?;
        bookkeeper::enter(&mut transaction, &sum.account).await.or_retry()?;
        open_account(&mut transaction).await;
        Ok(())
    }
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        let books = Books::open(&database).await;
        let bookkeeper = start(&bench, &books, Service::new("bookkeeper").on(enter_silently)).await;
        let mut first = books.store.write().await.expect("it begins");
        open_account(&mut first).await;
        first.commit().await.expect("committed");

        pay(&bench, "ada", "", Some("m-1")).await;
        let queue = "bookkeeper.desk.sum-paid";
        if database.kind() == "SQLite" {
            tests::eventually("an entry", || async {
                let accounts = accounts(&database).await;
                if accounts == ["ada 1", "till 0"] { Ok(()) } else { Err(format!("{accounts:?}")) }
            })
            .await;
        } else {
            let dead = bench.raw.take("bookkeeper.dlq").await;
            let error = Raw::header(&dead, "garenne-error").expect("an error");
            assert!(error.contains("transaction is aborted"), "{error}");
            assert_eq!(accounts(&database).await, ["till 0"]);
        }
        bench.waits(queue, 0).await;

        let mut unit = bookkeeper.client().transaction().await.expect("it begins");
        bookkeeper::enter(&mut unit, "grace").await.expect("entered");
        open_account(&mut unit).await;
        let committed = unit.commit().await.is_ok();
        let entered = accounts(&database).await.contains(&"grace 1".to_owned());
        assert_eq!(committed, entered, "on {}", database.kind());
        bookkeeper.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_handler_left_running_cannot_say_anything_once_its_transaction_has_come_to_nothing() {
    static GO_ON: Notify = Notify::const_new();
    static SAID: OnceLock<mpsc::UnboundedSender<Result<(), PublishError>>> = OnceLock::new();

    async fn leave_running(sum: SumPaid, ctx: Context<Books>) -> Result<(), Failure> {
        let mut transaction = ctx.transaction().await?;
        let entry = bookkeeper::enter(&mut transaction, &sum.account).await.or_retry()?;
        let ctx = ctx.clone();
        tokio::spawn(async move {
            GO_ON.notified().await;
            let said = ctx.publish(&EntryMade { account: sum.account, entry }).await.map(drop);
            SAID.get().map(|sender| sender.send(said))
        });
        Err(Failure::dead_letter("it came to nothing"))
    }
    let (sender, mut said) = mpsc::unbounded_channel();
    SAID.set(sender).expect("this test alone sets it");
    let database = Database::file();
    let bench = Bench::new().await;
    let books = Books::open(&database).await;
    let bookkeeper = start(&bench, &books, Service::new("bookkeeper").on(leave_running)).await;
    pay(&bench, "ada", "", Some("m-1")).await;
    bench.raw.take("bookkeeper.dlq").await;
    GO_ON.notify_one();
    let said = tokio::time::timeout(PATIENCE, said.recv()).await.expect("it goes on").expect("it says so");
    assert!(matches!(said, Err(PublishError::TooLate { .. })), "{said:?}");
    bookkeeper.stop().await;
    bench.waits("told", 0).await;
    assert_eq!(accounts(&database).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_handler_that_goes_on_although_its_message_was_handled_before_says_nothing_again() {
    async fn go_on(sum: SumPaid, ctx: Context<Books>) -> Result<(), Failure> {
        let transaction = ctx.transaction().await;
        ctx.publish(&EntryMade { account: sum.account, entry: 1 }).await?;
        transaction.map(drop)
    }
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        let books = Books::open(&database).await;
        let bookkeeper = start(&bench, &books, Service::new("bookkeeper").on(go_on)).await;
        for _ in 0..3 {
            pay(&bench, "ada", "", Some("m-1")).await;
        }
        metric_at(bookkeeper.admin_addr(), "garenne_duplicates_total{queue=\"bookkeeper.desk.sum-paid\"} 2").await;
        told(&bench, 1).await;
        bookkeeper.stop().await;
        bench.waits("told", 0).await;
        bench.waits("bookkeeper.dlq", 0).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_is_cut_off_frees_its_transaction_though_something_that_it_left_running_has_its_context_still() {
    static BEGUN: AtomicUsize = AtomicUsize::new(0);

    async fn hold_on(sum: SumPaid, ctx: Context<Books>) -> Result<(), Failure> {
        let mut transaction = ctx.transaction().await?;
        let entry = bookkeeper::enter(&mut transaction, &sum.account).await.or_retry()?;
        if BEGUN.fetch_add(1, Ordering::SeqCst) == 0 {
            let held = ctx.clone();
            tokio::spawn(async move {
                std::future::pending::<()>().await;
                drop(held);
            });
            std::future::pending::<()>().await;
        }
        ctx.publish(&EntryMade { account: sum.account, entry }).await?;
        Ok(())
    }
    // With one writer, the next attempt has it only if the first one has let go.
    let database = Database::file();
    let bench = Bench::new().await;
    let books = Books::open(&database).await;
    let options = Options::new().deadline(Duration::from_secs(1));
    let bookkeeper = start(&bench, &books, Service::new("bookkeeper").on_with(hold_on, options)).await;
    pay(&bench, "ada", "", Some("m-1")).await;
    assert_eq!(told(&bench, 1).await[0].1, EntryMade { account: "ada".into(), entry: 1 });
    bookkeeper.stop().await;
}

/// An event without a key: its place is in its conversation, which a foreign client may name as it likes.
#[derive(Debug, Event, Serialize, Deserialize)]
#[event(name = "bookkeeper.visit-noted")]
struct VisitNoted {}

#[tokio::test]
async fn a_conversation_with_a_name_that_no_database_keeps_is_gone_on_with() {
    async fn note_visit(_: SumPaid, ctx: Context<Books>) -> Result<(), Failure> {
        let _transaction = ctx.transaction().await?;
        ctx.publish(&VisitNoted {}).await?;
        Ok(())
    }
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        let books = Books::open(&database).await;
        let service = Service::new("bookkeeper").on(note_visit).publishes::<VisitNoted>();
        let bookkeeper = start(&bench, &books, service).await;
        let properties =
            BasicProperties::default().with_message_id("m-1".into()).with_correlation_id("odd\0name".into());
        bench.raw.publish_with("desk.events", "desk.sum-paid", r#"{"account":"ada"}"#, properties).await;
        let noted = bench.raw.take("told").await;
        assert_eq!(noted.properties.correlation_id().as_ref().map(|id| id.as_str()), Some("odd\0name"));
        all_is_told(&database).await;
        bookkeeper.stop().await;
    }
}
