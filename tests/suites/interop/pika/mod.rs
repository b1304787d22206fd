//! `pika`.

mod sales;

use tests::books::audit;
use tests::{ForeignClient, Raw, Shop, courier};

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
