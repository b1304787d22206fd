//! Declares a topology, and says of each object that the broker refuses what is wrong with it.

use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, ExchangeKind as LapinKind};
use tokio::time::timeout;

use super::connection::Connected;
use super::error::protocol;
use super::properties::short;
use super::{Address, BrokerError, Drift};
use crate::topology::{Argument, Binding, Exchange, ExchangeKind, Queue, Topology};

/// Declares everything it can and then reports what it could not: every drift at once, or else the first other trouble.
///
/// A refused declare costs its channel, so the next one gets a new channel. Each step may take as long as `patience`.
pub(super) async fn declare(
    connection: &Connected,
    address: &Address,
    topology: &Topology,
    patience: Duration,
) -> Result<(), BrokerError> {
    let mut work = Declaring { connection, address, patience, channel: None, drifts: Vec::new(), absent: None };
    for exchange in &topology.exchanges {
        let done = work.exchange(exchange).await;
        work.note("exchange", &exchange.name, done)?;
    }
    for queue in &topology.queues {
        let done = work.queue(queue).await;
        work.note("queue", &queue.name, done)?;
    }
    for binding in &topology.bindings {
        let done = work.binding(binding).await;
        work.note_binding(binding, done)?;
    }
    if !work.drifts.is_empty() {
        return Err(BrokerError::Drift(work.drifts));
    }
    work.absent.map_or(Ok(()), |exchange| Err(BrokerError::OwnerAbsent { exchange }))
}

struct Declaring<'a> {
    connection: &'a Connected,
    address: &'a Address,
    patience: Duration,
    channel: Option<Channel>,
    drifts: Vec<Drift>,
    absent: Option<String>,
}

impl Declaring<'_> {
    async fn channel(&mut self) -> Result<Channel, lapin::Error> {
        if let Some(channel) = &self.channel {
            return Ok(channel.clone());
        }
        let channel = self.connection.create_channel().await?;
        self.channel = Some(channel.clone());
        Ok(channel)
    }

    async fn exchange(&mut self, exchange: &Exchange) -> Declared {
        let mut arguments = FieldTable::default();
        if let Some(alternate) = &exchange.alternate {
            arguments.insert("alternate-exchange".into(), AMQPValue::LongString(alternate.as_str().into()));
        }
        let kind = match exchange.kind {
            ExchangeKind::Direct => LapinKind::Direct,
            ExchangeKind::Fanout => LapinKind::Fanout,
            ExchangeKind::Topic => LapinKind::Topic,
        };
        let name = name(&exchange.name)?;
        let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
        let (connection, patience) = (self.connection, self.patience);
        in_time(connection, patience, async {
            self.channel().await?.exchange_declare(name, kind, options, arguments).await
        })
        .await
    }

    async fn queue(&mut self, queue: &Queue) -> Declared {
        let mut arguments = FieldTable::default();
        for (key, value) in &queue.arguments {
            let value = match value {
                Argument::Integer(number) => AMQPValue::LongLongInt(*number),
                Argument::Text(text) => AMQPValue::LongString(text.as_str().into()),
            };
            arguments.insert((*key).into(), value);
        }
        let name = name(&queue.name)?;
        let options = if queue.exclusive { QueueDeclareOptions::exclusive() } else { QueueDeclareOptions::durable() };
        let (connection, patience) = (self.connection, self.patience);
        in_time(connection, patience, async {
            self.channel().await?.queue_declare(name, options, arguments).await.map(drop)
        })
        .await
    }

    async fn binding(&mut self, binding: &Binding) -> Declared {
        let (queue, exchange, key) = (name(&binding.queue)?, name(&binding.exchange)?, name(&binding.key)?);
        let options = QueueBindOptions::default();
        let (connection, patience) = (self.connection, self.patience);
        in_time(connection, patience, async {
            self.channel().await?.queue_bind(queue, exchange, key, options, FieldTable::default()).await
        })
        .await
    }

    /// Sorts a failure: a drift is collected, anything else ends the work.
    fn note(&mut self, object: &'static str, name: &str, done: Declared) -> Result<(), BrokerError> {
        let Err(error) = done else { return Ok(()) };
        self.channel = None;
        match error.protocol() {
            Some((AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED), text)) => {
                let difference = text.trim_start_matches("PRECONDITION_FAILED - ").to_owned();
                let vhost = self.address.vhost().to_owned();
                self.drifts.push(Drift { object, name: name.to_owned(), vhost, difference });
                Ok(())
            }
            Some((AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED), reason)) => {
                Err(BrokerError::Right { user: self.address.user().to_owned(), reason })
            }
            _ if matches!(error, Trouble::Late) => {
                Err(BrokerError::Late { what: format!("{object} {name}"), waited: self.patience })
            }
            _ => Err(BrokerError::Lost(format!("declaring {object} {name}: {error}"))),
        }
    }

    fn note_binding(&mut self, binding: &Binding, done: Declared) -> Result<(), BrokerError> {
        let missing = done.as_ref().err().and_then(Trouble::protocol);
        match missing {
            Some((AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND), text)) if text.contains("no exchange") => {
                self.channel = None;
                self.absent.get_or_insert_with(|| binding.exchange.clone());
                Ok(())
            }
            _ => self.note("queue", &binding.queue, done),
        }
    }
}

type Declared = Result<(), Trouble>;

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Client(#[from] lapin::Error),
    #[error("no answer")]
    Late,
    #[error("the connection ended before the answer")]
    Lost,
    #[error("{0}")]
    TooLong(#[from] super::properties::TooLongForTheWire),
}

impl Trouble {
    fn protocol(&self) -> Option<(AMQPErrorKind, String)> {
        match self {
            Self::Client(error) => protocol(error),
            Self::Late | Self::Lost | Self::TooLong(_) => None,
        }
    }
}

async fn in_time(
    connection: &Connected,
    patience: Duration,
    work: impl Future<Output = Result<(), lapin::Error>>,
) -> Declared {
    tokio::select! {
        biased;
        done = timeout(patience, work) => done.map_err(|_| Trouble::Late)?.map_err(Trouble::from),
        () = connection.lost() => Err(Trouble::Lost),
    }
}

fn name(text: &str) -> Result<ShortString, Trouble> {
    Ok(short("a name in the topology", text)?)
}
