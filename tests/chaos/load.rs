//! The customers: submits checkouts at a steady pace and notes what the broker has confirmed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contracts::storefront::CheckoutSubmitted;
use garenne_contract::Event as _;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::Value;
use tests::{Vhost, lasting};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, timeout};
use uuid::Uuid;

use crate::customers::{Customer, Visit};

/// How long the broker may take to confirm: longer than any alarm of a run.
const CONFIRM: Duration = Duration::from_secs(30);
/// How many later orders come before an earlier one is forged, so that the original is there first.
const FORGED_AFTER: usize = 200;

/// What was submitted and confirmed.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) orders: BTreeMap<String, Customer>,
    /// The message ids of bodies that are no checkouts.
    pub(crate) nonsense: BTreeSet<String>,
    /// The message ids of an order and its forgery: one of them is a dead letter.
    pub(crate) forged: Vec<[String; 2]>,
    /// Submissions that were sent again because their confirm never came.
    pub(crate) resent: usize,
    earlier: VecDeque<(String, Value)>,
}

/// Customers at work.
#[derive(Debug)]
pub(crate) struct Load {
    ledger: Arc<Mutex<Ledger>>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Load {
    /// Lets customers in, so many each second. While the broker takes nothing, they wait.
    pub(crate) fn start(vhost: &Vhost, seed: u64, per_second: f64) -> Self {
        let ledger = Arc::<Mutex<Ledger>>::default();
        let (stop, stopped) = watch::channel(false);
        let desk = Desk { url: vhost.url_of("storefront", "storefront"), channel: None, ledger: Arc::clone(&ledger) };
        // The faults of the same seed draw from another sequence.
        let random = StdRng::seed_from_u64(seed.wrapping_mul(31).wrapping_add(17));
        let task = tokio::spawn(desk.serve(random, per_second, stopped));
        Self { ledger, stop, task }
    }

    /// Orders that were confirmed so far.
    pub(crate) fn confirmed(&self) -> usize {
        lock(&self.ledger).orders.len()
    }

    /// Lets nobody in any more; returns what was confirmed.
    pub(crate) async fn stop(self) -> Ledger {
        self.stop.send_replace(true);
        self.task.await.expect("the load ran to its end");
        std::mem::take(&mut *lock(&self.ledger))
    }
}

/// Where the checkouts are handed over.
struct Desk {
    url: String,
    channel: Option<(Connection, Channel)>,
    ledger: Arc<Mutex<Ledger>>,
}

impl Desk {
    async fn serve(mut self, mut random: StdRng, per_second: f64, stopped: watch::Receiver<bool>) {
        let mut pace = tokio::time::interval(Duration::from_secs_f64(1.0 / per_second));
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !*stopped.borrow() {
            pace.tick().await;
            let message_id = Uuid::now_v7().to_string();
            match Visit::next(&mut random) {
                Visit::Order { id, customer, body } => {
                    self.submit(&message_id, body.to_string().as_bytes()).await;
                    let mut ledger = lock(&self.ledger);
                    ledger.orders.insert(id, customer);
                    ledger.earlier.push_back((message_id, body));
                    if ledger.earlier.len() > FORGED_AFTER {
                        ledger.earlier.pop_front();
                    }
                }
                Visit::Nonsense(body) => {
                    self.submit(&message_id, body.as_bytes()).await;
                    lock(&self.ledger).nonsense.insert(message_id);
                }
                Visit::Forgery => {
                    let original = {
                        let mut ledger = lock(&self.ledger);
                        if ledger.earlier.len() < FORGED_AFTER { None } else { ledger.earlier.pop_front() }
                    };
                    let Some((original, mut body)) = original else { continue };
                    body["customer"]["name"] = "Somebody Else".into();
                    self.submit(&message_id, body.to_string().as_bytes()).await;
                    lock(&self.ledger).forged.push([original, message_id]);
                }
            }
        }
        if let Some((connection, _)) = self.channel.take() {
            let _ = timeout(Duration::from_secs(5), connection.close(200, "closing time".into())).await;
        }
    }

    /// Sends until it is confirmed, always with the same id.
    async fn submit(&mut self, message_id: &str, body: &[u8]) {
        let mut failed = 0_u32;
        while !matches!(timeout(CONFIRM, self.attempt(message_id, body)).await, Ok(Ok(()))) {
            self.channel = None;
            failed += 1;
            lasting(Duration::from_millis(100)).await;
        }
        lock(&self.ledger).resent += usize::from(failed > 0);
    }

    /// One message at a time: the client confuses the confirms of several.
    async fn attempt(&mut self, message_id: &str, body: &[u8]) -> Result<(), lapin::Error> {
        if self.channel.is_none() {
            let connection = Connection::connect(&self.url, ConnectionProperties::default()).await?;
            let channel = connection.create_channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            self.channel = Some((connection, channel));
        }
        let (_, channel) = self.channel.as_ref().expect("just opened");
        let name = CheckoutSubmitted::NAME.as_str();
        let properties = BasicProperties::default()
            .with_message_id(message_id.into())
            .with_type(name.into())
            .with_content_type("application/json".into())
            .with_delivery_mode(2);
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let publish = channel.basic_publish("storefront.events".into(), name.into(), options, body, properties);
        match publish.await?.await? {
            Confirmation::Ack(None) => Ok(()),
            // Refused, or no queue: the broker is not whole yet.
            _ => Err(lapin::ErrorKind::InvalidChannel(channel.id()).into()),
        }
    }
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}
