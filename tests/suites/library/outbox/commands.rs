//! Commands that are sent with a commit.

use garenne::{Classify, Context, Failure, Request, Running, Service};
use serde::{Deserialize, Serialize};
use tests::{Database, eventually};

use super::bookkeeper::{self, Books, SumPaid, accounts, all_is_told, pay};
use crate::library::bench::Bench;

/// Asks another service to look at an entry, and does not wait.
#[derive(Debug, Request, Serialize, Deserialize)]
#[request(name = "auditor.note-entry", reply = ())]
struct NoteEntry {
    account: String,
    entry: i64,
}

async fn enter_and_command(sum: SumPaid, ctx: Context<Books>) -> Result<(), Failure> {
    let attempt = ctx.message().attempt();
    let mut transaction = ctx.transaction().await?;
    let entry = bookkeeper::enter(&mut transaction, &sum.account).await.or_retry()?;
    ctx.command(&NoteEntry { account: sum.account, entry }).await?;
    if sum.wish == "fail once" && attempt == 1 { Err(Failure::retry("wished for")) } else { Ok(()) }
}

async fn start(bench: &Bench, database: &Database) -> Running<Books> {
    let service =
        Service::new("bookkeeper").stores_in(|books: &Books| &books.store).on(enter_and_command).asks::<NoteEntry>();
    let running = service.start(Books::open(database).await, bench.settings()).await.expect("the service starts");
    assert!(running.ready().await);
    running
}

#[tokio::test]
async fn a_command_is_sent_once_with_the_commit_and_not_at_all_without_it() {
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        bench.raw.exchange("auditor.requests").await;
        bench.raw.queue("auditor", "auditor.requests", "auditor.note-entry").await;
        let bookkeeper = start(&bench, &database).await;
        pay(&bench, "ada", "fail once", Some("m-1")).await;
        let command = bench.raw.take("auditor").await;
        assert_eq!(command.data, br#"{"account":"ada","entry":1}"#, "{}", database.kind());
        assert_eq!(command.properties.reply_to(), &None);
        all_is_told(&database).await;
        bookkeeper.stop().await;
        assert_eq!((accounts(&database).await, bench.raw.ready("auditor").await), (vec!["ada 1".to_owned()], 0));
    }
}

#[tokio::test]
async fn a_command_that_nobody_takes_is_kept_until_its_owner_is_there() {
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        bench.raw.exchange("auditor.requests").await;
        let bookkeeper = start(&bench, &database).await;
        pay(&bench, "ada", "", Some("m-1")).await;
        eventually("the trouble in the outbox", || async {
            let errors = database.query("SELECT COALESCE(last_error, '') FROM garenne_outbox").await;
            let told = errors.iter().any(|error| error.contains("nobody takes auditor.note-entry"));
            if told { Ok(()) } else { Err(errors.join("\n")) }
        })
        .await;
        bench.raw.queue("auditor", "auditor.requests", "auditor.note-entry").await;
        assert_eq!(bench.raw.take("auditor").await.data, br#"{"account":"ada","entry":1}"#);
        all_is_told(&database).await;
        bookkeeper.stop().await;
    }
}
