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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_dies_while_a_log_is_read_each_entry_is_noted_once() {
    for database in Database::of_each_kind().await {
        let (bench, keeper) = kept().await;
        for number in 0..500 {
            bench.file(number).await;
        }
        let scribe = Scribe::open(&database).await;
        let mut last = 0;
        while last < 499 {
            let running = scribe::start(&bench, &scribe, scribe::reading().page(3)).await;
            let (from, noted) = (last, std::sync::atomic::AtomicU32::new(0));
            tests::eventually("some progress", || async {
                let places = place(&database).await;
                let word = places.first().and_then(|place| place.split(' ').nth(2)).unwrap_or("-1");
                let place: u32 = word.parse().unwrap_or(0);
                noted.store(place, std::sync::atomic::Ordering::Relaxed);
                if place > from || place == 499 { Ok(()) } else { Err(places.join(", ")) }
            })
            .await;
            last = noted.into_inner();
            drop(running);
        }
        noted(&database, &each(0..500, 1)).await;
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
        for number in round * 10..round * 10 + 10 {
            bench.file(number).await;
        }
        proxy.cut();
        proxy.open();
    }
    noted(&database, &each(0..30, 1)).await;
    running.stop().await;
    keeper.stop().await;
}
