//! Whether a shop has anything left to do.

use std::time::{Duration, Instant};

use rabbitmq_node::Management;
use serde_json::Value;

use crate::books::Books;
use crate::{CONSUMERS, blocking, lasting};

/// The management's numbers are up to 5 s old: the same must be seen so often, so far apart.
const LOOKS: u32 = 3;
const APART: Duration = Duration::from_secs(3);

/// A queue as the management sees it.
#[derive(Debug)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Whether it belongs to a connection.
    pub exclusive: bool,
    /// Ready, under way, or waiting to be dead-lettered.
    pub messages: u64,
}

/// Every queue of a vhost but the logs, which keep what is read; none while the broker does not tell.
pub async fn queues(management: &Management, vhost: &str) -> Vec<Queue> {
    let (management, path) = (management.clone(), format!("queues/{}", Management::segment(vhost)));
    let told = blocking(move || management.get(&path)).await.unwrap_or_default();
    let number = |queue: &Value, key: &str| queue[key].as_u64().unwrap_or(0);
    let queue = |queue: &Value| {
        if queue["type"] == "stream" {
            return None;
        }
        Some(Queue {
            name: queue["name"].as_str()?.to_owned(),
            exclusive: queue["exclusive"] == true || queue["owner_pid_details"].is_object(),
            messages: number(queue, "messages") + number(queue, "messages_dlx"),
        })
    };
    told.as_array().map(|all| all.iter().filter_map(queue).collect()).unwrap_or_default()
}

/// Returns, with how long it took, once so many orders have ended, every queue is empty but for dead letters, every event has left its
/// outbox, and `analytics` counts what the orders say.
///
/// # Errors
///
/// When that does not come within `limit`: what is left.
pub async fn rest(
    management: &Management,
    vhost: &str,
    books: &Books,
    orders: usize,
    limit: Duration,
) -> Result<Duration, String> {
    let started = Instant::now();
    let mut quiet = 0;
    loop {
        match look(management, vhost, books, orders).await {
            Ok(()) => quiet += 1,
            Err(busy) if started.elapsed() > limit => return Err(busy),
            Err(_) => quiet = 0,
        }
        if quiet == LOOKS {
            return Ok(started.elapsed());
        }
        lasting(APART).await;
    }
}

async fn look(management: &Management, vhost: &str, books: &Books, wanted: usize) -> Result<(), String> {
    let told = queues(management, vhost).await;
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
    if ended < wanted || mails < due {
        return Err(format!("{ended} of {wanted} orders have ended, {mails} of {due} mails are sent"));
    }
    for service in CONSUMERS {
        let unsent = books.unsent(service).await.map_err(|error| format!("the outbox of {service}: {error}"))?;
        if unsent > 0 {
            return Err(format!("{service} has {unsent} events in its outbox"));
        }
    }
    let differ = books.sales_differ().await.map_err(|error| error.to_string())?;
    if differ.is_empty() { Ok(()) } else { Err(format!("analytics counts otherwise: {}", differ.join(", "))) }
}
