//! The HTTP interface over a real socket, with a shop that is made up.

mod made_up;

use std::io::{BufRead, BufReader};

use made_up::{Open, body_of, checkout, hear};
use serde_json::{Value, json};
use storefront::Trouble;

#[test]
fn an_accepted_checkout_says_where_its_order_is() {
    let open = Open::shop(None);
    let response = open.post("application/json; charset=utf-8", checkout().to_string());
    assert_eq!(response.status(), 202);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let order_id = body_of(response)["order_id"].as_str().unwrap().to_owned();
    assert_eq!(location, format!("/api/orders/{order_id}"));
    let submitted = open.submitted();
    assert_eq!(submitted.len(), 1);
    assert_eq!(submitted[0].order_id.to_string(), order_id);
}

#[test]
fn a_wrong_checkout_is_refused_with_every_field_and_not_submitted() {
    let open = Open::shop(None);
    let mut wrong = checkout();
    wrong["lines"][0]["quantity"] = json!(0);
    wrong["customer"]["email"] = json!("nobody");
    let response = open.post("application/json", wrong.to_string());
    assert_eq!(response.status(), 422);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem = body_of(response);
    assert_eq!(problem["errors"][0]["pointer"], "/customer/email");
    assert_eq!(problem["errors"][1]["pointer"], "/lines/0/quantity");
    assert_eq!(problem["status"], 422);
    assert!(open.submitted().is_empty());
}

#[test]
fn what_is_no_checkout_at_all_is_refused_with_the_fitting_status() {
    let open = Open::shop(None);
    for (content_type, body, status) in [
        ("text/plain", checkout().to_string(), 415),
        ("application/jsonx", checkout().to_string(), 415),
        ("application/json", "{".to_owned(), 400),
        ("application/json", "[".repeat(10_000), 400),
        ("application/json", " ".repeat(64 * 1024 + 1), 413),
        ("application/json", "[]".to_owned(), 422),
    ] {
        let response = open.post(content_type, body);
        assert_eq!(response.status(), status);
        assert_eq!(body_of(response)["status"], status);
    }
    assert!(open.submitted().is_empty());
}

#[test]
fn a_shop_that_is_away_is_a_503_with_the_time_to_try_again() {
    for (trouble, status) in [(Trouble::Away, 503), (Trouble::Silent, 504), (Trouble::Failed, 502)] {
        let open = Open::shop(Some(trouble));
        for response in [
            open.post("application/json", checkout().to_string()),
            open.get("/api/stock"),
            open.get("/api/stock/MUG-BLUE"),
            open.get(&format!("/api/orders/{}", made_up::ORDER)),
        ] {
            assert_eq!(response.status(), status);
            assert_eq!(response.headers().contains_key("retry-after"), status == 503);
        }
    }
}

#[test]
fn a_checkout_whose_fate_is_unknown_names_its_order_so_that_it_can_be_sent_again() {
    let open = Open::shop(Some(Trouble::Away));
    let mut mine = checkout();
    mine["order_id"] = json!(made_up::ORDER);
    assert_eq!(body_of(open.post("application/json", mine.to_string()))["order_id"], made_up::ORDER);
}

#[test]
fn stock_and_orders_are_found_or_not() {
    let open = Open::shop(None);
    assert_eq!(body_of(open.get("/api/stock"))[0]["sku"], "MUG-BLUE");
    assert_eq!(body_of(open.get("/api/stock/MUG-BLUE"))["available"], 7);
    assert_eq!(body_of(open.get(&format!("/api/orders/{}", made_up::ORDER)))["status"], "placed");
    for (path, status) in [
        ("/api/stock/MUG-RED", 404),
        ("/api/stock/mug", 400),
        ("/api/orders/01926f3e-7c3a-7b60-8f00-000000000000", 404),
        ("/api/orders/seven", 400),
        ("/api/orders/seven/live", 400),
        ("/api/live?follow=seven", 400),
        ("/nothing", 404),
        ("/api/checkouts", 405),
    ] {
        let response = open.get(path);
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{path}");
    }
}

#[test]
fn the_page_is_asked_for_anew_and_sent_once() {
    let open = Open::shop(None);
    let page = open.get("/");
    assert_eq!(page.headers()["cache-control"], "no-cache");
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let etag = page.headers()["etag"].to_str().unwrap().to_owned();
    let html = page.into_body().read_to_string().unwrap();
    assert!(!html.contains("<script>") && !html.contains("style=") && !html.contains("onclick"));

    let again = open.get_with("/", "if-none-match", &format!("\"other\", W/{etag}"));
    assert_eq!((again.status().as_u16(), again.into_body().read_to_string().unwrap().len()), (304, 0));

    let mentioned: Vec<_> =
        html.split('"').filter(|text| text.starts_with('/') && !text.contains(['>', ' '])).collect();
    assert!(mentioned.contains(&"/main.js") && mentioned.contains(&"/favicon.svg"));
    for path in mentioned {
        assert_eq!(open.get(path).status(), 200, "{path}");
    }
}

#[test]
fn the_stream_of_an_order_tells_what_was_and_what_comes_and_ends_with_the_storefront() {
    let open = Open::shop(None);
    hear(&open.live, "storefront.checkout-submitted", 1_000);
    let response = open.get(&format!("/api/orders/{}/live", made_up::ORDER));
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut lines = BufReader::new(response.into_body().into_reader()).lines();
    let mut next_step = || -> Option<Value> {
        let data =
            lines.by_ref().map_while(Result::ok).find_map(|line| Some(line.strip_prefix("data: ")?.to_owned()))?;
        Some(serde_json::from_str::<Value>(&data).unwrap()["step"].clone())
    };
    assert_eq!(next_step().unwrap()["name"], "storefront.checkout-submitted");
    hear(&open.live, "orders.order-placed", 1_041);
    let placed = next_step().unwrap();
    assert_eq!((&placed["name"], &placed["after_ms"]), (&json!("orders.order-placed"), &json!(41)));
    open.stop();
    assert_eq!(next_step(), None);
}

#[test]
fn the_stream_of_the_shop_shows_passing_orders_and_follows_some() {
    let open = Open::shop(None);
    hear(&open.live, "orders.order-placed", 1_000);
    let response = open.get(&format!("/api/live?follow={}", made_up::ORDER));
    let mut kinds = Vec::new();
    for line in BufReader::new(response.into_body().into_reader()).lines().map_while(Result::ok) {
        if let Some(kind) = line.strip_prefix("event: ") {
            kinds.push(kind.to_owned());
        }
        if kinds.last().is_some_and(|kind| kind == "shop")
            && let Some(data) = line.strip_prefix("data: ")
        {
            let shop: Value = serde_json::from_str(data).unwrap();
            assert_eq!(shop["orders"][0]["order_id"], made_up::ORDER);
            assert_eq!(shop["said"]["orders"], 1);
            break;
        }
    }
    assert_eq!(kinds, ["step", "shop"]);
}

#[test]
fn a_taken_port_is_named() {
    let open = Open::shop(None);
    let words = made_up::bind_error(open.address);
    assert!(words.contains(&open.address.to_string()) && words.contains("another program"), "{words}");
}
