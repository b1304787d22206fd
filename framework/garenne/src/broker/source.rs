//! One consumer: a channel, a subscription to a queue, and the deliveries that come from it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use lapin::message::Delivery;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use super::care::{Care, Turn};
use super::connection::Connected;
use super::link::Loss;
use super::properties::short;
use super::{AckReceipt, Arrived, Beginning, BrokerError, Delivered, Inbound, Retire, Settler};
use crate::topology::Topology;

/// How long the broker may take to say good-bye.
const FAREWELL: Duration = Duration::from_secs(5);

/// What shall be consumed, and by whom. It outlives the connections.
pub(crate) struct Source {
    pub(crate) origin: Origin,
    /// What the management UI calls the consumer.
    pub(crate) consumer_tag: String,
    /// Deliveries that the broker may have under way here. Never 0, which would be no limit. Of a log its beginning says how many.
    pub(crate) prefetch: u16,
    /// The broker forgets a delivery as soon as it is sent. For replies, whose caller waits with a deadline anyway.
    pub(crate) no_ack: bool,
    /// When the service drains: whether it goes on until every handler has ended, since they may wait for what comes here.
    pub(crate) stays: bool,
    /// Before its connection is given up though it is well.
    pub(crate) retire: Option<Retire>,
    /// Takes the deliveries until there are no more, and returns when all of them are dealt with.
    pub(crate) consume: Consume,
}

/// Where deliveries come from.
pub(crate) enum Origin {
    /// A queue of the service, shared by its replicas.
    Queue(String),
    /// A queue that belongs to the connection and is declared on it. Its name takes the given word, a new one for
    /// each connection: while a dying connection still holds the old name, it cannot be declared again.
    Exclusive(Box<dyn Fn(&str) -> Topology + Send + Sync>),
    /// A log, which keeps what is read. Acknowledging an entry asks for another one; none may be handed back.
    Log { queue: String, begin: Begin },
}

/// Says how a subscription to a log begins, each time anew, when messages have broken so many connections. It may take its
/// time.
pub(super) type Begin = Arc<dyn Fn(u64) -> BoxFuture<'static, Beginning> + Send + Sync>;

pub(crate) type Consume = Arc<dyn Fn(Intake) -> BoxFuture<'static, ()> + Send + Sync>;

/// The deliveries of one subscription, until it is cancelled or the channel is lost.
pub(crate) struct Intake {
    queue: String,
    prefetch: u16,
    consumer: Consumer,
    channel: Channel,
    settler: Settler,
    drain: watch::Receiver<Option<Instant>>,
    cancelled: bool,
    /// The client's stream pends for ever when it is asked again after its end.
    ended: bool,
    careful: Option<Careful>,
    /// Whether the subscription is to end for one with more than one delivery at a time.
    widens: bool,
    end: Arc<Mutex<End>>,
}

/// Why a subscription ended.
enum End {
    /// It was cancelled from here.
    Cancelled,
    Lost(Loss),
}

/// A consumer that takes one delivery at a time.
struct Careful {
    care: Arc<Care>,
    consumer: String,
    /// Deliveries that have come.
    come: u32,
    /// So many of them have to succeed.
    wanted: u32,
    /// While others wait for it.
    turn: Option<Turn>,
}

impl Source {
    /// Consumes until the service drains (`Ok`) or the subscription is lost. The broker may take so long to answer to it.
    pub(super) async fn run(
        self: Arc<Self>,
        connection: Arc<Connected>,
        queue: String,
        care: Arc<Care>,
        patience: Duration,
        mut drain: watch::Receiver<Option<Instant>>,
        started: mpsc::Sender<()>,
    ) -> Result<(), Loss> {
        loop {
            let one_at_a_time = !self.no_ack && care.is_due(&self.consumer_tag);
            let (whole, arguments) = match &self.origin {
                Origin::Log { begin, .. } => tokio::select! {
                    Beginning { offset, prefetch } = begin(care.broken_so_far()) => (prefetch, offset.argument()),
                    _ = drain.wait_for(Option::is_some) => return Ok(()),
                },
                Origin::Queue(_) | Origin::Exclusive(_) => (self.prefetch, FieldTable::default()),
            };
            let mut turn = tokio::select! {
                turn = care.turn(), if one_at_a_time => Some(turn),
                _ = drain.wait_for(Option::is_some), if one_at_a_time => return Ok(()),
                else => None,
            };
            let prefetch = if one_at_a_time { 1 } else { whole };
            let (channel, consumer) = self.subscribe(&connection, &queue, prefetch, patience, arguments).await?;
            turn.iter_mut().for_each(Turn::begin);
            let _ = started.try_send(());
            let (settler, settling) = if self.no_ack {
                (Settler::none(), None)
            } else {
                let (settler, settling) = Settler::start(channel.clone());
                (settler, Some(settling))
            };
            let end = Arc::new(Mutex::new(End::Cancelled));
            let intake = Intake {
                queue: queue.clone(),
                prefetch,
                consumer,
                channel: channel.clone(),
                settler,
                drain: drain.clone(),
                cancelled: false,
                ended: false,
                careful: one_at_a_time.then(|| Careful {
                    care: Arc::clone(&care),
                    consumer: self.consumer_tag.clone(),
                    come: 0,
                    wanted: u32::from(whole),
                    turn,
                }),
                widens: false,
                end: Arc::clone(&end),
            };
            (self.consume)(intake).await;
            let end = std::mem::replace(&mut *end.lock().unwrap_or_else(PoisonError::into_inner), End::Cancelled);
            if let End::Lost(loss) = end {
                // What is still settled now is void: the broker delivers it again.
                settling.inspect(JoinHandle::abort);
                return Err(loss);
            }
            // Every receipt is gone now, so the settler writes the last frame and ends.
            if let Some(settling) = settling {
                let _ = settling.await;
            }
            if channel.status().connected() {
                let _ = timeout(FAREWELL, channel.close(200, "drained".into())).await;
            }
            if drain.borrow_and_update().is_some() {
                return Ok(());
            }
        }
    }

    async fn subscribe(
        &self,
        connection: &Connection,
        name: &str,
        prefetch: u16,
        patience: Duration,
        arguments: FieldTable,
    ) -> Result<(Channel, Consumer), Loss> {
        let subscribe = async {
            let channel = connection.create_channel().await?;
            channel.basic_qos(prefetch, BasicQosOptions { global: false }).await?;
            let options = BasicConsumeOptions { no_ack: self.no_ack, ..Default::default() };
            let too_long =
                |_| lapin::Error::from(std::io::Error::other("a queue's name or a consumer's tag is too long"));
            let queue = short("the queue's name", name).map_err(too_long)?;
            let tag = short("the consumer's tag", &self.consumer_tag).map_err(too_long)?;
            let consumer = channel.basic_consume(queue, tag, options, arguments).await?;
            Ok::<_, lapin::Error>((channel, consumer))
        };
        // A subscription that was abandoned half-way would swallow messages; the caller drops the connection.
        match timeout(patience, subscribe).await {
            Ok(subscribed) => subscribed.map_err(|error| Loss::of(&error)),
            Err(_) => {
                let error = BrokerError::Late { what: format!("the subscription to queue {name}"), waited: patience };
                Err(Loss { error, poison: false })
            }
        }
    }
}

impl Intake {
    /// The queue that the deliveries come from.
    pub(crate) fn queue(&self) -> &str {
        &self.queue
    }

    /// How many deliveries may be under way.
    pub(crate) fn prefetch(&self) -> u16 {
        self.prefetch
    }

    /// Whether it takes one delivery at a time, because a message has broken a connection.
    pub(crate) fn is_careful(&self) -> bool {
        self.careful.is_some()
    }

    /// The next delivery. `None` when there are no more: the service drains, or the channel is lost. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<Delivered> {
        if self.ended {
            return None;
        }
        if std::mem::take(&mut self.widens) {
            self.cancel().await;
        }
        let delivery = loop {
            let deadline = *self.drain.borrow_and_update();
            if let Some(deadline) = deadline {
                self.cancel().await;
                // What the broker had sent before is still in the client's buffer.
                break timeout_at(deadline, self.consumer.next()).await.unwrap_or_default();
            }
            tokio::select! {
                // What rarely happens is not looked at while deliveries are there. The next call looks again.
                biased;
                delivery = self.consumer.next() => break delivery,
                _ = self.drain.changed() => {}
            }
        };
        match delivery {
            Some(Ok(delivery)) => {
                self.note_success();
                Some(delivered(delivery, &self.settler))
            }
            Some(Err(error)) => self.lost(Loss::of(&error)),
            None if self.cancelled => {
                self.ended = true;
                None
            }
            // Perhaps because the queue was deleted.
            None => self.lost(Loss::because(format!("the broker cancelled the consumer of {}", self.queue))),
        }
    }

    /// Becomes the deadline once the service shall drain.
    pub(crate) fn drain(&self) -> watch::Receiver<Option<Instant>> {
        self.drain.clone()
    }

    /// Asks the broker for no more deliveries. What it had sent already still comes.
    pub(crate) async fn cancel(&mut self) {
        if !std::mem::replace(&mut self.cancelled, true) {
            let tag = self.consumer.tag();
            let _ = timeout(FAREWELL, self.channel.basic_cancel(tag, BasicCancelOptions::default())).await;
        }
    }

    /// With one delivery at a time, the next one comes only after the one before it was acknowledged. It waits for nothing: a caller
    /// that gives up while a delivery is here would lose it.
    fn note_success(&mut self) {
        let Some(careful) = &mut self.careful else { return };
        if careful.come > 0 {
            careful.care.succeeded();
            careful.turn = None;
        } else if let Some(turn) = &careful.turn {
            turn.go_on();
        }
        careful.come += 1;
        if careful.come > careful.wanted {
            careful.care.relax(&careful.consumer);
            self.careful = None;
            self.widens = true;
        }
    }

    fn lost(&mut self, loss: Loss) -> Option<Delivered> {
        self.ended = true;
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = End::Lost(loss);
        None
    }
}

fn delivered(delivery: Delivery, settler: &Settler) -> Delivered {
    let receipt = AckReceipt::new(delivery.delivery_tag, settler);
    Delivered { inbound: inbound(delivery), receipt }
}

pub(super) fn inbound(delivery: Delivery) -> Inbound {
    Inbound {
        exchange: delivery.exchange.into(),
        routing_key: delivery.routing_key.into(),
        redelivered: delivery.redelivered,
        properties: Arrived::of(delivery.properties),
        body: delivery.data,
    }
}
