//! Everything that touches the AMQP client. Nothing outside this folder imports lapin or the pool.
//!
//! [`Broker`] owns the connections of one service: the [`supervisor`] keeps one *generation* of the consuming
//! side alive (connection, topology, channels, consumers), [`Lane`]s keep a publishing channel each.
//! A handler sees neither: it gets an [`Inbound`] and publishes [`Outgoing`]s.

mod address;
mod amqp_thread;
mod arrived;
mod asides;
mod backoff;
mod care;
mod certificates;
mod connection;
mod declare;
mod direct;
mod dock;
mod ends;
mod error;
mod farewell;
mod flight;
mod header;
mod lane;
mod link;
mod message;
mod network;
mod offset;
mod progress;
mod properties;
mod publish_error;
mod pump;
#[cfg(any(test, feature = "fuzzing"))]
mod received;
mod renewal;
mod returns;
mod room;
mod screen;
mod screened;
mod sending;
mod settle;
mod settling;
mod socket;
mod source;
mod substituted;
mod successor;
mod supervisor;
mod tls;
mod undeliverable;

pub use address::{Address, AddressFault};
pub(crate) use arrived::Arrived;
pub use certificates::Certificates;
pub(crate) use connection::Broker;
pub(crate) use direct::{DIRECT_REPLY_TO, Direct};
pub use error::{BrokerError, Drift};
pub(crate) use header::{HeaderValue, Headers};
pub(crate) use lane::{Confirmed, FOR_EVER, Lane, LaneState};
pub(crate) use message::{Delivered, Inbound, Outgoing, Properties};
pub(crate) use offset::{Beginning, Offset};
pub(crate) use properties::SHORT_STRING_LIMIT;
pub use publish_error::PublishError;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use received::received;
pub(crate) use renewal::Retire;
pub(crate) use room::Limits;
pub(crate) use settle::{AckReceipt, Settler};
pub(crate) use source::{Consume, Intake, Origin, Source};
pub(crate) use substituted::substituted;
pub(crate) use supervisor::{Phase, Supervisor};
