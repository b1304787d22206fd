//! Event-driven microservices on RabbitMQ.
//!
//! A service is a list of what it hears, answers, says and asks. Handlers are plain async functions; their
//! signatures name the message types, and queues and bindings follow from those.
//!
//! - [`Service`] wires a service, [`run`] is its whole `main`.
//! - A handler gets its message and a [`Context`]: the state, `publish`, `ask`.
//! - What it returns decides what happens to the delivery: `Ok` acknowledges, [`Failure`] retries on a ladder of
//!   delays or makes a dead letter. [`Classify`] makes the choice short.
//! - [`Refusal`] and [`AskError`] are the two ends of a request that got no reply, [`Replies`] and [`Answers`] of one that gets
//!   several.
//! - [`NestQueue`] answers clients of NestJS, and a [`NestTarget`] says where a NestJS server is that is asked or told.
//! - [`Service::on_device`] hears what devices publish over MQTT, and says which device it was.
//! - [`CloudEvents`] are read as any event is; [`Service::publishes_as`] writes them.
//! - [`store`] opens a service's own database.
//! - [`Traces`] tells an OpenTelemetry collector what became of each message, and [`Client::tracer`] of each HTTP request.
//! - [`log`] keeps history on the broker, and reads it again.
//!
//! Delivery is at least once. A handler that works in the transaction of its message, [`Context::transaction`], has effects
//! exactly once: its own statements, the fact that the message was handled, and what it publishes are one commit.
//! A message without `message_id`, which a foreign client may send, cannot be told from the next one and stays at least once.

mod broker;
mod consumer;
pub mod log;
mod nest;
mod outbox;
mod publisher;
mod retry;
mod rpc;
mod service;
pub mod store;
mod telemetry;
mod topology;

pub use broker::{Address, AddressFault, BrokerError, Certificates, Drift, PublishError};
pub use consumer::{Classified, Classify, Failure, Message, Observed, Options};
pub use garenne_contract::{Event, MessageName, NoError, Request};
pub use nest::{NestPattern, NestTarget};
pub use outbox::{MessageTransaction, UnitOfWork};
pub use publisher::{CloudEvents, Receipt};
pub use retry::{Ladder, LadderFault};
pub use rpc::{Answers, AskError, Problem, Refusal, Replies};
pub use service::{Client, Context, NestQueue, Running, Service, Settings, SettingsFault, StartError, run};
pub use telemetry::{HttpRequest, LogFormat, ServerSpan, Tracer, Traces};
pub use topology::Fault;

/// What is done with a delivery, for the fuzzer in `fuzz/`.
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use consumer::try_out;

/// The README's code compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// That of the page about other clients does, too.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/interop.md")]
struct Interop;
