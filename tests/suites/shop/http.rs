//! The storefront's HTTP interface, with the shop behind it.

use contracts::values::OrderId;
use serde_json::{Value, json};
use tests::books::{audit, column};
use tests::http::{Answer, get, listen, post, post_text};
use tests::{CONSUMERS, Proxy, Shop, checkout, eventually};

/// A problem of RFC 9457 with this status.
fn problem(answer: &Answer, status: u16) -> Value {
    assert_eq!((answer.status, answer.content_type.as_str()), (status, "application/problem+json"), "{}", answer.text);
    let problem = answer.json();
    assert_eq!(problem["status"], status);
    assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{problem}");
    problem
}

fn pointers(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().into_iter().flatten().filter_map(|error| error["pointer"].as_str()).collect()
}

#[tokio::test]
async fn what_is_no_checkout_is_a_problem_that_says_what_is_wrong_and_becomes_no_order() {
    let shop = Shop::open().await;
    let url = shop.url("/api/checkouts");
    let good = checkout("MUG-BLUE", 1, "tok_ok").to_string();
    for (content_type, body, status, words) in [
        ("application/json", "two mugs, please".to_owned(), 400, "not JSON"),
        ("application/json", String::new(), 400, "not JSON"),
        ("application/json", "[".repeat(10_000), 400, "recursion limit"),
        ("application/json", format!("{{\"lines\":{}", "[".repeat(10_000)), 400, "recursion limit"),
        ("text/plain", good.clone(), 415, "application/json"),
        ("application/x-www-form-urlencoded", good.clone(), 415, "application/json"),
        ("application/json", good.replace("Ada", &"A".repeat(70_000)), 413, "65536 bytes"),
    ] {
        let answer = post_text(&url, content_type, body).await.expect("it answers");
        let problem = problem(&answer, status);
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(words)), "{words}: {problem}");
    }
    assert_eq!(column(&shop, "orders", "SELECT order_id FROM orders").await, Vec::<String>::new());
    let id = shop.buy("MUG-BLUE", 1, "tok_ok").await;
    shop.reaches(&id, "dispatched").await;
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once_by_its_pointer() {
    let shop = Shop::open().await;
    let url = shop.url("/api/checkouts");
    let bad = json!({
        "order_id": 7,
        "customer": {"name": ["Ada"], "email": "nobody"},
        "lines": [{"sku": "MUG-BLUE", "quantity": -1}, {"sku": "mug", "quantity": u64::MAX}, 3],
        "card": null,
    });
    let problem_of_all = problem(&post(&url, &bad).await.unwrap(), 422);
    let all = [
        "/order_id",
        "/customer/name",
        "/customer/email",
        "/lines/0/quantity",
        "/lines/1/sku",
        "/lines/1/quantity",
        "/lines/2",
        "/card",
    ];
    assert_eq!(pointers(&problem_of_all), all);
    for (lines, pointer) in [
        (json!([]), "/lines"),
        (json!("MUG-BLUE"), "/lines"),
        (json!([{"sku": "MUG-BLUE", "quantity": 0}]), "/lines/0/quantity"),
        (json!([{"sku": "MUG-BLUE", "quantity": 1.5}]), "/lines/0/quantity"),
        (json!([{"sku": "MUG-BLUE", "quantity": 1e300}]), "/lines/0/quantity"),
        (json!([{"sku": "MUG-BLUE", "quantity": 4_294_967_297_i64}]), "/lines/0/quantity"),
        (json!([{"sku": "MUG-BLUE", "quantity": 1}, {"sku": "MUG-BLUE", "quantity": 1}]), "/lines/1/sku"),
    ] {
        let mut bad = checkout("MUG-BLUE", 1, "tok_ok");
        bad["lines"] = lines;
        assert_eq!(pointers(&problem(&post(&url, &bad).await.unwrap(), 422)), [pointer], "{bad}");
    }
}

#[tokio::test]
async fn submitting_the_same_order_twice_is_one_order() {
    let shop = Shop::open().await;
    let mut body = checkout("MUG-BLUE", 1, "tok_ok");
    body["order_id"] = json!(OrderId::new());
    let id = body["order_id"].as_str().expect("an id").to_owned();
    for _ in 0..3 {
        let answer = post(&shop.url("/api/checkouts"), &body).await.unwrap();
        assert_eq!((answer.status, answer.headers["location"].as_str()), (202, format!("/api/orders/{id}").as_str()));
        assert_eq!(answer.json(), json!({"order_id": id}));
    }
    shop.reaches(&id, "dispatched").await;
    // An order that comes after the repetitions: when it is through, so are they.
    let last = shop.buy("TEA-MINT", 1, "tok_ok").await;
    shop.reaches(&last, "dispatched").await;
    eventually("two mails for each", || async {
        let count = (shop.mails(&id).len(), shop.mails(&last).len());
        if count == (2, 2) { Ok(()) } else { Err(format!("{count:?}")) }
    })
    .await;
    audit(&shop, 2).await;
}

#[tokio::test]
async fn what_does_not_exist_is_a_404_and_what_cannot_exist_a_400() {
    let shop = Shop::open().await;
    for (path, status) in [
        (format!("/api/orders/{}", OrderId::new()), 404),
        ("/api/orders/seven".to_owned(), 400),
        ("/api/orders/seven/live".to_owned(), 400),
        ("/api/orders/%ff".to_owned(), 400),
        ("/api/stock/NO-SUCH-THING".to_owned(), 404),
        ("/api/stock/no%20such%20thing".to_owned(), 400),
        ("/api/live?follow=seven".to_owned(), 400),
        ("/no/such/page".to_owned(), 404),
        ("/../../etc/passwd".to_owned(), 404),
        ("/api/checkouts".to_owned(), 405),
    ] {
        problem(&get(&shop.url(&path)).await.unwrap(), status);
    }
    let stock = get(&shop.url("/api/stock")).await.unwrap().json();
    assert_eq!(stock.as_array().map(Vec::len), Some(8));
}

#[tokio::test]
async fn the_live_feed_of_an_order_tells_its_steps_up_to_its_end_to_whoever_comes_early_or_late() {
    let shop = Shop::open().await;
    let mut body = checkout("MUG-BLUE", 1, "tok_flaky");
    body["order_id"] = json!(OrderId::new());
    let id = body["order_id"].as_str().expect("an id").to_owned();
    let names = |events: &[Value]| -> Vec<String> {
        events.iter().filter_map(|event| event["step"]["name"].as_str().map(str::to_owned)).collect()
    };
    let url = shop.url(&format!("/api/orders/{id}/live"));
    let ended = move |events: &[Value]| names(events).iter().any(|name| name == "shipping.shipment-dispatched");
    let early = tokio::spawn(async move { listen(&url, ended).await });
    assert_eq!(post(&shop.url("/api/checkouts"), &body).await.unwrap().status, 202);
    let early = early.await.expect("the early listener");
    let late = listen(&shop.url(&format!("/api/orders/{id}/live")), ended).await;
    for events in [early, late] {
        assert!(events.iter().all(|event| event["order_id"] == *id), "{events:?}");
        let names = names(&events);
        for name in [
            "storefront.checkout-submitted",
            "orders.order-placed",
            "inventory.stock-reserved",
            "payments.delivery-retried",
            "payments.payment-captured",
            "orders.order-confirmed",
            "shipping.shipment-dispatched",
        ] {
            assert!(names.iter().any(|told| told == name), "{name} is not among {names:?}");
        }
    }
}

#[tokio::test]
async fn without_the_broker_the_storefront_says_when_to_try_again_and_works_once_it_is_back() {
    let mut shop = Shop::empty().await;
    let proxy = Proxy::new(shop.vhost());
    for service in CONSUMERS {
        shop.start(service);
    }
    shop.start_with("storefront", &[("AMQP_URL", &proxy.url_of(shop.vhost(), "storefront", "storefront"))]);
    shop.ready().await;
    let id = shop.buy("MUG-BLUE", 1, "tok_ok").await;
    shop.reaches(&id, "dispatched").await;

    proxy.cut();
    let url = shop.url("/api/checkouts");
    let body = checkout("MUG-BLUE", 1, "tok_ok");
    let since = std::time::Instant::now();
    let (order, stock) = (shop.url(&format!("/api/orders/{id}")), shop.url("/api/stock"));
    let answers = tokio::join!(post(&url, &body), get(&order), get(&stock));
    for answer in [answers.0, answers.1, answers.2] {
        let answer = answer.expect("it answers");
        problem(&answer, 503);
        let seconds: u32 = answer.headers["retry-after"].parse().expect("seconds");
        assert!((1..=30).contains(&seconds));
    }
    assert!(since.elapsed().as_secs() < 10, "the answers took {:?}", since.elapsed());
    assert_eq!(get(&shop.url("/")).await.unwrap().status, 200, "the page is served all the same");

    proxy.open();
    shop.ready().await;
    let id = shop.buy("MUG-BLUE", 1, "tok_ok").await;
    shop.reaches(&id, "dispatched").await;
}

#[tokio::test]
async fn the_page_comes_with_the_headers_that_keep_a_browser_from_what_it_never_asks_for() {
    let mut shop = Shop::empty().await;
    shop.start("storefront");
    for (path, content_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/main.js", "text/javascript; charset=utf-8"),
        ("/favicon.svg", "image/svg+xml"),
    ] {
        // The page is there before any other service is.
        let url = shop.url(path);
        let answer = eventually("the page", || get(&url)).await;
        assert_eq!((answer.status, answer.content_type.as_str()), (200, content_type));
        let policy = &answer.headers["content-security-policy"];
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers["referrer-policy"], "no-referrer");
        assert_eq!(answer.headers["cross-origin-opener-policy"], "same-origin");
    }
}
