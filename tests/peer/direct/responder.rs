//! Takes requests, replies, and acknowledges what is replied to.

use std::sync::Arc;

use futures_util::StreamExt as _;
use lapin::Channel;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use tokio::task::JoinSet;

use super::messages::Manner;
use super::{Publisher, connect, topology};
use crate::contract::CheckStock;
use crate::orders;

/// As the library has by default for 64 handlers.
const PREFETCH: u16 = 128;

pub(super) async fn answer() -> Result<(), lapin::Error> {
    let (connection, publishing) = connect().await?;
    let channel = connection.create_channel().await?;
    topology::for_requests(&channel).await?;
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let options = BasicConsumeOptions::default();
    let mut requests = channel.basic_consume(topology::WORK.into(), "".into(), options, FieldTable::default()).await?;
    let publisher = Arc::new(Publisher::open(publishing.as_ref().unwrap_or(&connection)).await?);
    let manner = Manner::of_this_process();
    let _reporting = orders::report_use();
    let mut running = JoinSet::new();
    while let Some(request) = requests.next().await {
        let (request, channel, publisher) = (request?, channel.clone(), Arc::clone(&publisher));
        while running.try_join_next().is_some() {}
        running.spawn(async move {
            if let Err(error) = reply(&request, &channel, &publisher, manner).await {
                eprintln!("{error}");
            }
        });
    }
    Ok(())
}

async fn reply(
    request: &Delivery,
    channel: &Channel,
    publisher: &Publisher,
    manner: Manner,
) -> Result<(), lapin::Error> {
    let properties = &request.properties;
    let (Some(address), Some(id)) = (properties.reply_to(), properties.correlation_id()) else { return Ok(()) };
    if let Ok(ask) = serde_json::from_slice::<CheckStock>(&request.data) {
        let body = serde_json::to_vec(&ask.answer()).unwrap_or_default();
        let properties = manner.reply(properties, id);
        publisher.publish(topology::REPLIES, address.as_str(), &body, properties).await?;
    }
    channel.basic_ack(request.delivery_tag, BasicAckOptions::default()).await
}
