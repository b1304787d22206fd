//! What a responder of any make says instead of a reply.

use garenne::{AskError, Problem, Running};
use lapin::BasicProperties;
use serde_json::{Value, json};
use tests::PATIENCE;

use crate::library::bench::{Bench, Double, Seen, TooBig};

/// Asks a responder of a foreign make, which answers with these bytes.
async fn answered_with(
    bench: &Bench,
    porter: &Running<Seen>,
    content_type: &str,
    body: &[u8],
) -> Result<u32, AskError<TooBig>> {
    let client = porter.client();
    let call = tokio::spawn(async move { client.ask(&Double { number: 1 }).await });
    let request = bench.raw.take("foreign").await;
    let properties = &request.properties;
    let reply_to = properties.reply_to().as_ref().expect("a reply address").as_str();
    let id = properties.correlation_id().clone().expect("a correlation id");
    let reply = BasicProperties::default().with_correlation_id(id).with_content_type(content_type.into());
    // As a client does that knows no exchange for replies.
    bench.raw.publish_with("", reply_to, body, reply).await;
    call.await.expect("the call ends")
}

async fn problem(bench: &Bench, porter: &Running<Seen>, content_type: &str, body: &[u8]) -> Problem {
    match answered_with(bench, porter, content_type, body).await {
        Err(AskError::Problem(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_error_that_the_contract_does_not_name_is_kept_as_data_whatever_its_shape() {
    let bench = Bench::new().await;
    bench.raw.exchange("clerk.requests").await;
    bench.raw.queue("foreign", "clerk.requests", "clerk.double").await;
    let porter = bench.porter(PATIENCE).await;
    let refused = json!({"type": "urn:garenne:refused", "status": 422, "error": {"limit": 7}}).to_string();
    let remote = answered_with(&bench, &porter, "Application/Problem+JSON; charset=utf-8", refused.as_bytes()).await;
    assert_eq!(remote, Err(AskError::Remote(TooBig { limit: 7 })), "a media type is written in many ways");

    let other = json!({"type": "urn:garenne:refused", "error": {"limit": "seven"}}).to_string();
    let kept = problem(&bench, &porter, "application/problem+json", other.as_bytes()).await;
    assert_eq!(kept.error, json!({"limit": "seven"}), "an error of another version of the contract");

    let own = json!({"title": "No credit", "status": "low", "balance": 30}).to_string();
    let kept = problem(&bench, &porter, "application/problem+json", own.as_bytes()).await;
    assert_eq!(
        (kept.title.as_str(), &kept.members["status"], &kept.members["balance"]),
        ("No credit", &json!("low"), &json!(30))
    );

    let kept = problem(&bench, &porter, "application/problem+json", b"out of paper").await;
    assert_eq!(kept.error, Value::from("out of paper"));
    porter.stop().await;
}

#[tokio::test]
async fn a_reply_that_is_not_what_the_contract_says_is_an_error_that_shows_it() {
    let bench = Bench::new().await;
    bench.raw.exchange("clerk.requests").await;
    bench.raw.queue("foreign", "clerk.requests", "clerk.double").await;
    let porter = bench.porter(PATIENCE).await;
    for (body, shown) in [(&br#"{"error":"no"}"#[..], json!({"error": "no"})), (b"\xffoops", json!("\u{fffd}oops"))] {
        match answered_with(&bench, &porter, "application/json", body).await {
            Err(AskError::Undecodable { request: "clerk.double", reply, .. }) => assert_eq!(reply, shown),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(answered_with(&bench, &porter, "text/plain", b"2").await, Ok(2), "the body decides");
    porter.stop().await;
}
