//! Replies that come to the channel on which their requests were sent: the broker's direct reply-to.
//!
//! They belong to that channel. When it is lost, so are they.

use std::future::pending;
use std::sync::Arc;

use futures_util::StreamExt as _;
use lapin::options::BasicConsumeOptions;
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};

use super::source::inbound;
use super::{Inbound, Retire};

/// The broker puts the channel's own address in its place.
pub(crate) const DIRECT_REPLY_TO: &str = "amq.rabbitmq.reply-to";

/// Who hears the replies of a lane.
pub(crate) struct Direct {
    /// From now on replies can come.
    pub(crate) opened: Box<dyn Fn() + Send + Sync>,
    pub(crate) deliver: Box<dyn Fn(Inbound) + Send + Sync>,
    /// Replies to what was sent do not come any more.
    pub(crate) closed: Box<dyn Fn() + Send + Sync>,
    /// Before the channel is given up though it is well.
    pub(crate) retire: Retire,
}

/// The replies of one channel.
pub(super) struct DirectReplies {
    hearer: Arc<Direct>,
    consumer: Consumer,
}

impl DirectReplies {
    /// Subscribes, which has to come before the first request.
    pub(super) async fn subscribe(channel: &Channel, hearer: Arc<Direct>) -> Result<Self, lapin::Error> {
        let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
        let consume = channel.basic_consume(DIRECT_REPLY_TO.into(), "".into(), options, FieldTable::default());
        let consumer = consume.await?;
        (hearer.opened)();
        Ok(Self { hearer, consumer })
    }

    /// Waits for replies and hands over all that are there. Ends when no more will come. Cancel-safe.
    async fn hear(&mut self) {
        while let Some(Ok(delivery)) = self.consumer.next().await {
            (self.hearer.deliver)(inbound(delivery));
        }
    }
}

impl Drop for DirectReplies {
    fn drop(&mut self) {
        (self.hearer.closed)();
    }
}

/// Ends when there were replies to hear and no more will come, and they are gone then.
pub(super) async fn hear(replies: &mut Option<DirectReplies>) {
    match replies {
        Some(some) => some.hear().await,
        None => pending().await,
    }
    *replies = None;
}
