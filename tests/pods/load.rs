//! The customers: place orders through the storefront's HTTP at a steady pace, and note what it has accepted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use contracts::values::OrderId;
use serde_json::Value;
use tests::http::post;
use tests::{checkout, lasting};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;

use crate::pods::Endpoints;

/// Articles of which there is more than a run can sell.
const ARTICLES: [&str; 7] =
    ["BAG-LINEN", "BOWL-OAK", "CANDLE-BEE", "LAMP-PAPER", "MUG-BLUE", "NOTEBOOK-A5", "TEA-MINT"];
/// One order of so many is paid with a card that is declined.
const DECLINED: usize = 10;
/// How long a customer tries to place an order.
const PATIENCE: Duration = Duration::from_secs(30);

/// An order that the storefront has accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    /// Before it was sent for the first time.
    pub(crate) at: Instant,
    pub(crate) pays: bool,
}

/// What was ordered.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) orders: BTreeMap<String, Placed>,
    /// Orders that were sent again, under the same number, because the answer was none or another one.
    pub(crate) resent: usize,
    /// Orders that the storefront has never accepted.
    pub(crate) refused: Vec<String>,
}

/// Customers at work.
#[derive(Debug)]
pub(crate) struct Load {
    ledger: Arc<Mutex<Ledger>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Load {
    /// Lets customers in, so many each second, however long the answers take.
    pub(crate) fn start(endpoints: Endpoints, per_second: f64) -> Self {
        let ledger = Arc::<Mutex<Ledger>>::default();
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(serve(endpoints, per_second, Arc::clone(&ledger), stopped));
        Self { ledger, stop, task }
    }

    /// Lets nobody in any more; returns what was ordered.
    pub(crate) async fn stop(self) -> Ledger {
        self.stop.send_replace(true);
        self.task.await.expect("the load ran to its end");
        std::mem::take(&mut *lock(&self.ledger))
    }
}

async fn serve(endpoints: Endpoints, per_second: f64, ledger: Arc<Mutex<Ledger>>, stopped: watch::Receiver<bool>) {
    let mut pace = tokio::time::interval(Duration::from_secs_f64(1.0 / per_second));
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let turn = Arc::<AtomicUsize>::default();
    let mut customers = JoinSet::new();
    for number in 0.. {
        pace.tick().await;
        if *stopped.borrow() {
            break;
        }
        customers.spawn(order(number, Arc::clone(&endpoints), Arc::clone(&turn), Arc::clone(&ledger)));
        while customers.try_join_next().is_some() {}
    }
    while customers.join_next().await.is_some() {}
}

/// One customer, who asks again until the order is accepted.
async fn order(number: usize, endpoints: Endpoints, turn: Arc<AtomicUsize>, ledger: Arc<Mutex<Ledger>>) {
    let (id, at, pays) = (OrderId::new().to_string(), Instant::now(), !number.is_multiple_of(DECLINED));
    let quantity = u32::try_from(number % 3).unwrap_or(0) + 1;
    let card = if pays { "tok_ok" } else { "tok_declined" };
    let mut body: Value = checkout(ARTICLES[number % ARTICLES.len()], quantity, card);
    body["order_id"] = id.clone().into();
    let mut failed = 0_usize;
    let mut complaint = String::new();
    while at.elapsed() < PATIENCE {
        match attempt(&endpoints, &turn, &body).await {
            Ok(()) => {
                let mut ledger = lock(&ledger);
                ledger.orders.insert(id, Placed { at, pays });
                ledger.resent += usize::from(failed > 0);
                return;
            }
            Err(words) => complaint = words,
        }
        failed += 1;
        lasting(Duration::from_millis(100)).await;
    }
    lock(&ledger).refused.push(format!("{id}: {complaint}"));
}

/// Asks the next of the storefront's pods.
async fn attempt(endpoints: &Endpoints, turn: &AtomicUsize, body: &Value) -> Result<(), String> {
    let url = {
        let urls = endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = turn.fetch_add(1, Ordering::Relaxed);
        urls.get(turn % urls.len().max(1)).cloned().ok_or("the storefront has no pod")?
    };
    let answer = post(&format!("{url}/api/checkouts"), body).await?;
    if answer.status == 202 { Ok(()) } else { Err(format!("{}: {}", answer.status, answer.text)) }
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}
