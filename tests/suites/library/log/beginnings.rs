//! Where a reader begins, and where it goes on.

use std::time::{Duration, SystemTime};

use garenne::log::Start;
use tests::{Database, eventually};

use super::scribe::{self, Scribe, each, kept, noted, notes, place};

#[tokio::test]
async fn a_reader_begins_with_the_first_entry_or_an_offset_or_a_time_or_the_last_chunk_or_with_the_next_one() {
    let (bench, keeper) = kept().await;
    for number in 0..5 {
        bench.file(number).await;
    }
    let filed = SystemTime::now();
    // A time has whole seconds.
    let later = eventually("the clock has gone on", || async {
        let now = SystemTime::now();
        if now >= filed + Duration::from_secs(2) { Ok(now) } else { Err(format!("{now:?}")) }
    })
    .await;
    for number in 5..10 {
        bench.file(number).await;
    }
    for (start, first) in [
        (Start::First, 0),
        (Start::Offset(7), 7),
        (Start::Since(later), 5),
        (Start::Last, 9),
        // Nothing is there yet.
        (Start::Next, 10),
    ] {
        let database = Database::file();
        let scribe = Scribe::open(&database).await;
        let running = scribe::start(&bench, &scribe, scribe::reading().from(start)).await;
        if start == Start::Next {
            bench.file(10).await;
            noted(&database, &each(10..11, 1)).await;
        } else {
            noted(&database, &each(first..10, 1)).await;
        }
        running.stop().await;
    }
    keeper.stop().await;
}

#[tokio::test]
async fn a_reader_that_was_away_goes_on_after_the_last_entry_that_it_has_done_wherever_it_once_began() {
    for database in Database::of_each_kind().await {
        let (bench, keeper) = kept().await;
        bench.file(0).await;
        let scribe = Scribe::open(&database).await;
        let reading = scribe::reading().from(Start::Next);
        let first = scribe::start(&bench, &scribe, reading.clone()).await;
        bench.file(1).await;
        noted(&database, &each(1..2, 1)).await;
        first.stop().await;
        for number in 2..25 {
            bench.file(number).await;
        }
        let second = scribe::start(&bench, &scribe, reading).await;
        noted(&database, &each(1..25, 1)).await;
        assert_eq!(place(&database).await, ["office.log notes 24 0 0"], "{}", database.kind());
        second.stop().await;
        keeper.stop().await;
    }
}

#[tokio::test]
async fn readers_of_one_log_have_places_of_their_own() {
    let (bench, keeper) = kept().await;
    let database = Database::file();
    let scribe = Scribe::open(&database).await;
    bench.file(0).await;
    let one = scribe::start(&bench, &scribe, scribe::reading()).await;
    noted(&database, &each(0..1, 1)).await;
    one.stop().await;
    let other = garenne::log::Reading::new("office", "again").page(10);
    let other = scribe::start(&bench, &scribe, other).await;
    noted(&database, &each(0..1, 2)).await;
    other.stop().await;
    assert_eq!(notes(&database).await, ["0 2"]);
    let mut places = place(&database).await;
    places.sort();
    assert_eq!(places, ["office.log again 0 0 0", "office.log notes 0 0 0"]);
    keeper.stop().await;
}
