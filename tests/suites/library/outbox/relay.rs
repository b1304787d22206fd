//! What was committed reaches the broker.

use std::time::Duration;

use lapin::options::QueuePurgeOptions;
use tests::{Database, PATIENCE, Proxy};

use super::bookkeeper::{self, Books, EntryMade, all_is_told, told};
use crate::library::bench::{Bench, metric_at};

/// Commits an entry and its event.
async fn commit(client: &garenne::Client<Books>, account: &str) {
    let mut unit = client.transaction().await.expect("it begins");
    let entry = bookkeeper::enter(&mut unit, account).await.expect("entered");
    unit.publish(&EntryMade { account: account.into(), entry }).expect("taken in");
    unit.commit().await.expect("committed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_go_on_while_the_broker_is_away_and_what_they_say_follows_in_order_when_it_is_back() {
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        let proxy = Proxy::new(&bench.vhost);
        let books = Books::open(&database).await;
        let bookkeeper = bookkeeper::start_with(&bench, &books, bench.settings_through(&proxy)).await;
        proxy.cut();
        for _ in 0..50 {
            commit(&bookkeeper.client(), "ada").await;
        }
        metric_at(bookkeeper.admin_addr(), "garenne_outbox_pending{} 50").await;
        proxy.open();
        let entries: Vec<i64> = told(&bench, 50).await.into_iter().map(|(_, made)| made.entry).collect();
        assert_eq!(entries, (1..=50).collect::<Vec<i64>>(), "{}", database.kind());
        metric_at(bookkeeper.admin_addr(), "garenne_outbox_pending{} 0").await;
        bookkeeper.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_replica_that_died_has_committed_is_published_by_another_one_under_the_same_id() {
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        let proxy = Proxy::new(&bench.vhost);
        let books = Books::open(&database).await;
        let dying = bookkeeper::start_with(&bench, &books, bench.settings_through(&proxy)).await;
        proxy.cut();
        commit(&dying.client(), "ada").await;
        // As a crash would end it.
        drop(dying);
        let [committed] = database.query("SELECT message_id FROM garenne_outbox").await.try_into().expect("one row");
        let heir = bookkeeper::start(&bench, &Books::open(&database).await).await;
        assert_eq!(told(&bench, 1).await[0].0, committed, "{}", database.kind());
        all_is_told(&database).await;
        heir.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_alive_publishes_what_one_beside_it_has_left() {
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        let heir = bookkeeper::start(&bench, &Books::open(&database).await).await;
        let proxy = Proxy::new(&bench.vhost);
        let dying = bookkeeper::start_with(&bench, &Books::open(&database).await, bench.settings_through(&proxy)).await;
        proxy.cut();
        commit(&dying.client(), "ada").await;
        drop(dying);
        told(&bench, 1).await;
        all_is_told(&database).await;
        heir.stop().await;
    }
}

#[tokio::test]
async fn a_commit_wakes_the_relay_at_once() {
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        let books = Books::open(&database).await;
        let bookkeeper = bookkeeper::start(&bench, &books).await;
        let client = bookkeeper.client();
        // Looking once a second it would take a minute.
        let soon = tokio::time::timeout(Duration::from_secs(30), async {
            for _ in 0..60 {
                commit(&client, "ada").await;
                told(&bench, 1).await;
            }
        });
        soon.await.expect("each is told before the relay looks by itself");
        bookkeeper.stop().await;
    }
}

#[tokio::test]
async fn a_service_that_stops_publishes_what_it_has_committed_first() {
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        let books = Books::open(&database).await;
        let bookkeeper = bookkeeper::start(&bench, &books).await;
        for number in 0..100 {
            commit(&bookkeeper.client(), &format!("account-{number}")).await;
        }
        tokio::time::timeout(PATIENCE, bookkeeper.stop()).await.expect("it stops");
        assert_eq!(database.query("SELECT message_id FROM garenne_outbox").await, Vec::<String>::new());
        bench.waits("told", 100).await;
    }
}

#[tokio::test]
async fn a_message_that_a_full_queue_rejects_is_kept_with_the_reason_and_published_when_there_is_room() {
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        let books = Books::open(&database).await;
        let bookkeeper = bookkeeper::start(&bench, &books).await;
        bench.queue_for_one("full", "bookkeeper.events", "bookkeeper.entry-made").await;
        for account in ["ada", "grace"] {
            commit(&bookkeeper.client(), account).await;
        }
        let reason = tests::eventually("a reason", || async {
            let reasons = database.query("SELECT last_error FROM garenne_outbox WHERE last_error IS NOT NULL").await;
            reasons.into_iter().next().ok_or_else(|| "none".to_owned())
        });
        assert!(reason.await.contains("a queue it is routed to is full"), "{}", database.kind());
        let purge = bench.raw.channel().queue_purge("full".into(), QueuePurgeOptions::default());
        purge.await.expect("purged");
        all_is_told(&database).await;
        bookkeeper.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_broker_has_and_the_database_will_not_remove_is_sent_once() {
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        let books = Books::open(&database).await;
        let bookkeeper = bookkeeper::start(&bench, &books).await;
        refuse_removals(&books, &database).await;
        // Each new entry makes the relay try again to remove those before it.
        let mut ids = std::collections::BTreeSet::new();
        for number in 0..5 {
            commit(&bookkeeper.client(), &format!("account-{number}")).await;
            let (id, made) = told(&bench, 1).await.remove(0);
            assert_eq!(made.account, format!("account-{number}"), "on {}", database.kind());
            assert!(ids.insert(id));
        }
        let mut transaction = books.store.write().await.expect("it begins");
        let allow =
            if database.kind() == "SQLite" { "DROP TRIGGER kept" } else { "DROP TRIGGER kept ON garenne_outbox" };
        sqlx::raw_sql(allow).execute(&mut *transaction).await.expect("allowed");
        transaction.commit().await.expect("committed");
        all_is_told(&database).await;
        bookkeeper.stop().await;
        bench.waits("told", 0).await;
    }
}

/// As a full disk would.
async fn refuse_removals(books: &Books, database: &Database) {
    let trigger = if database.kind() == "SQLite" {
        "CREATE TRIGGER kept BEFORE DELETE ON garenne_outbox BEGIN SELECT RAISE(ABORT, 'no space'); END"
    } else {
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no space'; END $$;
         CREATE TRIGGER kept BEFORE DELETE ON garenne_outbox FOR EACH ROW EXECUTE FUNCTION keep()"
    };
    let mut transaction = books.store.write().await.expect("it begins");
    sqlx::raw_sql(trigger).execute(&mut *transaction).await.expect("refused from now on");
    transaction.commit().await.expect("committed");
}
