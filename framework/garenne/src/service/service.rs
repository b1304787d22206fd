//! How a service is wired.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt::Display;
use std::sync::Arc;

use garenne_contract::{Event, Request};
use serde_json::Value;

use super::background::Background;
use super::handlers::{self, Bind, BindPage};
use super::{Client, Context, NestQueue};
use crate::broker::Consume;
use crate::consumer::{Failure, Observed, Options};
use crate::log::{Log, Page, Reading};
use crate::publisher::CloudEvents;
use crate::retry::Ladder;
use crate::rpc::{Refusal, Replies};
use crate::store::Store;
use crate::topology::{Blueprint, Fault, Heard, definitions};

/// What a service hears, answers, says and asks: its table of contents.
///
/// `S` is the service's state, which every handler reaches through its [`Context`]. Wiring needs no state and no
/// broker, so the topology can be read from it anywhere.
///
/// ```
/// use garenne::{Context, Event, Failure, Service};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Event, Serialize, Deserialize)]
/// #[event(name = "orders.order-placed")]
/// struct OrderPlaced {
///     order_id: u64,
/// }
///
/// #[derive(Event, Serialize, Deserialize)]
/// #[event(name = "billing.invoice-written")]
/// struct InvoiceWritten {
///     order_id: u64,
/// }
///
/// struct Billing;
///
/// async fn write_invoice(order: OrderPlaced, ctx: Context<Billing>) -> Result<(), Failure> {
///     ctx.publish(&InvoiceWritten { order_id: order.order_id }).await?;
///     Ok(())
/// }
///
/// fn service() -> Service<Billing> {
///     Service::new("billing").on(write_invoice).publishes::<InvoiceWritten>()
/// }
///
/// assert!(service().definitions().to_string().contains("billing.orders.order-placed"));
/// ```
#[must_use = "a service does nothing until it runs: garenne::run(service, state)"]
pub struct Service<S> {
    pub(super) blueprint: Blueprint,
    pub(super) queues: BTreeMap<String, Wired<S>>,
    pub(super) observer: Option<Observer<S>>,
    pub(super) readings: Vec<(Reading, BindPage<S>)>,
    pub(super) backgrounds: Vec<Background<S>>,
    pub(super) store: Option<StoreOf<S>>,
    pub(super) cloud_events: Option<CloudEvents>,
    pub(super) faults: Vec<Fault>,
}

/// Where in the state the service's database is.
type StoreOf<S> = Box<dyn FnOnce(&S) -> &Store + Send>;

/// An observer that still needs the running service.
type Observer<S> = Box<dyn FnOnce(&Client<S>) -> Consume + Send>;

/// The handlers of one queue.
pub(super) struct Wired<S> {
    pub(super) options: Options,
    pub(super) handlers: Binds<S>,
}

/// They still need the running service.
pub(super) enum Binds<S> {
    /// By the message's name.
    Named(BTreeMap<&'static str, Bind<S>>),
    Nest(NestQueue<S>),
}

impl<S: Send + Sync + 'static> Service<S> {
    /// A service with this name: kebab case, at most 40 bytes. The name begins the names of everything it declares.
    pub fn new(name: &str) -> Self {
        let blueprint = Blueprint::new(name);
        Self {
            blueprint,
            queues: BTreeMap::new(),
            observer: None,
            readings: Vec::new(),
            backgrounds: Vec::new(),
            store: None,
            cloud_events: None,
            faults: Vec::new(),
        }
    }

    /// Handles an event. The message's type, its queue and its binding follow from the function's signature.
    pub fn on<E, F, Fut>(self, handler: F) -> Self
    where
        E: Event,
        F: Fn(E, Context<S>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.on_with(handler, Options::new())
    }

    /// Handles an event, with [`Options`].
    pub fn on_with<E, F, Fut>(self, handler: F, options: Options) -> Self
    where
        E: Event,
        F: Fn(E, Context<S>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let handler = handlers::event(handler, options.deadline);
        self.wire(Heard::Event(E::NAME), options, handler)
    }

    /// Handles an event that devices publish over MQTT, each to the topic of its own: to `warehouse/stock-counted/<device>`
    /// what is named `warehouse.stock-counted`. [`Message::device`](crate::Message::device) says which device it was.
    ///
    /// The broker has to hand what MQTT clients publish to the exchange `<service>.devices`: `mqtt.exchange` in its
    /// configuration, of which there is one, so one service hears the devices. A device is a user of the broker's, with its
    /// name as the last word of the topics that it may publish. Its messages have no id: a handler has to know by the event
    /// itself what it has handled before.
    pub fn on_device<E, F, Fut>(self, handler: F) -> Self
    where
        E: Event,
        F: Fn(E, Context<S>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        self.on_device_with(handler, Options::new())
    }

    /// Handles an event that devices publish, with [`Options`].
    pub fn on_device_with<E, F, Fut>(self, handler: F, options: Options) -> Self
    where
        E: Event,
        F: Fn(E, Context<S>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let handler = handlers::event(handler, options.deadline);
        self.wire(Heard::Device(E::NAME), options, handler)
    }

    /// Answers a request that this service owns.
    pub fn answer<R, F, Fut>(self, handler: F) -> Self
    where
        R: Request,
        F: Fn(R, Context<S>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R::Reply, Refusal<R::Error>>> + Send + 'static,
    {
        self.answer_with(handler, Options::new())
    }

    /// Answers a request that this service owns, with [`Options`].
    pub fn answer_with<R, F, Fut>(self, handler: F, options: Options) -> Self
    where
        R: Request,
        F: Fn(R, Context<S>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R::Reply, Refusal<R::Error>>> + Send + 'static,
    {
        let handler = handlers::request(handler, options.deadline, None);
        self.wire(Heard::Request(R::NAME), options, handler)
    }

    /// Answers a request that this service owns with several replies, which the handler sends one after the other. The caller
    /// knows that they were all when the handler has returned `Ok`.
    ///
    /// When a replica dies in the middle another one begins again. Its caller is told if it has read anything already: replies
    /// of two runs are never mixed.
    pub fn answer_many<R, F, Fut>(self, handler: F) -> Self
    where
        R: Request,
        F: Fn(R, Context<S>, Replies<R::Reply>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Refusal<R::Error>>> + Send + 'static,
    {
        self.answer_many_with(handler, Options::new())
    }

    /// Answers a request that this service owns with several replies, with [`Options`].
    pub fn answer_many_with<R, F, Fut>(self, handler: F, options: Options) -> Self
    where
        R: Request,
        F: Fn(R, Context<S>, Replies<R::Reply>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Refusal<R::Error>>> + Send + 'static,
    {
        let handler = handlers::request_of_many(handler, options.deadline, None);
        self.wire(Heard::Request(R::NAME), options, handler)
    }

    /// Answers clients of other libraries too, which name only a reply queue of the broker's making: direct reply-to, or
    /// a server-named queue.
    ///
    /// Such a reply goes through the default exchange. The right to publish there is a right to write into any queue,
    /// so a service does not have it unless it says so here.
    pub fn answers_foreign_clients(mut self) -> Self {
        self.blueprint.answers_foreign_clients = true;
        self
    }

    /// Says that the service publishes this event. Publishing one that is not declared is an error.
    pub fn publishes<E: Event>(mut self) -> Self {
        self.blueprint.publishes.insert(E::NAME);
        self
    }

    /// Takes replies by the broker's direct reply-to instead of from a queue of this process's own.
    ///
    /// The broker then keeps no queue and no binding for them. But they come through the default exchange, so only services that
    /// [answer foreign clients](Service::answers_foreign_clients) can answer; and they belong to the channel on which requests
    /// are sent: when the broker closes that, because a request went to a service that has never been started for example, all
    /// calls that wait end with [`Disconnected`](crate::AskError::Disconnected).
    pub fn direct_replies(mut self) -> Self {
        self.blueprint.direct_replies = true;
        self
    }

    /// Writes every event of the service as a CloudEvent too, but for those that it publishes to NestJS: they are packets of NestJS.
    /// Requests and replies stay what they are.
    pub fn publishes_as(mut self, cloud_events: CloudEvents) -> Self {
        self.cloud_events = Some(cloud_events);
        self
    }

    /// Says that the service sends this request. Sending one that is not declared is an error.
    pub fn asks<R: Request>(mut self) -> Self {
        self.blueprint.asks.insert(R::NAME);
        self
    }

    /// Shows every event of these owners to the function, one after the other, from now on and as far as it keeps up.
    ///
    /// Each replica sees everything, in a queue of its own that goes with its connection and holds at most 10,000
    /// events; beyond that the oldest go. Nothing is retried. For effects use [`Service::on`].
    pub fn observe<'a, F, Fut>(mut self, owners: impl IntoIterator<Item = &'a str>, handler: F) -> Self
    where
        F: Fn(Observed, Context<S>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.blueprint.observes.extend(owners.into_iter().map(str::to_owned));
        if self.observer.replace(Box::new(|client| handlers::observer(handler, client))).is_some() {
            self.faults.push(Fault::ObservesTwice(self.name().to_owned()));
        }
        self
    }

    /// Keeps a log: declares it when it starts, with what it is bound to. Reading it is another thing: see [`Service::reads`].
    pub fn keeps(mut self, log: Log) -> Self {
        self.blueprint.logs.push(log);
        self
    }

    /// Reads a log that this service or another one keeps, page after page and in its order. How far it is stands in the service's
    /// database, see [`Service::stores_in`], and is committed with what the function does in its transaction and publishes.
    ///
    /// A page whose function fails, panics or takes too long is tried again until it succeeds, with growing pauses:
    /// nothing that follows may overtake it. Neither [`Failure::retry`] nor [`Failure::dead_letter`] changes that; what cannot be
    /// handled the function has to put aside itself. Meanwhile the service says so and is not ready.
    ///
    /// Several replicas may run: of those that hold the same entries one commits them. They do not share the work.
    pub fn reads<F, Fut>(mut self, reading: Reading, handler: F) -> Self
    where
        F: Fn(Page, Context<S>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let Reading { log, reader, .. } = &reading;
        if self.readings.iter().any(|(known, _)| known.log == *log && known.reader == *reader) {
            self.faults.push(Fault::ReadTwice { log: log.clone(), reader: reader.clone() });
        }
        self.blueprint.reads.insert(log.clone());
        self.readings.push((reading, handlers::page(handler)));
        self
    }

    /// Says where in the state the service's database is, so that handlers can work in [transactions](Context::transaction).
    /// What they publish there goes out after the commit: a task of the service sees to that, and finishes what a replica
    /// that died has left.
    pub fn stores_in(mut self, store: impl FnOnce(&S) -> &Store + Send + 'static) -> Self {
        self.store = Some(Box::new(store));
        self
    }

    /// Runs a task beside the handlers, for example an HTTP server. When it returns an error the service ends.
    pub fn background<F, Fut, E>(mut self, name: &'static str, task: F) -> Self
    where
        F: FnOnce(Client<S>) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Display,
    {
        self.backgrounds.push(Background::new(name, task));
        self
    }

    /// Replaces the retry ladder.
    pub fn retry_ladder(mut self, ladder: Ladder) -> Self {
        self.blueprint.ladder = ladder;
        self
    }

    /// The service's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.blueprint.service
    }

    /// The service's exchanges, queues, bindings and least rights in the format of the broker's `definitions.json`.
    #[must_use]
    pub fn definitions(&self) -> Value {
        definitions(&self.blueprint)
    }

    /// Every mistake in the wiring.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = self.faults.clone();
        faults.extend(self.blueprint.faults());
        faults.extend(self.queues.iter().flat_map(|(queue, wired)| wired.options.faults(queue)));
        faults.extend(self.readings.iter().flat_map(|(reading, _)| reading.faults()));
        if let (Some((reading, _)), None) = (self.readings.first(), &self.store) {
            faults.push(Fault::ReadWithoutStore { log: reading.log.clone() });
        }
        let hears = !self.queues.is_empty() || self.observer.is_some() || !self.readings.is_empty();
        if !hears && !self.blueprint.speaks() && self.backgrounds.is_empty() && self.blueprint.logs.is_empty() {
            faults.push(Fault::Idle(self.name().to_owned()));
        }
        faults
    }

    fn wire(mut self, heard: Heard, options: Options, bind: Bind<S>) -> Self {
        let queue = match &options.queue {
            Some(own) => {
                self.blueprint.queue_names.insert(own.clone());
                format!("{}.{own}", self.name())
            }
            None => self.blueprint.queue_for(heard.name()),
        };
        let message = heard.name().as_str();
        self.blueprint.queues.entry(queue.clone()).or_default().insert(heard);
        let wired = match self.queues.entry(queue.clone()) {
            Entry::Vacant(vacant) => vacant.insert(Wired { options, handlers: Binds::Named(BTreeMap::new()) }),
            Entry::Occupied(occupied) => {
                let wired = occupied.into_mut();
                if wired.options != options {
                    self.faults.push(Fault::OptionsDiffer { queue: queue.clone() });
                }
                wired
            }
        };
        match &mut wired.handlers {
            Binds::Named(handlers) => {
                if handlers.insert(message, bind).is_some() {
                    self.faults.push(Fault::HandledTwice { queue, message });
                }
            }
            Binds::Nest(_) => self.faults.push(Fault::QueueShared(queue)),
        }
        self
    }

    pub(super) fn shared_blueprint(&self) -> Arc<Blueprint> {
        Arc::new(self.blueprint.clone())
    }
}
