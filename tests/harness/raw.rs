//! A foreign client: AMQP as anybody may speak it, without this library.

use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{
    BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions,
    QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer, ExchangeKind};

use crate::{PATIENCE, Vhost, eventually};

/// One connection with one confirming channel.
#[derive(Debug)]
pub struct Raw {
    connection: Connection,
    channel: Channel,
}

impl Raw {
    /// Connects as the administrator.
    ///
    /// # Panics
    ///
    /// When the broker refuses.
    pub async fn connect(vhost: &Vhost) -> Self {
        Self::connect_to(&vhost.url()).await
    }

    /// Connects to a URL.
    ///
    /// # Panics
    ///
    /// When the broker refuses.
    pub async fn connect_to(url: &str) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default()).await.expect("the broker accepts");
        let channel = connection.create_channel().await.expect("a channel opens");
        channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
        Self { connection, channel }
    }

    /// The channel, for what has no method here.
    #[must_use]
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    /// The connection, for what has no method here.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Publishes a body and nothing else.
    ///
    /// # Panics
    ///
    /// As [`Raw::publish_with`].
    pub async fn publish(&self, exchange: &str, key: &str, body: impl AsRef<[u8]>) {
        self.publish_with(exchange, key, body, BasicProperties::default()).await;
    }

    /// Publishes a body with properties.
    ///
    /// # Panics
    ///
    /// When no queue takes it or the broker does not confirm it.
    pub async fn publish_with(&self, exchange: &str, key: &str, body: impl AsRef<[u8]>, properties: BasicProperties) {
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let publish = self.channel.basic_publish(exchange.into(), key.into(), options, body.as_ref(), properties);
        let confirmation = publish.await.expect("published").await.expect("confirmed");
        assert!(matches!(confirmation, Confirmation::Ack(None)), "{exchange} {key}: {confirmation:?}");
    }

    /// Publishes a body that the broker has to refuse, and gives its reason. The channel is closed then.
    ///
    /// # Panics
    ///
    /// When the broker takes it.
    pub async fn refused(&self, exchange: &str, key: &str, body: &[u8]) -> String {
        let options = BasicPublishOptions::default();
        let publish =
            self.channel.basic_publish(exchange.into(), key.into(), options, body, BasicProperties::default());
        match publish.await {
            Ok(confirm) => confirm.await.expect_err("refused").to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Declares a durable topic exchange.
    ///
    /// # Panics
    ///
    /// When the broker refuses.
    pub async fn exchange(&self, name: &str) {
        let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
        let declare = self.channel.exchange_declare(name.into(), ExchangeKind::Topic, options, FieldTable::default());
        declare.await.expect("declared");
    }

    /// Declares a durable classic queue and binds it.
    ///
    /// # Panics
    ///
    /// When the broker refuses.
    pub async fn queue(&self, name: &str, exchange: &str, key: &str) {
        let declare = self.channel.queue_declare(name.into(), QueueDeclareOptions::durable(), FieldTable::default());
        declare.await.expect("declared");
        let bind = self.channel.queue_bind(
            name.into(),
            exchange.into(),
            key.into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        bind.await.expect("bound");
    }

    /// Declares a queue of the broker's making, for replies to this connection alone.
    ///
    /// # Panics
    ///
    /// When the broker refuses.
    pub async fn replies(&self) -> String {
        let declare = self.channel.queue_declare("".into(), QueueDeclareOptions::exclusive(), FieldTable::default());
        declare.await.expect("declared").name().to_string()
    }

    /// Waits for a message of a queue and takes it.
    ///
    /// # Panics
    ///
    /// When none comes in time.
    pub async fn take(&self, queue: &str) -> Delivery {
        eventually(&format!("a message in {queue}"), || async {
            let got = self.channel.basic_get(queue.into(), BasicGetOptions { no_ack: true }).await;
            got.expect("the queue exists")
                .map(|message| message.delivery)
                .ok_or_else(|| "the queue is empty".to_owned())
        })
        .await
    }

    /// Messages that are ready in a queue now.
    ///
    /// # Panics
    ///
    /// When there is no such queue.
    pub async fn ready(&self, queue: &str) -> u32 {
        let options = QueueDeclareOptions { passive: true, ..Default::default() };
        let declared = self.channel.queue_declare(queue.into(), options, FieldTable::default()).await;
        declared.expect("the queue exists").message_count()
    }

    /// Subscribes without acknowledgements.
    ///
    /// # Panics
    ///
    /// When the broker refuses.
    pub async fn consume(&self, queue: &str) -> Consumer {
        let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
        let consume = self.channel.basic_consume(queue.into(), "".into(), options, FieldTable::default());
        consume.await.expect("subscribed")
    }

    /// The next delivery of a subscription.
    ///
    /// # Panics
    ///
    /// When none comes in time.
    pub async fn next(&self, consumer: &mut Consumer) -> Delivery {
        let next = tokio::time::timeout(PATIENCE, consumer.next()).await;
        next.expect("a delivery comes in time").expect("the subscription lives").expect("the channel lives")
    }

    /// The text of a header.
    #[must_use]
    pub fn header(delivery: &Delivery, name: &str) -> Option<String> {
        let headers = delivery.properties.headers().as_ref()?;
        match headers.inner().get(name)? {
            lapin::types::AMQPValue::LongString(text) => Some(text.to_string()),
            lapin::types::AMQPValue::LongLongInt(number) => Some(number.to_string()),
            other => Some(format!("{other:?}")),
        }
    }

    /// Closes the connection.
    pub async fn close(self) {
        let _ = tokio::time::timeout(Duration::from_secs(5), self.connection.close(200, "done".into())).await;
    }
}
