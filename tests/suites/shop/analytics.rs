//! The sales are what the orders say, whatever dies while they are counted.

use std::sync::atomic::{AtomicUsize, Ordering};

use contracts::analytics::{GetSales, Rebuild, Sales};
use contracts::values::OrderId;
use garenne::{Address, Client, Event as _, Running, Service, Settings};
use serde_json::json;
use tests::books::{Books, audit};
use tests::{Raw, Shop, checkout, eventually};

const ORDERS: usize = 200;

/// Somebody who asks, as the administrator.
async fn desk(shop: &Shop) -> Running<()> {
    async fn idle(client: Client<()>) -> Result<(), String> {
        client.stopping().await;
        Ok(())
    }
    let service = Service::new("desk").asks::<GetSales>().asks::<Rebuild>().background("idle", idle);
    let settings = Settings::new(Address::parse(&shop.vhost().url()).expect("a URL"));
    let desk = service.start((), settings).await.expect("it starts");
    assert!(desk.ready().await);
    desk
}

async fn sales(desk: &Running<()>) -> Result<Sales, String> {
    desk.client().ask(&GetSales { minutes: Some(1000) }).await.map_err(|error| error.to_string())
}

/// Submits an order of one of three articles; every tenth card is declined.
async fn order(raw: &Raw, number: usize) {
    let sku = ["MUG-BLUE", "TEA-MINT", "BOWL-OAK"][number % 3];
    let units = u32::try_from(number % 4 + 1).expect("a few");
    let mut body = checkout(sku, units, if number.is_multiple_of(10) { "tok_declined" } else { "tok_ok" });
    body["order_id"] = json!(OrderId::new());
    let name = contracts::storefront::CheckoutSubmitted::NAME.as_str();
    raw.publish("storefront.events", name, body.to_string()).await;
}

/// Kills the first replica and starts another one in its place.
fn kill(shop: &mut Shop) {
    shop.replicas("analytics").next().expect("a replica").kill();
    shop.forget_first("analytics");
    let instance = format!("analytics-{}", uuid::Uuid::now_v7());
    shop.start_with("analytics", &[("INSTANCE", &instance)]);
}

async fn every_order_ends(books: &Books, count: usize) {
    eventually("every order dispatched or cancelled and mailed", || async {
        let orders = books.orders().await.map_err(|error| error.to_string())?;
        let mails = books.mails_sent().await.map_err(|error| error.to_string())?;
        let ended = orders.dispatched.len() + orders.cancelled.len();
        let due = orders.dispatched.len() * 2 + orders.cancelled.len();
        if ended == count && mails == due { Ok(()) } else { Err(format!("{ended} of {count}, {mails} of {due} mails")) }
    })
    .await;
}

async fn counted_as_the_orders_say(books: &Books) {
    eventually("the sales that the orders say", || async {
        let differ = books.sales_differ().await.map_err(|error| error.to_string())?;
        if differ.is_empty() { Ok(()) } else { Err(differ.join(", ")) }
    })
    .await;
}

#[tokio::test]
async fn the_sales_are_what_the_orders_say_though_their_replicas_are_killed_again_and_again() {
    let mut shop = Shop::open().await;
    shop.start("analytics");
    let raw = Raw::connect(shop.vhost()).await;
    for number in 0..ORDERS {
        order(&raw, number).await;
        if number % 20 == 19 {
            kill(&mut shop);
        }
    }
    let books = Books::of(&shop);
    every_order_ends(&books, ORDERS).await;
    counted_as_the_orders_say(&books).await;
    audit(&shop, ORDERS).await;

    let desk = desk(&shop).await;
    let told = sales(&desk).await.expect("an answer");
    assert_eq!(told.orders, 180, "every tenth card was declined");
    assert_eq!(told.minutes.iter().map(|minute| minute.orders).sum::<u64>(), told.orders);
    assert_eq!(told.minutes.iter().map(|minute| minute.revenue.amount).sum::<i64>(), told.revenue.amount);
    let by_minute = told.minutes.iter().flat_map(|minute| &minute.articles).map(|article| article.units);
    assert_eq!(by_minute.sum::<u64>(), told.units);
    assert_eq!(told.articles.iter().map(|article| article.units).sum::<u64>(), told.units);
    assert_eq!(told.articles.len(), 3);
    assert!(!told.rebuilding && told.through.is_some_and(|through| through > 1000), "{told:?}");
    desk.stop().await;
}

#[tokio::test]
async fn a_rebuild_counts_everything_once_more_and_the_old_answers_stay_until_the_new_ones_are_whole() {
    let mut shop = Shop::open().await;
    shop.start("analytics");
    let raw = Raw::connect(shop.vhost()).await;
    for number in 0..ORDERS {
        order(&raw, number).await;
    }
    let books = Books::of(&shop);
    every_order_ends(&books, ORDERS).await;
    counted_as_the_orders_say(&books).await;
    let desk = desk(&shop).await;
    let before = sales(&desk).await.expect("an answer");

    // Counting anew starts with nothing; no answer ever shows that.
    let rebuilding = desk.client().ask(&Rebuild {}).await.expect("an answer");
    assert_eq!(rebuilding.until, before.through);
    kill(&mut shop);
    let looked = AtomicUsize::new(0);
    let after = eventually("the end of the rebuild", || async {
        let told = sales(&desk).await?;
        looked.fetch_add(1, Ordering::Relaxed);
        assert_eq!((told.orders, told.units, &told.articles), (before.orders, before.units, &before.articles));
        if told.rebuilding { Err(format!("{told:?}")) } else { Ok(told) }
    })
    .await;
    assert_eq!((after.revenue, &after.minutes), (before.revenue, &before.minutes));
    counted_as_the_orders_say(&books).await;
    let editions = books.column("analytics", "SELECT answering || ' ' || writing FROM editions").await.expect("a row");
    assert_eq!(editions, ["2 2"], "after {} looks", looked.into_inner());

    // What comes afterwards is added to the new result, and what the old one has left is removed.
    order(&raw, 1).await;
    every_order_ends(&books, ORDERS + 1).await;
    counted_as_the_orders_say(&books).await;
    eventually("the old edition is gone", || async {
        let left = "SELECT order_id FROM counted_orders WHERE edition < 2 UNION ALL SELECT sku FROM articles WHERE edition < 2";
        let left = books.column("analytics", left).await.map_err(|error| error.to_string())?;
        if left.is_empty() { Ok(()) } else { Err(left.len().to_string()) }
    })
    .await;
    desk.stop().await;
}
