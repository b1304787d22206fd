//! Sends customers into the shop, one after the other by the timetable, each on its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use contracts::inventory::{ListStock, StockLevel};
use garenne::Client;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, sleep_until};

use crate::app::Shoppers;
use crate::customer;
use crate::schedule::Schedule;

/// The most checkouts that wait for their confirms at a time.
const IN_FLIGHT: usize = 512;
/// How often the log says how many came.
const REPORT_EVERY: Duration = Duration::from_secs(10);
/// How long to wait until the shelf is asked for again.
const SHELF_RETRY: Duration = Duration::from_secs(2);

/// What became of the customers since the last report.
#[derive(Debug, Default)]
struct Count {
    sent: AtomicU64,
    failed: AtomicU64,
    /// All that were sent so far.
    all: AtomicU64,
}

pub(crate) async fn shop(client: Client<Shoppers>) -> Result<(), String> {
    tokio::select! {
        () = client.stopping() => Ok(()),
        shelf = read_shelf(&client) => send(&client, &shelf).await,
    }
}

/// Asks until somebody answers: at the start of a shop the services come in any order.
async fn read_shelf(client: &Client<Shoppers>) -> Vec<StockLevel> {
    loop {
        match client.ask(&ListStock {}).await {
            Ok(shelf) => return shelf,
            Err(error) => tracing::warn!(%error, "the shelf is not known yet; asking again"),
        }
        sleep(SHELF_RETRY).await;
    }
}

async fn send(client: &Client<Shoppers>, shelf: &[StockLevel]) -> Result<(), String> {
    let config = client.state().config;
    tracing::info!("{} articles; {} customers per second come in", shelf.len(), config.orders_per_second);
    let count = Arc::new(Count::default());
    let room = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut schedule = Schedule::new(config.orders_per_second, Instant::now());
    let mut due = schedule.next(Instant::now());
    let mut reports = interval_at(Instant::now() + REPORT_EVERY, REPORT_EVERY);
    reports.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut customers = JoinSet::new();
    loop {
        let turn = async {
            sleep_until(due).await;
            Arc::clone(&room).acquire_owned().await
        };
        tokio::select! {
            () = client.stopping() => break,
            _ = reports.tick() => count.report(),
            Some(ended) = customers.join_next() => ended.map_err(|error| error.to_string())?,
            permit = turn => {
                let checkout = customer::next(shelf, config.awkward_share, &mut rand::rng())
                    .map_err(|error| error.to_string())?;
                let (client, count) = (client.clone(), Arc::clone(&count));
                customers.spawn(async move {
                    let outcome = client.publish(&checkout).await;
                    count.add(outcome.map_err(|error| error.to_string()));
                    drop(permit);
                });
                due = schedule.next(Instant::now());
            }
        }
    }
    // Each is bounded by the publish deadline, so this ends.
    while let Some(ended) = customers.join_next().await {
        ended.map_err(|error| error.to_string())?;
    }
    count.report();
    Ok(())
}

impl Count {
    fn add<T>(&self, outcome: Result<T, String>) {
        match outcome {
            Ok(_) => self.sent.fetch_add(1, Ordering::Relaxed),
            Err(error) => {
                tracing::debug!(error, "a checkout was not confirmed");
                self.failed.fetch_add(1, Ordering::Relaxed)
            }
        };
    }

    fn report(&self) {
        let (sent, failed) = (self.sent.swap(0, Ordering::Relaxed), self.failed.swap(0, Ordering::Relaxed));
        let all = self.all.fetch_add(sent, Ordering::Relaxed) + sent;
        tracing::info!("{sent} checkouts sent since the last report, {failed} failed; {all} in all");
    }
}
