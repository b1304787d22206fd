//! Opens connections.

use std::io;
use std::time::Duration;

use deadpool_lapin::{Manager, Object, Pool, PoolError, Runtime};
use lapin::types::LongString;
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties};
use tokio::time::timeout;

use super::amqp_thread::AmqpThread;
use super::declare::declare;
use super::screened;
use super::{Address, BrokerError};
use crate::topology::Topology;

/// The client waits for ever for a handshake that is never answered.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Where the broker is and how this instance shows itself there.
pub(crate) struct Broker {
    address: Address,
    /// `<service>/<instance>`: what the management UI calls the connections.
    instance: String,
    /// Connections for the publishing lanes, checked when they are handed out.
    publishing: Pool,
    /// For declares: a refused one may cost its connection, which must not be anybody else's.
    declaring: Pool,
    thread: AmqpThread,
}

impl Broker {
    /// Connects to nothing yet.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread.
    pub(crate) fn new(address: Address, instance: &str) -> io::Result<Self> {
        let thread = AmqpThread::start()?;
        let publishing = pool(&address, format!("{instance} publish"), 1, &thread);
        let declaring = pool(&address, format!("{instance} declare"), 1, &thread);
        Ok(Self { address, instance: instance.to_owned(), publishing, declaring, thread })
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// A connection that only publishes: the broker stops reading from such a one when it is short of memory.
    pub(super) async fn publishing(&self) -> Result<Object, BrokerError> {
        self.publishing.get().await.map_err(|error| self.pool_error(error))
    }

    /// A connection that only consumes.
    pub(super) async fn consuming(&self) -> Result<Connection, BrokerError> {
        let uri = with_frames_of(&self.address, 131_072);
        let properties = properties(&format!("{} consume", self.instance));
        match timeout(CONNECT_TIMEOUT, screened::connect(uri, properties, self.thread.runtime())).await {
            Ok(connected) => connected.map_err(|error| BrokerError::connecting(&self.address, &error)),
            Err(_) => Err(self.unanswered()),
        }
    }

    /// Declares what a service owns, on a connection that is closed afterwards.
    pub(super) async fn declare(&self, topology: &Topology) -> Result<(), BrokerError> {
        let pooled = self.declaring.get().await.map_err(|error| self.pool_error(error))?;
        let connection = Object::take(pooled);
        let declared = declare(&connection, &self.address, topology).await;
        close(&connection).await;
        declared
    }

    fn pool_error(&self, error: PoolError) -> BrokerError {
        match error {
            PoolError::Backend(error) => BrokerError::connecting(&self.address, &error),
            PoolError::Timeout(_) => self.unanswered(),
            other => BrokerError::Unreachable { address: self.address.to_string(), reason: other.to_string() },
        }
    }

    fn unanswered(&self) -> BrokerError {
        let reason = format!("the handshake was not answered within {} s", CONNECT_TIMEOUT.as_secs());
        BrokerError::Unreachable { address: self.address.to_string(), reason }
    }
}

/// Closes politely, for a bounded time. An error here says only that it was closed already.
pub(super) async fn close(connection: &Connection) {
    if connection.status().connected() {
        let _ = timeout(CLOSE_TIMEOUT, connection.close(200, "done".into())).await;
    }
}

fn pool(address: &Address, name: String, size: usize, thread: &AmqpThread) -> Pool {
    let manager =
        Manager::new(with_frames_of(address, 32_768).to_string(), move || properties(&name), thread.runtime());
    let builder = Pool::builder(manager)
        .max_size(size)
        .runtime(Runtime::Tokio1)
        .create_timeout(Some(CONNECT_TIMEOUT))
        .wait_timeout(Some(CONNECT_TIMEOUT))
        .recycle_timeout(Some(CONNECT_TIMEOUT));
    // Building fails only for timeouts without a runtime, and the runtime is given.
    builder.build().unwrap_or_else(|error| unreachable!("{error}"))
}

fn with_frames_of(address: &Address, bytes: u32) -> AMQPUri {
    let mut uri = address.uri().clone();
    uri.query.frame_max.get_or_insert(bytes);
    uri
}

fn properties(name: &str) -> ConnectionProperties {
    ConnectionProperties::default().with_connection_name(LongString::from(name))
}
