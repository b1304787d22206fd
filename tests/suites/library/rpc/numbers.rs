//! Several replies, as any responder may send them: by their headers.

use garenne::AskError;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use tests::PATIENCE;

use super::several::{Read, read};
use crate::library::bench::{Bench, Double};

/// What is sent: the run that says it, a reply with its place, or else the count of all.
type Said = (&'static str, Result<i64, i64>);

fn headers((run, place): Said) -> FieldTable {
    let mut headers = FieldTable::default();
    headers.insert("garenne-reply-run".into(), AMQPValue::LongString(run.into()));
    let (name, number) = match place {
        Ok(number) => ("garenne-reply-number", number),
        Err(count) => ("garenne-reply-count", count),
    };
    headers.insert(name.into(), AMQPValue::LongLongInt(number));
    headers
}

/// What a caller reads of this.
async fn heard(said: &[Said]) -> Read {
    let bench = Bench::new().await;
    bench.raw.exchange("clerk.requests").await;
    bench.raw.queue("foreign", "clerk.requests", "clerk.double").await;
    let porter = bench.porter(PATIENCE).await;
    let answers = porter.client().ask_many(&Double { number: 1 }).await.expect("sent");
    let request = bench.raw.take("foreign").await;
    let address = request.properties.reply_to().as_ref().expect("an address").as_str();
    let id = request.properties.correlation_id().clone().expect("a correlation id");
    for said in said {
        let body = said.1.map(|number| number.to_string()).unwrap_or_default();
        let properties = BasicProperties::default().with_correlation_id(id.clone()).with_headers(headers(*said));
        bench.raw.publish_with("", address, body, properties).await;
    }
    let read = read(answers).await;
    porter.stop().await;
    read
}

fn broken_off(received: u64) -> Option<AskError<crate::library::bench::TooBig>> {
    Some(AskError::Interrupted { request: "clerk.double", received })
}

#[tokio::test]
async fn a_reply_that_is_sent_again_is_read_once() {
    let said = [("a", Ok(1)), ("a", Ok(2)), ("a", Ok(1)), ("a", Ok(2)), ("a", Ok(3)), ("a", Err(3))];
    assert_eq!(heard(&said).await, (vec![1, 2, 3], None));
}

#[tokio::test]
async fn a_reply_that_is_missing_is_noticed_also_when_it_is_the_last_one() {
    assert_eq!(heard(&[("a", Ok(1)), ("a", Ok(3))]).await, (vec![1], broken_off(1)));
    assert_eq!(heard(&[("a", Ok(1)), ("a", Err(2))]).await, (vec![1], broken_off(1)));
}

#[tokio::test]
async fn another_run_is_listened_to_only_when_nothing_was_heard_before() {
    assert_eq!(heard(&[("a", Ok(1)), ("b", Ok(1))]).await, (vec![1], broken_off(1)));
    assert_eq!(heard(&[("b", Ok(1)), ("b", Err(1))]).await, (vec![1], None));
}
