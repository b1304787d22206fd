//! `pika`.

use serde_json::{Value, json};
use tests::books::audit;
use tests::{ForeignClient, Raw, Shop, courier, eventually};

use super::exchange::{is_answered_by, takes_part_in_the_shop};

const PEER: ForeignClient = ForeignClient::new("pika");

#[tokio::test]
async fn an_order_is_dispatched_and_a_question_is_answered_in_json_or_with_a_problem() {
    let shop = takes_part_in_the_shop(PEER, ["publish.py", "ask.py"]).await;
    audit(&shop, 1).await;
}

#[tokio::test]
async fn a_service_of_ours_is_answered_wherever_it_waits() {
    is_answered_by(PEER, "answer.py").await;
}

#[tokio::test]
async fn the_sales_are_told_and_counted_anew_for_whoever_asks() {
    let shop = Shop::open().await;
    let url = shop.vhost().url();
    let id = shop.buy("MUG-BLUE", 2, "tok_ok").await;
    shop.reaches(&id, "dispatched").await;
    let asked = async |request: &str| {
        serde_json::from_str::<Value>(&PEER.run("sales.py", &[&url, request]).await).expect("JSON")
    };
    let sold = eventually("the sale", || async {
        let sold = asked("analytics.sales").await;
        if sold["orders"] == 1 { Ok(sold) } else { Err(sold.to_string()) }
    })
    .await;
    assert_eq!(sold["articles"], json!([{"sku": "MUG-BLUE", "units": 2}]));
    let rebuilding = asked("analytics.rebuild").await;
    assert!(rebuilding["until"].as_u64() >= sold["through"].as_u64(), "{rebuilding} after {sold}");
    eventually("the sale, counted anew", || async {
        let told = asked("analytics.sales").await;
        assert_eq!((&told["orders"], &told["articles"]), (&sold["orders"], &sold["articles"]));
        if told["rebuilding"] == false { Ok(()) } else { Err(told.to_string()) }
    })
    .await;
}

#[tokio::test]
async fn a_pickle_is_a_dead_letter_with_its_reason_and_the_next_good_order_goes_through() {
    let shop = Shop::open().await;
    let raw = Raw::connect(shop.vhost()).await;
    let url = courier(shop.vhost());
    PEER.run("garbage.py", &[&url]).await;
    let dead = raw.take("orders.dlq").await;
    assert_eq!(dead.data[0], 0x80, "a pickle begins so: {dead:?}");
    assert_eq!(Raw::header(&dead, "garenne-reason").as_deref(), Some("undecodable"));
    assert!(Raw::header(&dead, "garenne-error").unwrap().contains("storefront.checkout-submitted"), "{dead:?}");
    let id = PEER.run("publish.py", &[&url]).await;
    shop.reaches(&id, "dispatched").await;
    assert_eq!(raw.ready("orders.dlq").await, 0);
}
