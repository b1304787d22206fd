//! Each entry has its effects once.

use tests::{Database, Proxy};

use super::scribe::{self, PageTurned, Scribe, Wish, each, kept, noted, place};
use crate::library::bench::metric_at;

#[tokio::test]
async fn a_page_whose_handler_fails_panics_or_hangs_has_done_and_said_nothing_and_is_tried_again_until_it_succeeds() {
    for wish in [Wish::Fail, Wish::Panic, Wish::Hang] {
        for database in Database::of_each_kind().await {
            let (bench, keeper) = kept().await;
            let scribe = Scribe::open(&database).await;
            let running = scribe::start(&bench, &scribe, scribe::reading()).await;
            bench.raw.queue("told", "scribe.events", "scribe.page-turned").await;
            scribe.wish(wish, 2);
            bench.file(0).await;
            noted(&database, &each(0..1, 1)).await;
            metric_at(running.admin_addr(), "garenne_log_retried_total{log=\"office.log\",reader=\"notes\"} 2").await;
            let told = bench.raw.take("told").await;
            assert_eq!(serde_json::from_slice::<PageTurned>(&told.data).unwrap(), PageTurned { tickets: 1 });
            running.stop().await;
            bench.waits("told", 0).await;
            assert_eq!(place(&database).await, ["office.log notes 0 0 0"], "{wish:?} on {}", database.kind());
            keeper.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_replicas_that_read_the_same_entries_one_has_the_effects_and_the_other_takes_over_when_it_dies() {
    for database in Database::of_each_kind().await {
        let (bench, keeper) = kept().await;
        let (one, other) = (Scribe::open(&database).await, Scribe::open(&database).await);
        let first = scribe::start(&bench, &one, scribe::reading()).await;
        let second = scribe::start(&bench, &other, scribe::reading()).await;
        for number in 0..60 {
            bench.file(number).await;
        }
        noted(&database, &each(0..60, 1)).await;
        // As a crash would.
        drop(first);
        for number in 60..120 {
            bench.file(number).await;
        }
        noted(&database, &each(0..120, 1)).await;
        second.stop().await;
        assert_eq!(place(&database).await, ["office.log notes 119 0 0"], "{}", database.kind());
        keeper.stop().await;
    }
}

/// The last entry that is done; -1 when none is.
async fn offset(database: &Database) -> i64 {
    let place = place(database).await;
    place.first().and_then(|place| place.split(' ').nth(2)?.parse().ok()).unwrap_or(-1)
}

/// Waits until a reader has done more than the entries up to this one.
async fn got_on(database: &Database, from: i64) {
    tests::eventually("some progress", || async {
        let now = offset(database).await;
        if now > from { Ok(()) } else { Err(now.to_string()) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_dies_while_a_log_is_read_each_entry_is_noted_once() {
    for database in Database::of_each_kind().await {
        let (bench, keeper) = kept().await;
        let scribe = Scribe::open(&database).await;
        let (mut filed, mut deaths) = (0, 0);
        while deaths < 8 {
            assert!(filed < 20_000, "{deaths} of 8 readers died in the middle");
            // It may have come to the end before it died.
            if filed == 0 || offset(&database).await + 1 == i64::from(filed) {
                for number in filed..filed + 200 {
                    bench.file(number).await;
                }
                filed += 200;
            }
            let from = offset(&database).await;
            let running = scribe::start(&bench, &scribe, scribe::reading().page(3)).await;
            got_on(&database, from).await;
            drop(running);
            deaths += u32::from(offset(&database).await + 1 < i64::from(filed));
        }
        let running = scribe::start(&bench, &scribe, scribe::reading()).await;
        noted(&database, &each(0..filed, 1)).await;
        running.stop().await;
        keeper.stop().await;
    }
}

#[tokio::test]
async fn a_reader_whose_connection_is_lost_goes_on_where_it_was() {
    let (bench, keeper) = kept().await;
    let database = Database::file();
    let scribe = Scribe::open(&database).await;
    let proxy = Proxy::new(&bench.vhost);
    let service = scribe::service(None, scribe::reading());
    let running = scribe::start_with(service, &scribe, bench.settings_through(&proxy)).await;
    for round in 0..3 {
        let from = offset(&database).await;
        for number in round * 20..round * 20 + 10 {
            bench.file(number).await;
        }
        got_on(&database, from).await;
        let attempts = proxy.attempts();
        proxy.cut();
        for number in round * 20 + 10..round * 20 + 20 {
            bench.file(number).await;
        }
        // Its connections are gone, and it knows.
        proxy.attempted(attempts + 1).await;
        assert!(offset(&database).await < i64::from(round * 20 + 19), "nothing comes without a connection");
        proxy.open();
    }
    noted(&database, &each(0..60, 1)).await;
    running.stop().await;
    keeper.stop().await;
}
