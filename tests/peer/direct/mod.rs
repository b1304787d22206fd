//! Both sides as one would write them on the AMQP client: the same topology as the library's, the same messages and the same
//! promises.
//!
//! Requests and replies are persistent and confirmed, requests are mandatory and expire, a request is acknowledged once its
//! reply is confirmed, replies are matched by correlation id. What the library does beside that (recovery, retries, traces,
//! metrics, drain) is left out.

mod messages;
mod requester;
mod responder;
mod topology;

use std::future::poll_fn;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};

use messages::Manner;

/// Answers, until its input ends.
pub(crate) fn answer() -> ExitCode {
    run(responder::answer())
}

/// Asks as it is ordered to.
pub(crate) fn ask() -> ExitCode {
    run(requester::ask())
}

/// On as many threads as a service of the library has.
fn run(work: impl Future<Output = Result<(), lapin::Error>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime.expect("threads").block_on(work) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What to consume on, and what to publish on if that is another one: two connections, as the library has, so that a broker that
/// takes no messages still gets the acknowledgements, or with `RPC_BARE` one, as one would begin.
async fn connect() -> Result<(Connection, Option<Connection>), lapin::Error> {
    let url = std::env::var("AMQP_URL").expect("AMQP_URL is set");
    let consuming = Connection::connect(&url, ConnectionProperties::default()).await?;
    let publishing = match Manner::of_this_process() {
        Manner::Full => Some(Connection::connect(&url, ConnectionProperties::default()).await?),
        Manner::Bare => None,
    };
    Ok((consuming, publishing))
}

/// A channel on which any task may publish.
struct Publisher {
    channel: Channel,
    /// The client numbers a publish and queues it in two steps; tasks that come between get each other's confirms.
    gate: Mutex<()>,
}

impl Publisher {
    async fn open(connection: &Connection) -> Result<Self, lapin::Error> {
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Self { channel, gate: Mutex::new(()) })
    }

    /// Publishes and waits for the confirm: whether a queue has it.
    async fn publish(
        &self,
        exchange: &str,
        key: &str,
        body: &[u8],
        properties: BasicProperties,
    ) -> Result<bool, lapin::Error> {
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let mut publish = pin!(self.channel.basic_publish(exchange.into(), key.into(), options, body, properties));
        let mut first = true;
        let confirm = poll_fn(|context: &mut Context<'_>| -> Poll<_> {
            if std::mem::take(&mut first) {
                let _alone = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
                publish.as_mut().poll(context)
            } else {
                publish.as_mut().poll(context)
            }
        });
        Ok(matches!(confirm.await?.await?, Confirmation::Ack(None)))
    }
}
