//! Opens connections.

use std::fmt;
use std::future::pending;
use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use lapin::Connection;
use tokio::sync::Notify;
use tokio::time::{interval, timeout};

use super::amqp_thread::AmqpThread;
use super::certificates::Edition;
use super::declare::declare;
use super::dock::{CONNECT_TIMEOUT, Cut, Dock, close, failed, next_line, properties, unanswered};
use super::farewell::Farewell;
use super::network::Network;
use super::screened;
use super::settling::Settling;
use super::successor::Successor;
use super::tls::Tls;
use super::{Address, BrokerError, Certificates};
use crate::topology::Topology;

/// How often to look whether a connection lives while an answer is waited for.
const LOOK: Duration = Duration::from_millis(100);
/// For connections that consume. All others have smaller ones.
const LARGE_FRAMES: u32 = 131_072;

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
    /// On an encrypted address: tells when certificates have changed.
    successor: Option<Arc<Successor>>,
    thread: AmqpThread,
    settling: Settling,
    missing: Notify,
}

/// An open connection. Its socket ends with it, however the other side behaves.
pub(super) struct Connected {
    connection: Connection,
    line: Cut,
    farewell: Farewell,
    /// What it was encrypted by, and who tells when that has changed.
    encryption: Option<(Arc<Successor>, Edition)>,
}

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
        let successor = tls.clone().map(|tls| Arc::new(Successor::new(tls, dock("renew"))));
        Ok(Self {
            address,
            tls,
            instance: instance.to_owned(),
            publishing,
            asking,
            declaring,
            successor,
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
        let (line, edition) = next_line(&network, &self.address).await?;
        let uri = self.address.for_client(LARGE_FRAMES);
        let properties = properties(&format!("{} consume", self.instance));
        let farewell = Farewell::default();
        let connecting = screened::connect(uri, properties, network.runtime(), farewell.clone());
        let encryption = self.successor.clone().zip(edition);
        self.settling.note(match timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(connection)) => Ok(Connected { connection, line, farewell, encryption }),
            Ok(Err(error)) => Err(failed(&self.address, &line, &error)),
            Err(_) => Err(unanswered(&self.address)),
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
        let (line, edition) = dock.next_line().await?;
        let connection = self.settling.note(dock.open(&line).await)?;
        let encryption = self.successor.clone().zip(edition);
        Ok(Connected { connection, line, farewell: Farewell::default(), encryption })
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

    /// Ends when the certificates have changed by which this connection was made, and one by the new ones has succeeded.
    pub(super) async fn renewed(&self) {
        match &self.encryption {
            Some((successor, edition)) => successor.comes(*edition).await,
            None => pending().await,
        }
    }

    /// Closes politely, for a bounded time, and then in any case.
    pub(super) async fn close(&self) {
        close(&self.connection).await;
        self.line.now();
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
