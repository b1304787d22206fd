//! Hears every event of some services, to tell when something was said and whether it was said twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ConnectionProperties};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::lasting;

/// The queue behind the ear.
const QUEUE: &str = "audit.ear";

/// Which message ids were heard, by order and event.
pub type Said = BTreeMap<(String, String), BTreeSet<String>>;

/// What was heard.
#[derive(Debug, Default)]
pub struct Heard {
    /// Every event of an order.
    pub said: Said,
    /// When each was heard for the first time.
    pub first: BTreeMap<(String, String), Instant>,
    /// Retries that the services told of.
    pub retries: usize,
}

/// A listener that outlives the broker's outages.
#[derive(Debug)]
pub struct Ear {
    heard: Arc<Mutex<Heard>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Ear {
    /// Binds a queue to everything that these services say on the vhost of an administrator's URL, and listens.
    ///
    /// # Panics
    ///
    /// When the broker refuses.
    pub async fn open(url: &str, services: &[&str]) -> Self {
        let url = url.to_owned();
        let connection = Connection::connect(&url, ConnectionProperties::default()).await.expect("the broker accepts");
        let channel = connection.create_channel().await.expect("a channel opens");
        declare(&channel, services).await.expect("the audit queue is declared");
        let heard = Arc::<Mutex<Heard>>::default();
        let (stop, mut stopped) = watch::channel(false);
        let notes = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            tokio::select! {
                () = listen(&url, &notes) => {}
                _ = stopped.wait_for(|stop| *stop) => {}
            }
        });
        let _ = connection.close(200, "declared".into()).await;
        Self { heard, stop, task }
    }

    /// Listens no more; returns what was heard.
    ///
    /// # Panics
    ///
    /// When listening has.
    pub async fn close(self) -> Heard {
        self.stop.send_replace(true);
        self.task.await.expect("the listener ran to its end");
        std::mem::take(&mut *self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn declare(channel: &Channel, services: &[&str]) -> Result<(), lapin::Error> {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    // Every outage counts as a delivery of what was under way.
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongInt(1_000_000));
    channel.queue_declare(QUEUE.into(), QueueDeclareOptions::durable(), arguments).await?;
    for service in services {
        let exchange = format!("{service}.events");
        let options = QueueBindOptions::default();
        channel.queue_bind(QUEUE.into(), exchange.into(), "#".into(), options, FieldTable::default()).await?;
    }
    Ok(())
}

async fn listen(url: &str, heard: &Mutex<Heard>) {
    loop {
        // Whatever ends it, what was not acknowledged comes again.
        let _ = hear(url, heard).await;
        lasting(Duration::from_millis(300)).await;
    }
}

async fn hear(url: &str, heard: &Mutex<Heard>) -> Result<(), lapin::Error> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.basic_qos(200, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut deliveries = channel.basic_consume(QUEUE.into(), "ear".into(), options, FieldTable::default()).await?;
    while let Some(delivery) = deliveries.next().await {
        let delivery = delivery?;
        note(&delivery, &mut heard.lock().unwrap_or_else(PoisonError::into_inner));
        channel.basic_ack(delivery.delivery_tag, BasicAckOptions::default()).await?;
    }
    Ok(())
}

fn note(delivery: &Delivery, heard: &mut Heard) {
    let event = delivery.routing_key.to_string();
    if event.ends_with(".delivery-retried") {
        heard.retries += 1;
        return;
    }
    let body: Value = serde_json::from_slice(&delivery.data).unwrap_or_default();
    let Some(order) = body["order_id"].as_str() else { return };
    let id = delivery.properties.message_id().as_ref().map(ToString::to_string).unwrap_or_default();
    let said = (order.to_owned(), event);
    heard.first.entry(said.clone()).or_insert_with(Instant::now);
    heard.said.entry(said).or_default().insert(id);
}
