//! A NestJS client emits to a service of ours.

use std::sync::atomic::Ordering;

use super::programs::call;
use garenne::{NestQueue, Service};
use serde_json::json;
use tests::{Database, Raw};

use super::clerk::{clerk, declaring, trusting};
use crate::library::bench::{Bench, metric_at};
use crate::library::outbox::bookkeeper::{self, Books, accounts, enter_sum};

#[tokio::test]
async fn an_event_is_handled_and_one_that_fails_climbs_the_ladder_and_stays_whole_in_the_dead_letters() {
    let bench = Bench::new().await;
    let clerk = bench.start(clerk()).await;
    let calls = json!([["emit", "ticket.filed", {"number": 7}], ["emit", "ticket.filed", {"number": 13}]]);
    let emitted = call(&bench.vhost, declaring(), calls).await;
    assert_eq!(emitted, [json!({"emitted": true}), json!({"emitted": true})]);
    let dead = bench.raw.take("clerk.dlq").await;
    assert_eq!(dead.data, br#"{"pattern":"ticket.filed","data":{"number":13}}"#);
    assert_eq!(Raw::header(&dead, "garenne-reason").as_deref(), Some("attempts-used-up"));
    assert_eq!(Raw::header(&dead, "garenne-handler").as_deref(), Some("file"));
    clerk.stop().await;
    let seen = bench.seen.all();
    assert_eq!(seen[0], "ticket.filed 7 attempt 1");
    assert_eq!(seen[1..], [1, 2, 3].map(|attempt| format!("ticket.filed 13 attempt {attempt}")));
}

#[tokio::test]
async fn what_nothing_handles_or_is_no_packet_is_a_dead_letter_that_says_so() {
    let bench = Bench::new().await;
    let clerk = bench.start(clerk()).await;
    let dead = async |reason: &str, words: &str| {
        let dead = bench.raw.take("clerk.dlq").await;
        assert_eq!(Raw::header(&dead, "garenne-reason").as_deref(), Some(reason));
        let error = Raw::header(&dead, "garenne-error").expect("an error");
        assert!(error.contains(words), "{error}");
    };
    call(&bench.vhost, trusting(), json!([["emit", "ticket.lost", {"number": 7}]])).await;
    dead("unknown-type", "no handler for type \"ticket.lost\"; this queue takes any.*, clerk.count").await;
    call(&bench.vhost, trusting(), json!([["emit", "ticket.filed", {"nummer": 7}]])).await;
    dead("undecodable", "missing field `number`").await;
    bench.raw.publish("", "clerk.nest", r#"{"number":7}"#).await;
    dead("undecodable", "it has no pattern").await;
    // What is emitted with the pattern of a request is a command.
    call(&bench.vhost, trusting(), json!([["emit", "clerk.double", {"number": 1001}]])).await;
    dead("permanent", "more than 1000").await;
    clerk.stop().await;
    assert_eq!(bench.seen.all(), ["clerk.double 1001 attempt 1"]);
}

#[tokio::test]
async fn an_event_that_nestjs_gives_an_id_has_its_effects_once_and_one_without_as_often_as_it_comes() {
    let database = Database::file();
    let bench = Bench::new().await;
    let books = Books::open(&database).await;
    let service = Service::new("bookkeeper")
        .stores_in(|books: &Books| &books.store)
        .nest(NestQueue::new("nest").on("sum.paid", enter_sum))
        .publishes::<bookkeeper::EntryMade>();
    let running = service.start(books.clone(), bench.settings()).await.expect("the service starts");
    tokio::time::timeout(tests::PATIENCE, running.ready()).await.expect("the service becomes ready");
    let paid = |account: &str, record: serde_json::Value| json!(["emit", "sum.paid", {"account": account}, record]);
    let once = paid("ada", json!({"messageId": "m-1"}));
    let calls = json!([once, once, paid("grace", json!({})), paid("grace", json!({}))]);
    call(&bench.vhost, json!({"queue": "bookkeeper.nest", "noAssert": true}), calls).await;
    metric_at(running.admin_addr(), "garenne_duplicates_total{queue=\"bookkeeper.nest\"} 1").await;
    tests::eventually("four deliveries", || async {
        let begun = books.begun.load(Ordering::Relaxed);
        if begun == 4 { Ok(()) } else { Err(begun.to_string()) }
    })
    .await;
    running.stop().await;
    assert_eq!(accounts(&database).await, ["ada 1", "grace 2"]);
}
