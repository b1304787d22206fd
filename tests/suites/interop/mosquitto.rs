//! A scanner that is a shell script around `mosquitto_pub`.

use tests::{ForeignClient, Raw, eventually};

use super::warehouse::{Warehouse, count, count_at};

const PEER: ForeignClient = ForeignClient::new("mosquitto");
const OWN: &str = "warehouse/stock-counted/scanner-1";

#[tokio::test]
async fn a_count_corrects_the_stock_and_the_same_count_again_changes_nothing() {
    let mut warehouse = Warehouse::open().await;
    let login = warehouse.login("scanner-1");
    let arguments = ["127.0.0.1", &warehouse.port, &login, "scanner-1", "scanner-1", "MUG-BLUE", "40"];
    PEER.run("count.sh", &arguments).await;
    warehouse.has_mugs(40).await;
    let again = count("again", "MUG-BLUE", 41);
    for _ in 0..2 {
        let published = warehouse.publishes("scanner-1", OWN, &again).await;
        assert!(published.status.success(), "{published:?}");
        warehouse.has_mugs(41).await;
    }
    let inventory = warehouse.shop.replicas("inventory").next().expect("it runs");
    eventually("the second one", || async {
        let log = inventory.log();
        if log.contains("a count that changes nothing") { Ok(()) } else { Err(log) }
    })
    .await;
    warehouse.has_mugs(41).await;
    assert_eq!(warehouse.counts().await.len(), 2);
    assert_eq!(warehouse.raw.ready("inventory.dlq").await, 0);
}

#[tokio::test]
async fn what_cannot_be_a_count_is_a_dead_letter_with_its_reason_and_the_next_good_one_counts() {
    let warehouse = Warehouse::open().await;
    for (message, reason, words) in [
        ("40 mugs".to_owned(), "undecodable", "warehouse.stock-counted cannot be read"),
        (r#"{"count_id":"1","sku":"MUG-BLUE","units":40}"#.to_owned(), "undecodable", "missing field `counted_at`"),
        (count_at("1", "MUG-BLUE", 40, "at noon"), "undecodable", "\"at noon\" is not a valid time"),
        (count("1", "NO-SUCH-THING", 40), "permanent", "there is no article NO-SUCH-THING"),
        (count_at("1", "MUG-BLUE", 40, "2999-01-01T00:00:00Z"), "permanent", "set the clock of \"scanner-1\""),
    ] {
        let published = warehouse.publishes("scanner-1", OWN, &message).await;
        assert!(published.status.success(), "{published:?}");
        let dead = warehouse.raw.take("inventory.dlq").await;
        assert_eq!(dead.data, message.as_bytes());
        let header = |name: &str| Raw::header(&dead, name).unwrap_or_default();
        assert_eq!(header("garenne-reason"), reason, "{message}");
        assert!(header("garenne-error").contains(words), "{}", header("garenne-error"));
        assert_eq!(header("garenne-origin-routing-key"), "warehouse.stock-counted.scanner-1");
    }
    warehouse.publishes("scanner-1", OWN, &count("1", "MUG-BLUE", 40)).await;
    warehouse.has_mugs(40).await;
    assert_eq!(warehouse.raw.ready("inventory.dlq").await, 0);
}

#[tokio::test]
async fn a_count_that_came_by_no_device_is_a_dead_letter() {
    let warehouse = Warehouse::open().await;
    let body = count("1", "MUG-BLUE", 40);
    let properties = lapin::BasicProperties::default().with_type("warehouse.stock-counted".into());
    warehouse.raw.publish_with("", "inventory.warehouse.stock-counted", &body, properties).await;
    let dead = warehouse.raw.take("inventory.dlq").await;
    assert_eq!(dead.data, body.as_bytes());
    assert_eq!(Raw::header(&dead, "garenne-error").as_deref(), Some("a count that came from no device"));
    assert!(warehouse.counts().await.is_empty());
}

#[tokio::test]
async fn a_device_publishes_only_its_own_topic_and_nothing_over_amqp_that_it_may_not_over_mqtt() {
    let warehouse = Warehouse::open().await;
    let long = format!("warehouse/stock-counted/{}", "x".repeat(300));
    for topic in [
        "warehouse/stock-counted/scanner-2",
        "warehouse/stock-counted/scanner-10",
        "warehouse/stock-counted/scanner-1/more",
        "warehouse/stock-counted",
        "warehouse/shelf-moved/scanner-1",
        "more/warehouse/stock-counted/scanner-1",
        &long,
    ] {
        let published = warehouse.publishes("scanner-1", topic, &count("forged", "MUG-BLUE", 1)).await;
        assert!(!published.status.success(), "{topic}: {published:?}");
    }
    for key in ["warehouse.stock-counted.scanner-2", "warehouse.stock-counted.#", ""] {
        let raw = Raw::connect_to(&warehouse.shop.vhost().url_of("scanner-1", "scanner-1")).await;
        let refusal = raw.refused("inventory.devices", key, b"{}").await;
        assert!(refusal.contains("ACCESS_REFUSED"), "{key}: {refusal}");
    }
    for scanner in ["scanner-1", "scanner-2"] {
        let own = format!("warehouse/stock-counted/{scanner}");
        let published = warehouse.publishes(scanner, &own, &count("own", "MUG-BLUE", 40)).await;
        assert!(published.status.success(), "{published:?}");
    }
    eventually("both counts", || async {
        let counts = warehouse.counts().await;
        if counts == ["scanner-1 own", "scanner-2 own"] { Ok(()) } else { Err(format!("{counts:?}")) }
    })
    .await;
    assert_eq!(warehouse.raw.ready("inventory.dlq").await, 0);
}

#[tokio::test]
async fn a_stranger_is_not_let_in() {
    let warehouse = Warehouse::open().await;
    let published = warehouse.publishes("nobody", OWN, &count("1", "MUG-BLUE", 1)).await;
    assert!(!published.status.success(), "{published:?}");
}

#[tokio::test]
async fn what_no_service_hears_is_a_dead_letter_although_the_broker_thanks_for_it() {
    let warehouse = Warehouse::open().await;
    let vhost = warehouse.shop.vhost();
    vhost.user("forklift");
    vhost.allow("forklift", "^$", "^inventory\\.devices$", "^$");
    let published = warehouse.publishes("forklift", "warehouse/shelf-moved/forklift", "{}").await;
    assert!(published.status.success(), "{published:?}");
    assert_eq!(warehouse.raw.take("inventory.dlq").await.routing_key.as_str(), "warehouse.shelf-moved.forklift");
}
