//! Programs that have nothing of ours: Python with `pika`.

use std::path::Path;
use std::process::{Command, Output};

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use serde_json::{Value, json};
use tests::books::audit;
use tests::http::get;
use tests::{Raw, Shop, eventually};

/// Runs one of the scripts in `tests/clients` to its end.
async fn script(name: &str, arguments: &[&str]) -> Output {
    let python = std::env::var("TEST_PYTHON").expect("TEST_PYTHON is not set: run the suites with `cargo xtask test`");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(name);
    let mut command = Command::new(python);
    command.arg(script).args(arguments);
    let run = tokio::task::spawn_blocking(move || command.output().expect("Python starts"));
    run.await.expect("the script")
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[tokio::test]
async fn an_order_from_python_with_nothing_but_json_and_a_routing_key_is_dispatched_and_mailed() {
    let shop = Shop::open().await;
    let url = shop.vhost().url_of("storefront", "storefront");
    let id = printed(&script("place_order.py", &[&url]).await);
    assert_eq!(shop.reaches(&id, "dispatched").await["total"], json!({"amount": 2500, "currency": "EUR"}));
    eventually("both mails", || async {
        let mails = shop.mails(&id);
        if mails.len() == 2 { Ok(()) } else { Err(format!("{mails:?}")) }
    })
    .await;
    audit(&shop, 1).await;
}

#[tokio::test]
async fn garbage_from_python_is_a_dead_letter_with_its_reason_and_the_next_good_order_goes_through() {
    let shop = Shop::open().await;
    let raw = Raw::connect(shop.vhost()).await;
    let url = shop.vhost().url_of("storefront", "storefront");
    let garbage = shop.folder().join("garbage");
    std::fs::write(&garbage, b"\x80\x04\x95 a pickle, not JSON").expect("the garbage is written");
    printed(&script("place_order.py", &[&url, &garbage.display().to_string()]).await);
    let dead = raw.take("orders.dlq").await;
    assert_eq!(dead.data, std::fs::read(&garbage).expect("the garbage is read"));
    assert_eq!(Raw::header(&dead, "garenne-reason").as_deref(), Some("undecodable"));
    assert!(Raw::header(&dead, "garenne-error").unwrap().contains("storefront.checkout-submitted"), "{dead:?}");
    let id = printed(&script("place_order.py", &[&url]).await);
    shop.reaches(&id, "dispatched").await;
    assert_eq!(raw.ready("orders.dlq").await, 0);
}

#[tokio::test]
async fn a_question_from_python_with_a_queue_for_the_answer_is_answered_in_json_and_an_unknown_article_with_a_problem()
{
    let shop = Shop::open().await;
    let url = shop.vhost().url();
    let ask = async |sku: &str| {
        let answer = printed(&script("ask_stock.py", &[&url, sku]).await);
        let (content_type, body) = answer.split_once('\n').expect("a type and a body");
        (content_type.to_owned(), serde_json::from_str::<Value>(body).expect("JSON"))
    };
    let (content_type, mug) = ask("MUG-BLUE").await;
    assert_eq!(content_type, "application/json");
    let price = json!({"amount": 1250, "currency": "EUR"});
    assert_eq!(mug, json!({"sku": "MUG-BLUE", "name": "Blue mug", "price": price, "available": 100_000}));
    let (content_type, problem) = ask("NO-SUCH-THING").await;
    assert_eq!(content_type, "application/problem+json");
    assert_eq!(problem["error"], json!({"sku": "NO-SUCH-THING"}));
    assert_eq!(problem["type"], "urn:garenne:refused");
    let (_, problem) = ask("not an article number").await;
    assert_eq!(problem["type"], "urn:garenne:malformed");
}

#[tokio::test]
async fn a_question_cannot_make_a_service_write_where_its_asker_may_not() {
    let shop = Shop::open().await;
    let raw = Raw::connect(shop.vhost()).await;
    raw.queue("spy", "inventory.events", "#").await;
    let key = "inventory.check-stock";
    for (exchange, reply_to, words) in [
        (None, "orders.storefront.checkout-submitted", "no queue of the broker's making"),
        (Some("inventory.events"), "inventory.stock-reserved", "no exchange for replies"),
        (Some("orders.events"), "orders.order-cancelled", "no exchange for replies"),
    ] {
        let mut headers = FieldTable::default();
        if let Some(exchange) = exchange {
            headers.insert("garenne-reply-exchange".into(), AMQPValue::LongString(exchange.into()));
        }
        let properties = BasicProperties::default().with_reply_to(reply_to.into()).with_headers(headers);
        raw.publish_with("inventory.requests", key, r#"{"sku":"MUG-BLUE"}"#, properties).await;
        let dead = raw.take("inventory.dlq").await;
        assert_eq!(Raw::header(&dead, "garenne-reason").as_deref(), Some("permanent"));
        assert!(Raw::header(&dead, "garenne-error").unwrap().contains(words), "{dead:?}");
    }
    let mug = get(&shop.url("/api/stock/MUG-BLUE")).await.unwrap();
    assert_eq!(mug.status, 200, "the next question is answered: {}", mug.text);
    for _ in 0..3 {
        assert_eq!(raw.take("spy").await.routing_key.as_str(), "inventory.delivery-dead-lettered");
    }
    assert_eq!((raw.ready("spy").await, raw.ready("orders.dlq").await), (0, 0));
}
