//! NestJS, as `@nestjs/microservices` speaks over RabbitMQ: [`packet`]s in the bodies, [`NestPattern`]s in the packets.
//!
//! An adapter of single queues and messages: a [`Switchboard`] finds the handler of what a NestJS client sends, [`PACKETS`] is how
//! it is answered, a [`NestTarget`] is a NestJS server, and [`ask`] asks it. What is wired without them does not come by here.

mod answer;
mod ask;
mod packet;
mod pattern;
mod switchboard;
mod target;

pub(crate) use answer::PACKETS;
pub(crate) use ask::ask;
pub use pattern::NestPattern;
pub(crate) use switchboard::{Extension, Switchboard};
pub use target::NestTarget;
