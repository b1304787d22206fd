//! What an entry says, whichever way it was sent.

use std::time::UNIX_EPOCH;

use garenne::log::{Logged, Page};
use garenne::store::Store;
use garenne::{Classify, Context, Event as _, Failure, Service};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use serde_json::json;
use sqlx::migrate::Migrator;
use tests::Database;

use super::scribe::{self, kept, place};
use crate::library::bench::{Bench, Seen, TicketFiled, metric_at};

/// The state of the service.
struct Reader {
    store: Store,
    seen: Seen,
}

async fn note(page: Page, ctx: Context<Reader>) -> Result<(), Failure> {
    for entry in page.entries().iter().filter(|entry| entry.name() == TicketFiled::NAME.as_str()) {
        let ticket = page.read::<TicketFiled>(entry).map(|ticket| ticket.number);
        ctx.state().seen.note(format!("{} {ticket:?} {}", entry.offset(), said(entry).or_dead_letter()?));
    }
    Ok(())
}

/// All that an entry says beside its event.
fn said(entry: &Logged) -> Result<String, std::str::Utf8Error> {
    let ids = [entry.message_id(), entry.correlation_id(), entry.causation_id(), entry.service()];
    let ids = ids.map(|id| id.unwrap_or("-")).join(", ");
    let sent = entry.sent_at().and_then(|sent| sent.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    Ok(format!("[{ids}] at {} {}", sent.as_secs(), std::str::from_utf8(entry.body())?))
}

fn headers<const N: usize>(headers: [(&str, &str); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in headers {
        table.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    table
}

async fn send(bench: &Bench, body: impl ToString, properties: BasicProperties) {
    bench.raw.publish_with("desk.events", "desk.ticket-filed", body.to_string(), properties).await;
}

#[tokio::test]
async fn an_entry_says_the_same_whether_it_was_sent_plain_or_as_a_cloud_event_and_one_that_no_handler_would_get_is_unreadable()
 {
    let (bench, keeper) = kept().await;
    let database = Database::file();
    let store = Store::open(database.url(), &Migrator::with_migrations(Vec::new())).await.expect("it opens");
    let plain = BasicProperties::default().with_message_id("m-1".into()).with_correlation_id("c-1".into());
    let plain = plain.with_app_id("desk".into()).with_timestamp(9).with_headers(headers([("causation-id", "m-0")]));
    send(&bench, json!({"number": 1}), plain).await;

    let attributes = [("id", "7"), ("source", "urn:desk"), ("time", "1970-01-01T00:00:09Z"), ("specversion", "1.0")];
    let binary = attributes.map(|(name, value)| (format!("cloudEvents_{name}"), value));
    let binary = binary.each_ref().map(|(name, value)| (name.as_str(), *value));
    send(&bench, json!({"number": 2}), BasicProperties::default().with_headers(headers(binary))).await;

    let structured = BasicProperties::default().with_content_type("application/cloudevents+json".into());
    let event = json!({
        "specversion": "1.0", "id": "8", "source": "urn:desk", "type": "desk.ticket-filed", "correlationid": "c-3",
        "time": "1970-01-01T00:00:09Z", "data": {"number": 3},
    });
    send(&bench, event, structured.clone()).await;

    // Its data would be a ticket.
    send(&bench, json!({"specversion": "1.0", "number": 4, "data": {"number": 4}}), structured).await;
    // Its attributes may mean something else.
    let old = headers([("cloudEvents_specversion", "0.3"), ("cloudEvents_id", "9")]);
    send(&bench, json!({"number": 5}), BasicProperties::default().with_headers(old)).await;

    let service = Service::new("reader").stores_in(|reader: &Reader| &reader.store).reads(scribe::reading(), note);
    let seen = Seen::default();
    let running = service.start(Reader { store, seen: seen.clone() }, bench.settings()).await.expect("it starts");
    tokio::time::timeout(tests::PATIENCE, running.ready()).await.expect("it becomes ready");
    assert_eq!(
        seen.reaches(5).await,
        [
            r#"0 Some(1) [m-1, c-1, m-0, desk] at 9 {"number":1}"#,
            r#"1 Some(2) [urn:desk 7, -, -, urn:desk] at 9 {"number":2}"#,
            r#"2 Some(3) [urn:desk 8, c-3, -, urn:desk] at 9 {"number":3}"#,
            r#"3 None [-, -, -, -] at 0 {"data":{"number":4},"number":4,"specversion":"1.0"}"#,
            r#"4 None [9, -, -, -] at 0 {"number":5}"#,
        ]
    );
    metric_at(running.admin_addr(), "garenne_log_unreadable_total{log=\"office.log\",reader=\"notes\"} 2").await;
    assert_eq!(place(&database).await, ["office.log notes 4 2 0"]);
    running.stop().await;
    keeper.stop().await;
}

#[tokio::test]
async fn entries_of_all_sizes_are_read_in_their_order() {
    let (bench, keeper) = kept().await;
    let database = Database::file();
    let scribe = scribe::Scribe::open(&database).await;
    let large = "x".repeat(1024 * 1024);
    // Small ones by the hundred, some of which many fill a page, and small ones again.
    for number in 0..250 {
        let padding = if (150..180).contains(&number) { large.as_str() } else { "" };
        send(&bench, json!({"number": number, "padding": padding}), BasicProperties::default()).await;
    }
    let running = scribe::start(&bench, &scribe, scribe::reading().page(20)).await;
    scribe::noted(&database, &scribe::each(0..250, 1)).await;
    assert_eq!(place(&database).await, ["office.log notes 249 0 0"]);
    running.stop().await;
    keeper.stop().await;
}
