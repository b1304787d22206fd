//! What cannot be read, what is gone, and what does not get on: nothing of it in silence.

use garenne::log::Log;
use garenne::{Fault, Service};
use lapin::BasicProperties;
use lapin::options::QueueDeleteOptions;
use tests::{Database, eventually, http};

use super::scribe::{self, Scribe, Wish, each, kept, noted, place};
use crate::library::bench::{Bench, Seen, metric_at};

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_counted_with_the_page_and_the_others_are_read() {
    for database in Database::of_each_kind().await {
        let (bench, keeper) = kept().await;
        let scribe = Scribe::open(&database).await;
        let running = scribe::start(&bench, &scribe, scribe::reading()).await;
        bench.file(0).await;
        bench.raw.publish("desk.events", "desk.ticket-filed", "{\"number\": \"four\"}").await;
        // Nobody wants this one.
        bench.raw.publish("desk.events", "desk.ticket-torn-up", "no JSON").await;
        bench.file(1).await;
        noted(&database, &each(0..2, 1)).await;
        metric_at(running.admin_addr(), "garenne_log_unreadable_total{log=\"office.log\",reader=\"notes\"} 1").await;
        assert_eq!(place(&database).await, ["office.log notes 3 1 0"], "{}", database.kind());
        metric_at(running.admin_addr(), "garenne_log_offset{log=\"office.log\",reader=\"notes\"} 3").await;
        running.stop().await;
        keeper.stop().await;
    }
}

#[tokio::test]
async fn a_reader_that_does_not_get_on_says_where_and_why_and_is_not_ready_until_it_does() {
    let (bench, keeper) = kept().await;
    let database = Database::file();
    let scribe = Scribe::open(&database).await;
    let running = scribe::start(&bench, &scribe, scribe::reading()).await;
    let readyz = format!("http://{}/readyz", running.admin_addr());
    scribe.wish(Wish::Fail, u32::MAX);
    bench.file(0).await;
    eventually("not ready", || async {
        let answer = http::get(&readyz).await?;
        let says_why = answer.text.contains("office.log is read no further than offset 0: wished for");
        if answer.status == 503 && says_why { Ok(()) } else { Err(answer.text) }
    })
    .await;
    metric_at(running.admin_addr(), "garenne_log_stuck{log=\"office.log\",reader=\"notes\"} 1").await;
    scribe.wish(Wish::Work, 0);
    noted(&database, &each(0..1, 1)).await;
    eventually("ready", || async {
        let answer = http::get(&readyz).await?;
        if answer.status == 200 { Ok(()) } else { Err(answer.text) }
    })
    .await;
    metric_at(running.admin_addr(), "garenne_log_stuck{log=\"office.log\",reader=\"notes\"} 0").await;
    running.stop().await;
    keeper.stop().await;
}

#[tokio::test]
async fn what_the_log_had_to_let_go_before_it_was_read_is_counted() {
    let database = Database::file();
    let bench = Bench::new().await;
    let small = Log::new("office").of(["desk"]).bytes(100_000).days(1);
    let keeper = bench.start(Service::<Seen>::new("keeper").keeps(small)).await;
    let padding = "x".repeat(2_000);
    for number in 0..400 {
        let body = format!("{{\"number\":{number},\"padding\":\"{padding}\"}}");
        bench.raw.publish("desk.events", "desk.ticket-filed", body).await;
    }
    let scribe = Scribe::open(&database).await;
    let running = scribe::start(&bench, &scribe, scribe::reading()).await;
    let first = eventually("all that is left", || async {
        let notes = scribe::notes(&database).await;
        let numbers: Vec<u32> = notes.iter().filter_map(|note| note.split(' ').next()?.parse().ok()).collect();
        if numbers.last() == Some(&399) { Ok(numbers[0]) } else { Err(format!("{numbers:?}")) }
    })
    .await;
    assert!(first > 0, "the log keeps no more than it is allowed to");
    noted(&database, &each(first..400, 1)).await;
    // The broker itself takes a place now and then.
    let missed = scribe.missed();
    assert!(missed >= first, "{missed} missed, and {first} tickets are gone");
    let places = place(&database).await;
    assert!(places[0].ends_with(&format!(" 0 {missed}")), "{places:?}");
    let sample = format!("garenne_log_missed_total{{log=\"office.log\",reader=\"notes\"}} {missed}");
    metric_at(running.admin_addr(), &sample).await;
    running.stop().await;
    keeper.stop().await;
}

#[tokio::test]
async fn what_the_log_lets_go_under_a_reader_that_is_too_slow_is_counted_too() {
    let database = Database::file();
    let bench = Bench::new().await;
    let small = Log::new("office").of(["desk"]).bytes(100_000).days(1);
    let keeper = bench.start(Service::<Seen>::new("keeper").keeps(small)).await;
    let scribe = Scribe::open(&database).await;
    let running = scribe::start(&bench, &scribe, scribe::reading()).await;
    bench.file(0).await;
    noted(&database, &each(0..1, 1)).await;
    scribe.wish(Wish::Fail, u32::MAX);
    let padding = "x".repeat(2_000);
    for number in 1..600 {
        let body = format!("{{\"number\":{number},\"padding\":\"{padding}\"}}");
        bench.raw.publish("desk.events", "desk.ticket-filed", body).await;
    }
    scribe.wish(Wish::Work, 0);
    let notes = eventually("the last ticket", || async {
        let notes = scribe::notes(&database).await;
        if notes.last().is_some_and(|note| note == "599 1") { Ok(notes) } else { Err(format!("{notes:?}")) }
    })
    .await;
    let gone = 600 - u32::try_from(notes.len()).expect("few");
    assert!(gone > 0, "the log keeps no more than it is allowed to");
    assert!(notes.iter().all(|note| note.ends_with(" 1")), "{notes:?}");
    let missed = scribe.missed();
    // The broker itself takes a place for each segment, which has two or three tickets here.
    assert!((gone..gone * 2).contains(&missed), "{missed} missed, and {gone} tickets are gone");
    metric_at(
        running.admin_addr(),
        &format!("garenne_log_missed_total{{log=\"office.log\",reader=\"notes\"}} {missed}"),
    )
    .await;
    running.stop().await;
    keeper.stop().await;
}

#[tokio::test]
async fn a_log_that_was_deleted_and_begins_anew_is_not_taken_for_the_old_one_however_long_it_is() {
    // Shorter than the old one, and longer.
    for entries in [10, 50] {
        begins_anew(entries).await;
    }
}

async fn begins_anew(entries: u32) {
    let database = Database::file();
    let (bench, keeper) = kept().await;
    for number in 0..20 {
        file(&bench, number).await;
    }
    let scribe = Scribe::open(&database).await;
    let running = scribe::start(&bench, &scribe, scribe::reading()).await;
    noted(&database, &each(0..20, 1)).await;
    running.stop().await;
    keeper.stop().await;
    let delete = bench.raw.channel().queue_delete("office.log".into(), QueueDeleteOptions::default());
    delete.await.expect("deleted");
    let keeper = bench.start(Service::new("keeper").keeps(scribe::log())).await;
    for number in 20..20 + entries {
        file(&bench, number).await;
    }
    let running =
        scribe::service(None, scribe::reading()).start(scribe.clone(), bench.settings()).await.expect("it works");
    eventually("a reader that says what has happened", || async {
        let answer = http::get(&format!("http://{}/readyz", running.admin_addr())).await?;
        if answer.text.contains("begins anew") && answer.text.contains("last_offset") {
            Ok(())
        } else {
            Err(answer.text)
        }
    })
    .await;
    let mut transaction = scribe.store.write().await.expect("it works");
    garenne::log::rewind(&mut transaction, "office", "notes").await.expect("it works");
    transaction.commit().await.expect("it works");
    noted(&database, &each(0..20 + entries, 1)).await;
    running.stop().await;
    keeper.stop().await;
}

/// Files a ticket as a service of the library would: with an id.
async fn file(bench: &Bench, number: u32) {
    let properties = BasicProperties::default().with_message_id(format!("m-{number}").into());
    let body = format!("{{\"number\":{number}}}");
    bench.raw.publish_with("desk.events", "desk.ticket-filed", body, properties).await;
}

#[test]
fn a_log_that_is_read_twice_by_one_reader_or_without_a_database_is_a_mistake_in_the_wiring() {
    async fn skip(_: garenne::log::Page, _: garenne::Context<()>) -> Result<(), garenne::Failure> {
        Ok(())
    }
    let reading = || garenne::log::Reading::new("office", "notes");
    let service = Service::<()>::new("scribe").reads(reading(), skip).reads(reading(), skip);
    let (log, reader) = ("office.log".to_owned(), "notes".to_owned());
    assert_eq!(service.faults(), [Fault::ReadTwice { log: log.clone(), reader }, Fault::ReadWithoutStore { log }]);
}
