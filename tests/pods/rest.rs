//! Waits until the shop has nothing left to do.

use std::time::{Duration, Instant};

use rabbitmq_node::Management;
use serde_json::Value;
use tests::books::Books;
use tests::{CONSUMERS, lasting};

use crate::load::Ledger;
use crate::podman::blocking;

/// How long the shop may take after the last order.
const LIMIT: Duration = Duration::from_secs(90);
/// The management's numbers are up to 5 s old: the same must be seen so often, so far apart.
const LOOKS: u32 = 3;
const APART: Duration = Duration::from_secs(3);

/// Returns once every order has ended, every queue is empty but for dead letters, and every event has left its outbox. When that does
/// not come, says what is left.
pub(crate) async fn rest(management: &Management, books: &Books, ledger: &Ledger) -> Result<Duration, String> {
    let started = Instant::now();
    let mut quiet = 0;
    loop {
        match look(management, books, ledger).await {
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

async fn look(management: &Management, books: &Books, ledger: &Ledger) -> Result<(), String> {
    let busy = full(management, |name| !name.ends_with(".dlq")).await?;
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
    for service in CONSUMERS {
        let unsent = books.column(service, "SELECT 'unsent' FROM garenne_outbox").await;
        let unsent = unsent.map_err(|error| format!("the outbox of {service}: {error}"))?;
        if !unsent.is_empty() {
            return Err(format!("{service} has {} events in its outbox", unsent.len()));
        }
    }
    let differ = books.sales_differ().await.map_err(|error| error.to_string())?;
    if differ.is_empty() { Ok(()) } else { Err(format!("analytics counts otherwise: {}", differ.join(", "))) }
}

/// The queues of this kind that hold messages, each with how many. Logs are left out: they keep what is read.
pub(crate) async fn full(management: &Management, kind: fn(&str) -> bool) -> Result<Vec<String>, String> {
    let management = management.clone();
    let told = blocking(move || management.get("queues/%2F")).await.map_err(|error| error.to_string())?;
    let queues = told.as_array().filter(|queues| !queues.is_empty()).ok_or("the broker does not tell its queues")?;
    let messages = |queue: &Value| {
        let number = |key: &str| queue[key].as_u64().unwrap_or(0);
        number("messages") + number("messages_dlx")
    };
    let full = queues.iter().filter(|queue| queue["type"] != "stream" && messages(queue) > 0);
    let named = full.filter_map(|queue| Some((queue["name"].as_str()?, messages(queue))));
    Ok(named.filter(|(name, _)| kind(name)).map(|(name, count)| format!("{name} has {count} messages")).collect())
}
