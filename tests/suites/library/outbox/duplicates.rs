//! A message that comes again.

use std::collections::BTreeSet;

use sqlx::{AnyConnection, Connection as _};
use tests::{Database, Proxy, Raw};

use super::bookkeeper::{self, Books, accounts, all_is_told, pay, told};
use crate::library::bench::{Bench, metric_at};

#[tokio::test]
async fn a_message_that_comes_again_changes_nothing_says_nothing_and_is_acknowledged() {
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        let books = Books::open(&database).await;
        let bookkeeper = bookkeeper::start(&bench, &books).await;
        for _ in 0..3 {
            pay(&bench, "ada", "", Some("m-1")).await;
        }
        metric_at(bookkeeper.admin_addr(), "garenne_duplicates_total{queue=\"bookkeeper.desk.sum-paid\"} 2").await;
        all_is_told(&database).await;
        told(&bench, 1).await;
        bookkeeper.stop().await;
        assert_eq!(accounts(&database).await, ["ada 1"], "{}", database.kind());
        bench.waits("told", 0).await;
        bench.waits("bookkeeper.desk.sum-paid", 0).await;
        bench.waits("bookkeeper.dlq", 0).await;
    }
}

#[tokio::test]
async fn a_message_without_an_id_is_handled_as_often_as_it_comes() {
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        let books = Books::open(&database).await;
        let bookkeeper = bookkeeper::start(&bench, &books).await;
        for _ in 0..3 {
            pay(&bench, "ada", "", None).await;
        }
        told(&bench, 3).await;
        bookkeeper.stop().await;
        assert_eq!(accounts(&database).await, ["ada 3"], "{}", database.kind());
    }
}

#[tokio::test]
async fn another_message_under_an_id_that_was_used_is_a_dead_letter_and_not_forgotten() {
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        let books = Books::open(&database).await;
        let bookkeeper = bookkeeper::start(&bench, &books).await;
        pay(&bench, "ada", "", Some("1")).await;
        told(&bench, 1).await;
        pay(&bench, "grace", "", Some("1")).await;
        let dead = bench.raw.take("bookkeeper.dlq").await;
        assert_eq!(Raw::header(&dead, "garenne-reason").as_deref(), Some("id-reused"));
        assert!(dead.data.windows(5).any(|part| part == b"grace"), "the message is whole");
        bookkeeper.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_replicas_that_get_the_same_message_at_the_same_time_one_handles_it() {
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        let (one, other) = (Books::open(&database).await, Books::open(&database).await);
        let replicas = [bookkeeper::start(&bench, &one).await, bookkeeper::start(&bench, &other).await];
        for number in 0..40 {
            for _ in 0..2 {
                pay(&bench, "ada", "", Some(&format!("m-{number}"))).await;
            }
        }
        let told = told(&bench, 40).await;
        let ids: BTreeSet<&String> = told.iter().map(|(id, _)| id).collect();
        assert_eq!(ids.len(), 40);
        for replica in replicas {
            replica.stop().await;
        }
        assert_eq!(accounts(&database).await, ["ada 40"], "{}", database.kind());
        bench.waits("told", 0).await;
        bench.waits("bookkeeper.dlq", 0).await;
    }
}

#[tokio::test]
async fn what_was_handled_long_ago_is_forgotten() {
    for database in Database::of_each_kind().await {
        let bench = Bench::new().await;
        let books = Books::open(&database).await;
        let mut transaction = books.store.write().await.expect("a transaction");
        let insert = "INSERT INTO garenne_inbox (queue, message_id, digest, handled_at) VALUES ('q', $1, '', $2)";
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("now").as_millis();
        let now = i64::try_from(now).expect("a time");
        // More than are removed at once.
        for number in 0..2500_i64 {
            let insert = sqlx::query(insert).bind(format!("old-{number}")).bind(now - 3_700_000);
            insert.execute(&mut *transaction).await.expect("noted");
        }
        sqlx::query(insert).bind("young").bind(now - 3_500_000).execute(&mut *transaction).await.expect("noted");
        transaction.commit().await.expect("committed");
        let mut settings = bench.settings();
        settings.inbox_memory = std::time::Duration::from_secs(3600);
        let bookkeeper = bookkeeper::start_with(&bench, &books, settings).await;
        tests::eventually("the old ones are gone", || async {
            let left = database.query("SELECT message_id FROM garenne_inbox").await;
            if left == ["young"] { Ok(()) } else { Err(left.len().to_string()) }
        })
        .await;
        bookkeeper.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_is_lost_has_happened_and_the_next_attempt_does_nothing() {
    /// A commit waits for this lock, once it can no longer fail.
    const GATE: [&str; 3] = [
        "CREATE FUNCTION wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN PERFORM pg_advisory_xact_lock(42); RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON accounts DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION wait_at_the_gate()",
        "SELECT pg_advisory_lock(42)",
    ];
    for database in Database::of_each_kind().await.into_iter().filter(|database| database.kind() != "SQLite") {
        let bench = Bench::new().await;
        let (before, server) = database.url().split_once('@').expect("a user");
        let (server, name) = server.split_once('/').expect("a database");
        let proxy = Proxy::before(server);
        let books = Books::at(&format!("{before}@{}/{name}", proxy.address())).await;
        let bookkeeper = bookkeeper::start(&bench, &books).await;
        let mut gate = AnyConnection::connect(database.url()).await.expect("the server accepts");
        for statement in GATE {
            sqlx::query(statement).execute(&mut gate).await.expect(statement);
        }
        pay(&bench, "ada", "", Some("m-1")).await;
        tests::eventually("a commit", || async {
            let waiting = "SELECT query FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active'";
            let waiting = database.query(waiting).await;
            if waiting.is_empty() { Err("none".to_owned()) } else { Ok(()) }
        })
        .await;
        proxy.cut_existing();
        gate.close().await.expect("the gate opens");
        metric_at(bookkeeper.admin_addr(), "garenne_duplicates_total{queue=\"bookkeeper.desk.sum-paid\"} 1").await;
        told(&bench, 1).await;
        all_is_told(&database).await;
        bookkeeper.stop().await;
        assert_eq!((accounts(&database).await, books.begun()), (vec!["ada 1".to_owned()], 2));
        bench.waits("told", 0).await;
        bench.waits("bookkeeper.dlq", 0).await;
    }
}
