//! Opens connections.

use std::fmt;
use std::future::pending;
use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use deadpool_lapin::{Manager, Object, Pool, PoolError, Runtime};
use lapin::types::LongString;
use lapin::{Connection, ConnectionProperties};
use tokio::sync::Notify;
use tokio::time::{interval, sleep, timeout};

use super::amqp_thread::AmqpThread;
use super::certificates::Edition;
use super::declare::declare;
use super::farewell::Farewell;
use super::network::Network;
use super::screened;
use super::settling::Settling;
use super::socket::Line;
use super::tls::Tls;
use super::{Address, BrokerError, Certificates};
use crate::telemetry::Mentions;
use crate::topology::Topology;

/// For the whole of a handshake whose first word came in time: TLS, and a broker that asks others about users.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// How often to look whether a connection lives while an answer is waited for.
const LOOK: Duration = Duration::from_millis(100);
/// How often to look whether certificates were renewed.
const LOOK_AT_FILES: Duration = Duration::from_secs(2);
/// For connections that consume, and for all others.
const LARGE_FRAMES: u32 = 131_072;
const FRAMES: u32 = 32_768;

/// Where the broker is and how this instance shows itself there.
pub(crate) struct Broker {
    address: Address,
    /// On an address that asks for TLS.
    tls: Option<Tls>,
    /// `<service>/<instance>`: what the management UI calls the connections.
    instance: String,
    /// Opens the connections of the publishing lane.
    publishing: Dock,
    /// Opens the connections of the lane on which requests are sent whose replies come directly.
    asking: Dock,
    /// For declares: a refused one may cost its connection, which must not be anybody else's.
    declaring: Dock,
    thread: AmqpThread,
    settling: Settling,
    missing: Notify,
}

/// A pool, and the network on which it opens its only connection.
struct Dock {
    pool: Pool,
    network: Network,
}

/// An open connection. Its socket ends with it, however the other side behaves.
pub(super) struct Connected {
    connection: Connection,
    line: Cut,
    farewell: Farewell,
    encryption: Option<(Tls, Edition)>,
}

/// Cuts the line when it is dropped.
struct Cut(Arc<Line>);

impl Broker {
    /// Connects to nothing yet.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread.
    pub(crate) fn new(address: Address, certificates: Certificates, instance: &str) -> io::Result<Self> {
        let thread = AmqpThread::start()?;
        let tls = address.is_encrypted().then(|| Tls::new(certificates, address.host()));
        let dock =
            |role: &str| Dock::new(&address, Network::new(thread.runtime(), tls.clone()), format!("{instance} {role}"));
        let (publishing, asking, declaring) = (dock("publish"), dock("ask"), dock("declare"));
        Ok(Self {
            address,
            tls,
            instance: instance.to_owned(),
            publishing,
            asking,
            declaring,
            thread,
            settling: Settling::default(),
            missing: Notify::new(),
        })
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// A connection that only publishes: the broker stops reading from such a one when it is short of memory. One that has just
    /// come up is given time.
    pub(super) async fn publishing(&self) -> Result<Connected, BrokerError> {
        let connection = self.pooled(&self.publishing).await?;
        self.settling.over().await;
        Ok(connection)
    }

    /// A connection that publishes requests and gets their replies.
    pub(super) async fn asking(&self) -> Result<Connected, BrokerError> {
        self.pooled(&self.asking).await
    }

    /// A connection that only consumes.
    pub(super) async fn consuming(&self) -> Result<Connected, BrokerError> {
        let network = Network::new(self.thread.runtime(), self.tls.clone());
        let (line, encryption) = self.line(&network).await?;
        let uri = self.address.for_client(LARGE_FRAMES);
        let properties = properties(&format!("{} consume", self.instance));
        let farewell = Farewell::default();
        let connecting = screened::connect(uri, properties, network.runtime(), farewell.clone());
        self.settling.note(match timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(connection)) => Ok(Connected { connection, line, farewell, encryption }),
            Ok(Err(error)) => Err(self.failed(&line, &error)),
            Err(_) => Err(self.unanswered()),
        })
    }

    /// Declares what a service owns, on a connection that is closed afterwards. Each step may take so long.
    pub(super) async fn declare(&self, topology: &Topology, patience: Duration) -> Result<(), BrokerError> {
        let connection = self.pooled(&self.declaring).await?;
        let declared = declare(&connection, &self.address, topology, patience).await;
        connection.close().await;
        declared
    }

    /// Notes that an exchange, or what is bound to it, is not there. When it is the service's own, [`Broker::missing`] ends.
    pub(crate) fn note_missing(&self, exchange: &str) {
        let service = self.instance.split('/').next().unwrap_or_default();
        if exchange.strip_prefix(service).is_some_and(|rest| rest.starts_with('.')) {
            self.missing.notify_one();
        }
    }

    /// Waits until something of the service's own was found missing.
    pub(super) async fn missing(&self) {
        self.missing.notified().await;
    }

    async fn pooled(&self, dock: &Dock) -> Result<Connected, BrokerError> {
        let (line, encryption) = self.line(&dock.network).await?;
        self.settling.note(match dock.pool.get().await {
            Ok(object) => {
                let connection = Object::take(object);
                Ok(Connected { connection, line, farewell: Farewell::default(), encryption })
            }
            Err(PoolError::Backend(error)) => Err(self.failed(&line, &error)),
            Err(PoolError::Timeout(_)) => Err(self.unanswered()),
            Err(other) => {
                Err(BrokerError::Unreachable { address: self.address.to_string(), reason: other.to_string() })
            }
        })
    }

    /// The line of the next connection, and what it is encrypted by.
    async fn line(&self, network: &Network) -> Result<(Cut, Option<(Tls, Edition)>), BrokerError> {
        let network = network.clone();
        let prepared = off_the_runtime(move || network.next_line()).await;
        let (line, edition) = prepared.map_err(|reason| BrokerError::tls(&self.address, reason))?;
        Ok((Cut(line), self.tls.clone().zip(edition)))
    }

    fn failed(&self, line: &Cut, error: &lapin::Error) -> BrokerError {
        match line.0.fault() {
            Some(reason) => BrokerError::tls(&self.address, reason),
            None => BrokerError::connecting(&self.address, error),
        }
    }

    fn unanswered(&self) -> BrokerError {
        let reason = format!("the handshake was not finished within {} s", CONNECT_TIMEOUT.as_secs());
        BrokerError::Unreachable { address: self.address.to_string(), reason }
    }
}

impl Dock {
    fn new(address: &Address, network: Network, name: String) -> Self {
        let uri = address.for_client(FRAMES).to_string();
        let manager = Manager::new(uri, move || properties(&name), network.runtime());
        let builder = Pool::builder(manager)
            .max_size(1)
            .runtime(Runtime::Tokio1)
            .create_timeout(Some(CONNECT_TIMEOUT))
            .wait_timeout(Some(CONNECT_TIMEOUT))
            .recycle_timeout(Some(CONNECT_TIMEOUT));
        // Building fails only for timeouts without a runtime, and the runtime is given.
        let pool = builder.build().unwrap_or_else(|error| unreachable!("{error}"));
        Self { pool, network }
    }
}

impl Connected {
    /// Ends when the connection has ended. The client leaves what is asked of an ending connection unanswered, so whatever
    /// waits for an answer watches this beside it.
    pub(super) async fn lost(&self) {
        let mut look = interval(LOOK);
        while self.connection.status().connected() {
            look.tick().await;
        }
    }

    /// Whether the broker has ended a consuming connection because it failed at something that it was to deliver.
    pub(super) fn ended_over_a_message(&self) -> bool {
        self.farewell.is_poison()
    }

    /// Ends when the certificates have changed by which this connection was made, and the new ones are whole.
    pub(super) async fn renewed(&self) {
        let Some((tls, edition)) = self.encryption.as_ref().filter(|(tls, _)| tls.may_change()) else {
            return pending().await;
        };
        let mut mentions = Mentions::default();
        loop {
            sleep(LOOK_AT_FILES).await;
            let (tls, edition) = (tls.clone(), *edition);
            // They have to be whole, too.
            let look = move || Ok(tls.has_changed(edition)? && tls.prepare()?.edition != edition);
            match off_the_runtime(look).await {
                Ok(true) => return,
                Ok(false) => {}
                // Perhaps only some of the files are written so far.
                Err(reason) if mentions.is_news(&reason) => {
                    tracing::warn!("the next connection would fail, this one goes on: {reason}");
                }
                Err(_) => {}
            }
        }
    }

    /// Closes politely, for a bounded time, and then in any case.
    pub(super) async fn close(&self) {
        if self.connection.status().connected() {
            // An error here says only that it was closed already.
            let _ = timeout(CLOSE_TIMEOUT, self.connection.close(200, "done".into())).await;
        }
        self.line.0.cut();
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Deref for Connected {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        self.0.cut();
    }
}

/// Files may lie on a disk that is slow.
async fn off_the_runtime<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let reading = tokio::task::spawn_blocking(read);
    reading.await.unwrap_or_else(|error| Err(error.to_string()))
}

fn properties(name: &str) -> ConnectionProperties {
    ConnectionProperties::default().with_connection_name(LongString::from(name))
}
