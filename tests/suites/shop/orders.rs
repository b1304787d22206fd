//! The ways an order can go.

use contracts::values::OrderId;
use serde_json::json;
use tests::books::{audit, column};
use tests::http::post;
use tests::{Raw, Shop, checkout, eventually};

async fn mailed(shop: &Shop, id: &str, count: usize) -> Vec<String> {
    eventually(&format!("{count} mails about {id}"), || async {
        let mails = shop.mails(id);
        if mails.len() == count { Ok(mails) } else { Err(format!("{mails:?}")) }
    })
    .await
}

#[tokio::test]
async fn an_order_is_paid_dispatched_and_mailed_and_every_service_has_it_in_its_books() {
    let shop = Shop::open().await;
    let id = shop.buy("MUG-BLUE", 2, "tok_ok").await;
    let order = shop.reaches(&id, "dispatched").await;
    assert_eq!(order["total"], json!({"amount": 2500, "currency": "EUR"}));
    mailed(&shop, &id, 2).await;
    assert_eq!(column(&shop, "payments", "SELECT state || ' ' || amount_cents FROM charges").await, ["captured 2500"]);
    assert_eq!(column(&shop, "inventory", "SELECT sku || ' ' || units FROM reserved_lines").await, ["MUG-BLUE 2"]);
    let mug = tests::http::get(&shop.url("/api/stock/MUG-BLUE")).await.unwrap().json();
    assert_eq!(mug["available"], 99_998);
    audit(&shop, 1).await;
}

#[tokio::test]
async fn a_declined_card_cancels_the_order_and_frees_the_stock() {
    let shop = Shop::open().await;
    let id = shop.buy("LAMP-PAPER", 3, "tok_declined").await;
    let order = shop.reaches(&id, "cancelled").await;
    assert_eq!(order["cancel_reason"], "payment-declined");
    mailed(&shop, &id, 1).await;
    eventually("the stock is free again", || async {
        let left = column(&shop, "inventory", "SELECT order_id FROM reserved_lines").await;
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
    audit(&shop, 1).await;
}

#[tokio::test]
async fn an_article_that_is_out_of_stock_or_unknown_cancels_the_order_and_takes_nothing() {
    let shop = Shop::open().await;
    for (sku, quantity) in [("ATLAS-1911", 4), ("NO-SUCH-THING", 1)] {
        let id = shop.buy(sku, quantity, "tok_ok").await;
        assert_eq!(shop.reaches(&id, "cancelled").await["cancel_reason"], "out-of-stock");
        mailed(&shop, &id, 1).await;
    }
    assert_eq!(column(&shop, "payments", "SELECT order_id FROM charges").await, Vec::<String>::new());
    audit(&shop, 2).await;
}

#[tokio::test]
async fn a_checkout_that_its_customer_sends_again_is_one_order_of_which_nothing_is_said_twice() {
    let shop = Shop::open().await;
    let raw = Raw::connect(shop.vhost()).await;
    raw.queue("spy", "orders.events", "#").await;
    let mut body = checkout("MUG-BLUE", 2, "tok_ok");
    body["order_id"] = json!(OrderId::new());
    let id = body["order_id"].as_str().expect("an id").to_owned();
    for times in 1..=2 {
        assert_eq!(post(&shop.url("/api/checkouts"), &body).await.unwrap().status, 202);
        let handled = "SELECT message_id FROM garenne_inbox WHERE queue = 'orders.storefront.checkout-submitted'";
        eventually("the checkout is handled", || async {
            let ids = column(&shop, "orders", handled).await;
            if ids.len() == times { Ok(()) } else { Err(format!("{ids:?}")) }
        })
        .await;
        shop.reaches(&id, "dispatched").await;
    }
    // Whatever the second has made `orders` say is committed with it.
    eventually("nothing is left to say", || async {
        let left = column(&shop, "orders", "SELECT message_id FROM garenne_outbox").await;
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
    let said = [raw.take("spy").await, raw.take("spy").await].map(|delivery| delivery.routing_key.to_string());
    assert_eq!(said, ["orders.order-placed", "orders.order-confirmed"]);
    assert_eq!(raw.ready("spy").await, 0, "something is said twice");
    mailed(&shop, &id, 2).await;
    audit(&shop, 1).await;
}

#[tokio::test]
async fn a_provider_that_stumbles_is_tried_again_on_the_ladder_and_the_attempts_are_visible() {
    let shop = Shop::open().await;
    let raw = Raw::connect(shop.vhost()).await;
    raw.queue("spy", "payments.events", "#").await;
    let id = shop.buy("TEA-MINT", 1, "tok_flaky").await;
    shop.reaches(&id, "dispatched").await;
    let mut said = Vec::new();
    for _ in 0..3 {
        said.push(raw.take("spy").await);
    }
    // A notice is published beside the work, so its place among the events is not promised.
    said.sort_by_key(|delivery| delivery.routing_key.to_string());
    let names: Vec<&str> = said.iter().map(|delivery| delivery.routing_key.as_str()).collect();
    assert_eq!(names, ["payments.delivery-retried", "payments.delivery-retried", "payments.payment-captured"]);
    let captured: serde_json::Value = serde_json::from_slice(&said[2].data).unwrap();
    assert_eq!(captured["attempt"], 3);
    mailed(&shop, &id, 2).await;
    audit(&shop, 1).await;
}

#[tokio::test]
async fn a_provider_that_never_recovers_leaves_a_dead_letter_with_the_reasons_and_the_order_is_not_lost() {
    let shop = Shop::open().await;
    let raw = Raw::connect(shop.vhost()).await;
    let id = shop.buy("TEA-MINT", 1, "tok_down").await;
    let dead = raw.take("payments.dlq").await;
    assert_eq!(Raw::header(&dead, "garenne-reason").as_deref(), Some("attempts-used-up"));
    assert_eq!(Raw::header(&dead, "garenne-attempt").as_deref(), Some("5"));
    assert_eq!(Raw::header(&dead, "garenne-queue").as_deref(), Some("payments.inventory.stock-reserved"));
    assert!(Raw::header(&dead, "garenne-error").unwrap().contains("provider"), "{dead:?}");
    assert!(String::from_utf8_lossy(&dead.data).contains(&id));
    assert_eq!(shop.order(&id).await.unwrap()["status"], "reserved");
}
