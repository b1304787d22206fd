//! Where connections of one kind are opened, one at a time.

use std::sync::Arc;
use std::time::Duration;

use deadpool_lapin::{Manager, Object, Pool, PoolError, Runtime};
use lapin::types::LongString;
use lapin::{Connection, ConnectionProperties};
use tokio::time::timeout;

use super::certificates::Edition;
use super::network::Network;
use super::socket::Line;
use super::{Address, BrokerError};

/// For the whole of a handshake whose first word came in time: TLS, and a broker that asks others about users.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
const FRAMES: u32 = 32_768;

/// A pool, and the network on which it opens its only connection.
pub(super) struct Dock {
    address: Address,
    pool: Pool,
    network: Network,
}

/// Cuts the line when it is dropped.
pub(super) struct Cut(Arc<Line>);

impl Dock {
    pub(super) fn new(address: &Address, network: Network, name: String) -> Self {
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
        Self { address: address.clone(), pool, network }
    }

    /// The line of the next connection, and which edition of the certificates it goes by, if it is encrypted.
    pub(super) async fn next_line(&self) -> Result<(Cut, Option<Edition>), BrokerError> {
        next_line(&self.network, &self.address).await
    }

    /// Opens a connection on this line.
    pub(super) async fn open(&self, line: &Cut) -> Result<Connection, BrokerError> {
        match self.pool.get().await {
            Ok(object) => Ok(Object::take(object)),
            Err(PoolError::Backend(error)) => Err(failed(&self.address, line, &error)),
            Err(PoolError::Timeout(_)) => Err(unanswered(&self.address)),
            Err(other) => {
                Err(BrokerError::Unreachable { address: self.address.to_string(), reason: other.to_string() })
            }
        }
    }
}

impl Cut {
    pub(super) fn now(&self) {
        self.0.cut();
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        self.0.cut();
    }
}

pub(super) async fn next_line(network: &Network, address: &Address) -> Result<(Cut, Option<Edition>), BrokerError> {
    let network = network.clone();
    let prepared = off_the_runtime(move || network.next_line()).await;
    let (line, edition) = prepared.map_err(|reason| BrokerError::tls(address, reason))?;
    Ok((Cut(line), edition))
}

pub(super) fn failed(address: &Address, line: &Cut, error: &lapin::Error) -> BrokerError {
    match line.0.fault() {
        Some(reason) => BrokerError::tls(address, reason),
        None => BrokerError::connecting(address, error),
    }
}

pub(super) fn unanswered(address: &Address) -> BrokerError {
    let reason = format!("the handshake was not finished within {} s", CONNECT_TIMEOUT.as_secs());
    BrokerError::Unreachable { address: address.to_string(), reason }
}

/// Closes politely, for a bounded time.
pub(super) async fn close(connection: &Connection) {
    if connection.status().connected() {
        // An error here says only that it was closed already.
        let _ = timeout(CLOSE_TIMEOUT, connection.close(200, "done".into())).await;
    }
}

pub(super) fn properties(name: &str) -> ConnectionProperties {
    ConnectionProperties::default().with_connection_name(LongString::from(name))
}

/// Files may lie on a disk that is slow.
pub(super) async fn off_the_runtime<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let reading = tokio::task::spawn_blocking(read);
    reading.await.unwrap_or_else(|error| Err(error.to_string()))
}
