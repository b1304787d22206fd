//! The page in a browser, with the whole shop behind it.

use serde_json::{Value, json};
use tests::{Browser, Shop, eventually};

/// Opens the page and waits until the shelf is filled and the feed is live.
async fn open(shop: &Shop, width: u32, height: u32) -> Browser {
    let browser = Browser::open(width, height).await;
    browser.goto(&shop.url("/")).await;
    browser.find("#feed-state[data-state=live]").await;
    browser.find("[data-sku=MUG-BLUE][data-available]").await;
    browser
}

/// Puts an article into the basket, chooses a card, buys, and gives the number of the new order.
async fn buy(browser: &Browser, sku: &str, card: &str) -> String {
    let before = browser.texts("[data-order-id] h3 code").await.len();
    browser.click(&format!("[data-sku={sku}] .put")).await;
    browser.find(&format!("[data-basket-sku={sku}]")).await;
    browser.click(&format!("label:has([value={card}])")).await;
    browser.click("#buy").await;
    eventually("another order on the page", || async {
        let after = browser.texts("[data-order-id] h3 code").await.len();
        if after == before + 1 { Ok(()) } else { Err(format!("{after} orders, {:?}", browser.texts(".trouble").await)) }
    })
    .await;
    browser.find("[data-order-id]").await.attr("data-order-id").await.expect("an answer").expect("a number")
}

/// Waits until the page shows the order in this status, and gives the names of the steps that it has drawn.
async fn shows(browser: &Browser, id: &str, status: &str) -> Vec<String> {
    browser.find(&format!("[data-order-id='{id}'][data-status={status}]")).await;
    let script = "return [...document.querySelectorAll(`[data-order-id='${arguments[0]}'] .step`)]
        .filter((step) => step.querySelector('.track .said, .track .cross') && step.getBoundingClientRect().height > 10)
        .map((step) => step.dataset.step)";
    let steps = browser.client().execute(script, vec![id.into()]).await.expect("the script runs");
    serde_json::from_value(steps).expect("names")
}

async fn complains_about_nothing(browser: &Browser) {
    assert_eq!(browser.complaints().await, Vec::<String>::new(), "the browser's console");
}

#[tokio::test]
async fn a_mug_that_is_bought_on_the_page_is_drawn_from_the_click_to_the_parcel_and_the_stock_goes_down() {
    let shop = Shop::open().await;
    let browser = open(&shop, 1280, 900).await;
    browser.screenshot("desktop-empty").await;
    assert_eq!(browser.texts("[data-sku=MUG-BLUE] .left").await, ["100,000 left"]);
    let id = buy(&browser, "MUG-BLUE", "tok_ok").await;
    let steps = shows(&browser, &id, "dispatched").await;
    for step in [
        "storefront.checkout-submitted",
        "orders.order-placed",
        "inventory.stock-reserved",
        "payments.payment-captured",
        "orders.order-confirmed",
        "shipping.shipment-dispatched",
    ] {
        assert!(steps.iter().any(|drawn| drawn == step), "{step} is not drawn: {steps:?}");
    }
    assert_eq!(shop.order(&id).await.expect("the shop knows it")["status"], "dispatched");
    browser.find("[data-sku=MUG-BLUE][data-available='99999']").await;
    assert_eq!(browser.texts("[data-sku=MUG-BLUE] .left").await, ["99,999 left"]);
    browser.screenshot("desktop-dispatched").await;
    complains_about_nothing(&browser).await;

    browser.goto(&shop.url("/")).await;
    let again = shows(&browser, &id, "dispatched").await;
    assert_eq!(again, steps, "a page that is opened again draws the same");
    complains_about_nothing(&browser).await;
}

#[tokio::test]
async fn a_declined_card_is_shown_as_cancelled_and_a_provider_that_stumbles_with_its_attempts() {
    let shop = Shop::open().await;
    let browser = open(&shop, 1280, 900).await;
    let declined = buy(&browser, "LAMP-PAPER", "tok_declined").await;
    let steps = shows(&browser, &declined, "cancelled").await;
    assert!(steps.iter().any(|step| step == "payments.payment-declined"), "{steps:?}");

    let flaky = buy(&browser, "TEA-MINT", "tok_flaky").await;
    let steps = shows(&browser, &flaky, "dispatched").await;
    let retries = steps.iter().filter(|step| *step == "payments.delivery-retried").count();
    assert_eq!(retries, 2, "{steps:?}");
    let words = browser.texts(&format!("[data-order-id='{flaky}'] [data-kind=retried] strong")).await;
    assert_eq!(words, ["attempt 1 failed", "attempt 2 failed"]);

    let down = buy(&browser, "BOWL-OAK", "tok_down").await;
    let steps = shows(&browser, &down, "dead-lettered").await;
    assert_eq!(steps.last().map(String::as_str), Some("payments.delivery-dead-lettered"));
    browser.screenshot("desktop-cancelled-retried-dead-lettered").await;
    complains_about_nothing(&browser).await;
}

#[tokio::test]
async fn on_a_phone_nothing_scrolls_sideways_and_everything_can_be_bought() {
    let shop = Shop::open().await;
    let browser = open(&shop, 360, 740).await;
    let overflow = async |when: &str| {
        let wide = browser.run("return [document.documentElement.scrollWidth, innerWidth, visualViewport.scale]").await;
        assert_eq!(wide, json!([360, 360, 1]), "{when}");
        let script = "return [...document.querySelectorAll('body *')]
            .filter((element) => !element.closest('svg, .visually-hidden, .skip'))
            .filter((element) => element.getBoundingClientRect().right > 360.5)
            .map((element) => element.outerHTML.slice(0, 200))";
        assert_eq!(browser.run(script).await, json!([]), "{when}: these stick out");
    };
    overflow("an empty page").await;
    browser.screenshot("phone-empty").await;
    browser.click("[data-sku=MUG-BLUE] .put").await;
    browser.find("#basket-bar:not([hidden])").await;
    overflow("with something in the basket").await;
    browser.screenshot("phone-basket-bar").await;
    let flaky = buy(&browser, "CANDLE-BEE", "tok_flaky").await;
    shows(&browser, &flaky, "dispatched").await;
    overflow("with an order").await;
    browser.screenshot("phone-order").await;
    complains_about_nothing(&browser).await;
}

#[tokio::test]
async fn what_the_shop_refuses_is_said_where_it_belongs() {
    let shop = Shop::open().await;
    let browser = open(&shop, 1280, 900).await;
    browser.click("[data-sku=ATLAS-1911] .put").await;
    // The page asks for a name of its own accord; a blank one only the shop refuses.
    browser.run("document.getElementById('name').value = ' '").await;
    browser.click("#buy").await;
    let words = eventually("a word about the name", || async {
        let words = browser.texts("#name-trouble").await.concat();
        if words.is_empty() { Err("nothing".to_owned()) } else { Ok(words) }
    })
    .await;
    assert!(words.contains("is not a valid name"), "{words}");
    assert_eq!(browser.run("return document.activeElement.id").await, Value::from("name"));
    browser.screenshot("desktop-refused").await;
    // The 422 itself is all that the console may say.
    let complaints = browser.complaints().await;
    assert!(complaints.iter().all(|complaint| complaint.contains("422")), "{complaints:?}");
}

#[tokio::test]
async fn every_kind_of_complaint_of_the_browser_is_seen_by_these_tests() {
    let shop = Shop::open().await;
    let browser = open(&shop, 1280, 900).await;
    complains_about_nothing(&browser).await;
    for (wrong, words) in [
        ("console.error('said by hand')", "said by hand"),
        ("console.warn('warned by hand')", "warned by hand"),
        ("setTimeout(() => { throw new Error('thrown by hand') })", "thrown by hand"),
        ("Promise.reject(new Error('rejected by hand'))", "rejected by hand"),
        ("fetch('/no/such/page')", "404"),
        ("document.body.setAttribute('style', 'color: red')", "Content Security Policy"),
        (
            "document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:1/x.png'}))",
            "Content Security Policy",
        ),
    ] {
        browser.run(wrong).await;
        eventually(words, || async {
            let complaints = browser.complaints().await;
            if complaints.iter().any(|text| text.contains(words)) { Ok(()) } else { Err(format!("{complaints:?}")) }
        })
        .await;
    }
}
