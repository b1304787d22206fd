//! What `analytics` tells a client in Python: apart, since where there is no log nobody counts from it.

use serde_json::{Value, json};
use tests::{Shop, eventually};

use super::PEER;

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
