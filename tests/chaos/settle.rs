//! Waits until the shop has nothing left to do.

use std::time::{Duration, Instant};

use tests::books::Books;
use tests::{CONSUMERS, Vhost, lasting};

use crate::load::Ledger;
use crate::watch::queues;

/// How long the shop may take after the last order.
const LIMIT: Duration = Duration::from_secs(300);
/// The management's numbers are up to 5 s old: the same must be seen so often, so far apart.
const LOOKS: u32 = 3;
const APART: Duration = Duration::from_secs(3);

/// Returns once every order has ended, every queue is empty but for dead letters, and every event has left its outbox. When that does
/// not come, says what is left.
pub(crate) async fn settle(vhost: &Vhost, books: &Books, ledger: &Ledger) -> Result<Duration, String> {
    let started = Instant::now();
    let mut quiet = 0;
    loop {
        match look(vhost, books, ledger).await {
            Ok(()) => quiet += 1,
            Err(busy) if started.elapsed() > LIMIT => return Err(busy),
            Err(_) => quiet = 0,
        }
        if quiet == LOOKS {
            return Ok(started.elapsed());
        }
        lasting(APART).await;
    }
}

async fn look(vhost: &Vhost, books: &Books, ledger: &Ledger) -> Result<(), String> {
    let told = queues(vhost).await;
    if told.is_empty() {
        return Err("the broker does not tell its queues".to_owned());
    }
    let busy = told.iter().filter(|queue| queue.messages > 0 && !queue.name.ends_with(".dlq"));
    let busy: Vec<String> = busy.map(|queue| format!("{} has {} messages", queue.name, queue.messages)).collect();
    if !busy.is_empty() {
        return Err(busy.join(", "));
    }
    let orders = books.orders().await.map_err(|error| error.to_string())?;
    let ended = orders.dispatched.len() + orders.cancelled.len();
    let mails = books.mails_sent().await.map_err(|error| error.to_string())?;
    let due = orders.dispatched.len() * 2 + orders.cancelled.len();
    if ended < ledger.orders.len() || mails < due {
        return Err(format!("{ended} of {} orders have ended, {mails} of {due} mails are sent", ledger.orders.len()));
    }
    let differ = books.sales_differ().await.map_err(|error| error.to_string())?;
    if !differ.is_empty() {
        return Err(format!("analytics counts otherwise: {}", differ.join(", ")));
    }
    for service in CONSUMERS {
        let unsent = unsent(books, service).await?;
        if unsent > 0 {
            return Err(format!("{service} has {unsent} events in its outbox"));
        }
    }
    Ok(())
}

/// How many events a service has committed and not published yet.
pub(crate) async fn unsent(books: &Books, service: &str) -> Result<usize, String> {
    let rows = books.column(service, "SELECT 'unsent' FROM garenne_outbox").await;
    rows.map(|rows| rows.len()).map_err(|error| format!("the outbox of {service}: {error}"))
}
