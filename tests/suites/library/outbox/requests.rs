//! A request that changes something, and its reply.

use garenne::{Classify, Context, Options, Refusal, Request, Running, Service};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use serde::{Deserialize, Serialize};
use tests::Database;

use super::bookkeeper::{self, Books, EntryMade, accounts, all_is_told, told};
use crate::library::bench::{Bench, metric_at};

/// Asks for one more entry.
#[derive(Debug, Request, Serialize, Deserialize)]
#[request(name = "bookkeeper.make-entry", reply = i64, error = Closed)]
struct MakeEntry {
    account: String,
}

/// The account takes no entries.
#[derive(Debug, Serialize, Deserialize)]
struct Closed {}

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the account is closed")
    }
}

async fn make_entry(ask: MakeEntry, ctx: Context<Books>) -> Result<i64, Refusal<Closed>> {
    let mut transaction = ctx.transaction().await?;
    let entry = bookkeeper::enter(&mut transaction, &ask.account).await.or_retry()?;
    ctx.publish(&EntryMade { account: ask.account.clone(), entry }).await?;
    if ask.account == "closed" { Err(Refusal::domain(Closed {})) } else { Ok(entry) }
}

async fn start(bench: &Bench, database: &Database) -> Running<Books> {
    let service = Service::new("bookkeeper")
        .stores_in(|books: &Books| &books.store)
        .answer_with(make_entry, Options::new())
        .answers_foreign_clients()
        .publishes::<EntryMade>();
    let running = service.start(Books::open(database).await, bench.settings()).await.expect("the service starts");
    assert!(running.ready().await);
    bench.raw.queue("told", "bookkeeper.events", "bookkeeper.entry-made").await;
    running
}

/// Asks as a foreign client would, and under an id of the test's choice.
async fn ask(bench: &Bench, account: &str, message_id: &str, reply_to: &str) {
    let properties = BasicProperties::default()
        .with_message_id(message_id.into())
        .with_correlation_id("c-1".into())
        .with_reply_to(reply_to.into());
    let body = serde_json::json!({"account": account}).to_string();
    bench.raw.publish_with("bookkeeper.requests", "bookkeeper.make-entry", body, properties).await;
}

#[tokio::test]
async fn a_request_that_is_delivered_again_changes_nothing_and_its_reply_was_committed_with_the_effect() {
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        let bookkeeper = start(&bench, &database).await;
        let replies = bench.raw.replies().await;
        ask(&bench, "ada", "m-1", &replies).await;
        let reply = bench.raw.take(&replies).await;
        assert_eq!((reply.data.as_slice(), told(&bench, 1).await.len()), (b"1".as_slice(), 1));
        assert_eq!(reply.properties.correlation_id().as_ref().map(|id| id.as_str()), Some("c-1"));
        ask(&bench, "ada", "m-1", &replies).await;
        metric_at(bookkeeper.admin_addr(), "garenne_duplicates_total{queue=\"bookkeeper.bookkeeper.make-entry\"} 1")
            .await;
        all_is_told(&database).await;
        bookkeeper.stop().await;
        assert_eq!(accounts(&database).await, ["ada 1"], "{}", database.kind());
        bench.waits("told", 0).await;
    }
}

#[tokio::test]
async fn a_reply_that_has_nowhere_to_go_is_dropped_and_its_effect_stays() {
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        let bookkeeper = start(&bench, &database).await;
        let mut headers = FieldTable::default();
        headers.insert("garenne-reply-exchange".into(), AMQPValue::LongString("ghost.replies".into()));
        let properties = BasicProperties::default()
            .with_message_id("m-1".into())
            .with_reply_to("ghost.reply.1".into())
            .with_headers(headers);
        let body = r#"{"account":"ada"}"#;
        bench.raw.publish_with("bookkeeper.requests", "bookkeeper.make-entry", body, properties).await;
        told(&bench, 1).await;
        all_is_told(&database).await;
        bookkeeper.stop().await;
        assert_eq!(accounts(&database).await, ["ada 1"], "{}", database.kind());
    }
}

#[tokio::test]
async fn a_request_that_is_refused_has_changed_nothing() {
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        let bookkeeper = start(&bench, &database).await;
        let replies = bench.raw.replies().await;
        ask(&bench, "closed", "m-1", &replies).await;
        let reply = bench.raw.take(&replies).await;
        let text = String::from_utf8(reply.data).expect("text");
        assert!(text.contains("the account is closed"), "{text}");
        bookkeeper.stop().await;
        assert_eq!(accounts(&database).await, Vec::<String>::new(), "{}", database.kind());
        bench.waits("told", 0).await;
    }
}
