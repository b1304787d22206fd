//! Several replicas share the work of a service.

use std::collections::BTreeMap;

use contracts::values::OrderId;
use garenne::Event as _;
use tests::books::{audit, column};
use tests::{Raw, Shop, checkout, eventually};

const ORDERS: usize = 500;

/// Deliveries that each replica of a service has handled, by its metrics.
async fn handled(shop: &Shop, service: &str) -> Vec<u64> {
    let counts = shop.metrics(service).await.into_iter().map(|text| {
        let lines = text.lines().filter(|line| line.starts_with("garenne_consumed_total"));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
    });
    counts.collect()
}

#[tokio::test]
async fn three_replicas_share_500_orders_and_one_that_drains_in_the_middle_loses_and_doubles_nothing() {
    let mut shop = Shop::empty().await;
    for service in ["orders", "inventory", "inventory", "inventory", "payments", "payments", "payments", "shipping"] {
        shop.start(service);
    }
    shop.start("notifications");
    shop.start("storefront");
    shop.ready().await;
    let raw = Raw::connect(shop.vhost()).await;
    for service in ["inventory", "payments"] {
        raw.queue(&format!("spy-{service}"), &format!("{service}.events"), "#").await;
    }

    for number in 0..ORDERS {
        let mut body = checkout("MUG-BLUE", 1, if number % 10 == 0 { "tok_declined" } else { "tok_ok" });
        body["order_id"] = serde_json::json!(OrderId::new());
        raw.publish("storefront.events", contracts::storefront::CheckoutSubmitted::NAME.as_str(), body.to_string())
            .await;
        if number == ORDERS / 2 {
            for service in ["inventory", "payments"] {
                shop.replicas(service).next().expect("a replica").terminate();
            }
        }
    }
    for service in ["inventory", "payments"] {
        let first = shop.replicas(service).next().expect("a replica");
        assert!(first.ended().await.success(), "{}", first.log());
        shop.forget_first(service);
    }
    eventually("every order dispatched or cancelled and mailed", || async {
        let open =
            column(&shop, "orders", "SELECT order_id FROM orders WHERE status NOT IN ('dispatched', 'cancelled')")
                .await;
        let stored = column(&shop, "orders", "SELECT order_id FROM orders").await.len();
        let mails = column(&shop, "notifications", "SELECT order_id FROM sent_mail").await.len();
        let expected_mails = ORDERS * 2 - ORDERS / 10;
        if open.is_empty() && stored == ORDERS && mails == expected_mails {
            Ok(())
        } else {
            Err(format!("{} open of {stored}, {mails} mails", open.len()))
        }
    })
    .await;
    eventually("the stock of cancelled orders is free", || async {
        let left = column(&shop, "inventory", "SELECT order_id FROM reserved_lines").await.len();
        if left == ORDERS - ORDERS / 10 { Ok(()) } else { Err(left.to_string()) }
    })
    .await;
    audit(&shop, ORDERS).await;

    for service in ["inventory", "payments"] {
        let spread = handled(&shop, service).await;
        assert!(spread.iter().all(|count| *count > 20), "{service}: every replica has its share: {spread:?}");
        // What was acknowledged never came again: nothing was said twice.
        let mut said: BTreeMap<String, u32> = BTreeMap::new();
        for _ in 0..raw.ready(&format!("spy-{service}")).await {
            let event = raw.take(&format!("spy-{service}")).await;
            let order: serde_json::Value = serde_json::from_slice(&event.data).expect("JSON");
            *said.entry(format!("{} {}", event.routing_key, order["order_id"])).or_default() += 1;
        }
        let twice: Vec<_> = said.iter().filter(|(_, times)| **times > 1).collect();
        assert!(twice.is_empty(), "said twice: {twice:?}");
        assert_eq!(
            said.keys().filter(|key| !key.contains("stock-released")).count(),
            ORDERS,
            "{service} spoke about each order once"
        );
    }
    for service in ["inventory", "payments", "orders", "shipping", "notifications"] {
        assert_eq!(raw.ready(&format!("{service}.dlq")).await, 0, "{service} has no dead letter");
    }
}
