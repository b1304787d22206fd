//! What the broker takes into a log and cannot deliver from it, or not as it is.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use garenne::log::Start;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use tests::frame::{long_string, short_string};
use tests::{Database, Sent, Wire, eventually, http};

use super::scribe::{self, Scribe, each, kept, noted, place};
use crate::library::bench::Bench;

/// Headers at which one broker or the other fails when it makes a delivery of what a stream has.
fn poison() -> [(&'static str, AMQPValue); 5] {
    [
        ("x-basic-type", AMQPValue::LongLongInt(3)),
        ("x-basic-app-id", AMQPValue::LongLongInt(3)),
        ("x-basic-type", AMQPValue::LongString("t".repeat(300).into())),
        ("x-basic-app-id", AMQPValue::LongString("a".repeat(300).into())),
        ("x-basic-expiration", AMQPValue::LongString("zz".into())),
    ]
}

async fn file_with(bench: &Bench, header: &str, value: AMQPValue) {
    let mut headers = FieldTable::default();
    headers.insert(header.into(), value);
    let properties = BasicProperties::default().with_headers(headers);
    // Nobody wants it, should it come after all.
    bench.raw.publish_with("desk.events", "desk.ticket-torn-up", "{}", properties).await;
}

#[tokio::test]
async fn an_entry_that_the_broker_cannot_deliver_is_counted_and_passed_over_and_the_others_are_read() {
    for database in Database::of_each_kind().await {
        let (bench, keeper) = kept().await;
        let scribe = Scribe::open(&database).await;
        let running = scribe::start(&bench, &scribe, scribe::reading()).await;
        let mut filed = 0;
        // Each behind an entry that is done, and then several in a row.
        for (header, value) in poison() {
            bench.file(filed).await;
            filed += 1;
            noted(&database, &each(0..filed, 1)).await;
            file_with(&bench, header, value).await;
        }
        for (header, value) in poison() {
            file_with(&bench, header, value).await;
        }
        for _ in 0..5 {
            bench.file(filed).await;
            filed += 1;
        }
        noted(&database, &each(0..filed, 1)).await;
        let places = place(&database).await;
        let counts: Vec<u32> = places[0].split(' ').skip(2).map(|count| count.parse().expect("a count")).collect();
        assert_eq!((counts[0], counts[2]), (filed + 9, 0), "{}: {places:?}", database.kind());
        assert!((2..=10).contains(&counts[1]), "some of the ten cannot be delivered: {places:?}");
        eventually("ready", || async {
            let answer = http::get(&format!("http://{}/readyz", running.admin_addr())).await?;
            if answer.status == 200 { Ok(()) } else { Err(answer.text) }
        })
        .await;
        // It goes on behind them when it comes again, too.
        running.stop().await;
        let running = scribe::start(&bench, &scribe, scribe::reading()).await;
        bench.file(filed).await;
        noted(&database, &each(0..filed + 1, 1)).await;
        running.stop().await;
        keeper.stop().await;
    }
}

#[tokio::test]
async fn a_reader_whose_last_entry_was_passed_over_begins_behind_it() {
    let (bench, keeper) = kept().await;
    let database = Database::file();
    let scribe = Scribe::open(&database).await;
    let running = scribe::start(&bench, &scribe, scribe::reading()).await;
    bench.file(0).await;
    noted(&database, &each(0..1, 1)).await;
    for (header, value) in poison() {
        file_with(&bench, header, value).await;
    }
    eventually("all are behind it", || async {
        let places = place(&database).await;
        if places[0].starts_with("office.log notes 5 ") { Ok(()) } else { Err(places.join(", ")) }
    })
    .await;
    running.stop().await;
    let running = scribe::start(&bench, &scribe, scribe::reading()).await;
    bench.file(1).await;
    noted(&database, &each(0..2, 1)).await;
    running.stop().await;
    keeper.stop().await;
}

#[tokio::test]
async fn an_offset_of_the_senders_own_moves_no_reader() {
    let (bench, keeper) = kept().await;
    let database = Database::file();
    let scribe = Scribe::open(&database).await;
    let running = scribe::start(&bench, &scribe, scribe::reading()).await;
    bench.file(0).await;
    noted(&database, &each(0..1, 1)).await;
    let (bench, offsets) = (std::sync::Arc::new(bench), [1_000_i64, 0, i64::MAX]);
    for offset in offsets {
        let bench = std::sync::Arc::clone(&bench);
        let forge = move || {
            let mut fields = Vec::new();
            for _ in 0..2 {
                short_string(&mut fields, b"x-stream-offset");
                fields.push(b'l');
                fields.extend(offset.to_be_bytes());
            }
            let mut properties = (1_u16 << 13).to_be_bytes().to_vec();
            long_string(&mut properties, &fields);
            let (exchange, key) = (b"desk.events".to_vec(), b"desk.ticket-torn-up".to_vec());
            let mut wire = Wire::connect(&bench.vhost);
            wire.publish(&Sent { exchange, key, properties, body: b"{}".to_vec() }).and_then(|()| wire.settle())
        };
        tokio::task::spawn_blocking(forge).await.expect("no panic").expect("the broker takes it");
    }
    bench.file(1).await;
    noted(&database, &each(0..2, 1)).await;
    eventually("the place behind them", || async {
        let places = place(&database).await;
        if places == ["office.log notes 4 0 0"] { Ok(()) } else { Err(places.join(", ")) }
    })
    .await;
    running.stop().await;
    keeper.stop().await;
}

#[tokio::test]
async fn a_reader_that_was_to_begin_with_what_cannot_be_delivered_begins_after_it() {
    for start in [Start::First, Start::Last, Start::Since(SystemTime::now())] {
        let (bench, keeper) = kept().await;
        for (header, value) in poison() {
            file_with(&bench, header, value).await;
        }
        let database = Database::file();
        let scribe = Scribe::open(&database).await;
        let running = scribe::start(&bench, &scribe, scribe::reading().from(start)).await;
        let filed = AtomicU32::new(0);
        eventually("a note", || async {
            bench.file(filed.fetch_add(1, Ordering::Relaxed)).await;
            let notes = scribe::notes(&database).await;
            if notes.is_empty() { Err(format!("{start:?}: none")) } else { Ok(()) }
        })
        .await;
        running.stop().await;
        keeper.stop().await;
    }
}
