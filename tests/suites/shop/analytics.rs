//! The sales are what the orders say, whatever dies while they are counted.

use contracts::analytics::{GetSales, Rebuild, Sales};
use contracts::values::OrderId;
use futures_util::future::join_all;
use garenne::{Event as _, Running, Service};
use serde_json::json;
use sqlx::{AnyConnection, Connection as _, Executor as _};
use tests::books::{Books, audit};
use tests::exposition::sum;
use tests::{Raw, Shop, checkout, eventually};
use tokio::sync::Mutex;

const ORDERS: usize = 200;

/// Somebody who asks, as the administrator.
async fn desk(shop: &Shop) -> Running<()> {
    let service = Service::new("desk").asks::<GetSales>().asks::<Rebuild>();
    let desk = service.start((), shop.vhost().settings()).await.expect("it starts");
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

/// Kills a replica that has counted entries of the log itself, and starts another one in its place.
async fn kill_one_that_has_counted(shop: &mut Shop) {
    shop.ready().await;
    let counted = eventually("a replica that has counted a page", || async {
        let exposed = shop.metrics("analytics").await;
        let has = |text: &String| sum(text, "garenne_log_read_total", "reader=\"sales\"").is_some_and(|read| read > 0);
        exposed.iter().position(has).ok_or_else(|| "none of them has".to_owned())
    })
    .await;
    shop.crash("analytics", counted);
    start_another(shop);
}

/// Starts another replica, under a name that none has had.
fn start_another(shop: &mut Shop) {
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
            kill_one_that_has_counted(&mut shop).await;
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

/// Adds entries that nobody counts, so that a rebuild has many pages, and waits until they are read.
async fn make_history_long(raw: &Raw, books: &Books) {
    const ENTRIES: usize = 5000;
    for _ in 0..ENTRIES / 500 {
        join_all((0..500).map(|_| raw.publish("shoppers.events", "shoppers.customer-passed", "{}"))).await;
    }
    eventually("all of it is read", || async {
        let through = books.column("analytics", "SELECT COALESCE(through, 0) || '' FROM editions").await;
        let through: usize = through.map_err(|error| error.to_string())?[0].parse().expect("a number");
        if through > ENTRIES { Ok(()) } else { Err(through.to_string()) }
    })
    .await;
}

/// Waits until a rebuild has come to somewhere before this entry. It gets no further while what is returned lives.
async fn hold_in_the_middle(books: &Books, until: u64) -> AnyConnection {
    let connection = Mutex::new(books.connect("analytics").await.expect("the database opens"));
    eventually("a rebuild that has begun", || async {
        let mut connection = connection.lock().await;
        connection.execute("BEGIN IMMEDIATE").await.map_err(|error| error.to_string())?;
        let place = sqlx::query_scalar::<_, i64>("SELECT last_offset FROM garenne_offset WHERE reader = 'sales'");
        let place = place.fetch_one(&mut *connection).await.expect("a place");
        if place >= 0 && place.unsigned_abs() < until {
            return Ok(());
        }
        connection.execute("ROLLBACK").await.expect("let go");
        Err(format!("{place} of {until}"))
    })
    .await;
    connection.into_inner()
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
    make_history_long(&raw, &books).await;
    let desk = desk(&shop).await;
    let before = sales(&desk).await.expect("an answer");

    // Counting anew starts with nothing; no answer ever shows that.
    let rebuilding = desk.client().ask(&Rebuild {}).await.expect("an answer");
    assert!(rebuilding.until >= before.through, "{rebuilding:?} after {:?}", before.through);
    let in_the_middle = hold_in_the_middle(&books, rebuilding.until.expect("something is counted")).await;
    let still = Sales { rebuilding: true, through: rebuilding.until, ..before.clone() };
    assert_eq!(sales(&desk).await.as_ref(), Ok(&still));
    shop.crash("analytics", 0);
    assert_eq!(sales(&desk).await, Ok(still), "the other one answers");
    in_the_middle.close().await.expect("let go");
    start_another(&mut shop);
    let after = eventually("the end of the rebuild", || async {
        let told = sales(&desk).await?;
        assert_eq!((told.orders, told.units, &told.articles), (before.orders, before.units, &before.articles));
        if told.rebuilding { Err(format!("{told:?}")) } else { Ok(told) }
    })
    .await;
    assert_eq!((after.revenue, &after.minutes), (before.revenue, &before.minutes));
    counted_as_the_orders_say(&books).await;
    let editions = books.column("analytics", "SELECT answering || ' ' || writing FROM editions").await.expect("a row");
    assert_eq!(editions, ["2 2"]);

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
