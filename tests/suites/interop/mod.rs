//! Programs that are not ours, unmodified from their registries. What they run is what `docs/interop.md` shows.

mod aio_pika;
mod amqplib;
mod cloud_events;
mod exchange;
mod faststream;
mod mosquitto;
mod nest;
mod paho;
mod pika;
mod warehouse;
