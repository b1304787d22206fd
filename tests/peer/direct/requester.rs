//! Sends requests and matches their replies by correlation id.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::Consumer;
use lapin::options::BasicConsumeOptions;
use lapin::types::FieldTable;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::timeout;
use uuid::Uuid;

use super::messages::Manner;
use super::{Publisher, connect, topology};
use crate::contract::{CheckStock, StockLevel};
use crate::load::{self, Fate};
use crate::orders;

/// Who waits for which reply.
#[derive(Default)]
struct Waiting(Mutex<HashMap<String, oneshot::Sender<Vec<u8>>>>);

/// One caller's place.
struct Place<'a> {
    waiting: &'a Waiting,
    id: String,
}

struct Requester {
    publisher: Publisher,
    waiting: Arc<Waiting>,
    reply_to: String,
    manner: Manner,
}

pub(super) async fn ask() -> Result<(), lapin::Error> {
    let (connection, publishing) = connect().await?;
    let channel = connection.create_channel().await?;
    let reply_to = topology::for_replies(&channel).await?;
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let queue = reply_to.as_str().into();
    let replies = channel.basic_consume(queue, "".into(), options, FieldTable::default()).await?;
    let waiting = Arc::<Waiting>::default();
    let hearing = tokio::spawn(hear(replies, Arc::clone(&waiting)));
    let requester = Arc::new(Requester {
        publisher: Publisher::open(publishing.as_ref().unwrap_or(&connection)).await?,
        waiting,
        reply_to,
        manner: Manner::of_this_process(),
    });
    let mut orders = orders::loads();
    while let Some(load) = orders.recv().await {
        let requester = Arc::clone(&requester);
        let call = move |number, patience| {
            let requester = Arc::clone(&requester);
            async move { requester.call(number, patience).await }
        };
        orders::say(&json!(load::run(&load, call).await));
    }
    hearing.abort();
    Ok(())
}

async fn hear(mut replies: Consumer, waiting: Arc<Waiting>) {
    while let Some(Ok(reply)) = replies.next().await {
        let id = reply.properties.correlation_id().as_ref().map(|id| id.as_str()).unwrap_or_default();
        if let Some(caller) = waiting.take(id) {
            let _ = caller.send(reply.data);
        }
    }
}

impl Requester {
    async fn call(&self, number: u32, patience: Duration) -> Fate {
        match timeout(patience, self.exchange(number, patience)).await {
            Ok(fate) => fate,
            Err(_) => Err("timeout"),
        }
    }

    async fn exchange(&self, number: u32, patience: Duration) -> Fate {
        let id = Uuid::now_v7().to_string();
        let (sender, mut reply) = oneshot::channel();
        let _place = self.waiting.place(&id, sender);
        let properties = self.manner.request(&id, &self.reply_to, patience);
        let body = serde_json::to_vec(&CheckStock::about(number)).unwrap_or_default();
        let publish = self.publisher.publish(topology::REQUESTS, topology::CHECK_STOCK, &body, properties);
        let mut publish = std::pin::pin!(publish);
        let mut confirmed = false;
        let reply = loop {
            tokio::select! {
                biased;
                reply = &mut reply => break reply.map_err(|_| "disconnected")?,
                routed = &mut publish, if !confirmed => {
                    confirmed = routed.map_err(|_| "publish")?;
                    if !confirmed {
                        return Err("nobody there");
                    }
                }
            }
        };
        let level: StockLevel = serde_json::from_slice(&reply).map_err(|_| "other")?;
        Ok(level.belongs_to(number))
    }
}

impl Waiting {
    fn place(&self, id: &str, sender: oneshot::Sender<Vec<u8>>) -> Place<'_> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), sender);
        Place { waiting: self, id: id.to_owned() }
    }

    fn take(&self, id: &str) -> Option<oneshot::Sender<Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.waiting.take(&self.id);
    }
}
