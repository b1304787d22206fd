//! The network as the AMQP client sees it: nobody may stay silent on it for ever, and a connection can be taken away.
//!
//! The client has no deadline for a broker that accepts and then says nothing, and its thread and its socket outlive a
//! connection that was given up until the other side ends it. Here both end with the [`Line`].

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_rs::TokioRuntime;
use async_rs::traits::Reactor;
use async_rs::util::RuntimeParts;
use futures_util::Stream;
use tokio::time::timeout;

use super::socket::{Line, Socket};

/// One lost packet is sent again after a second, so this allows for one.
const DIAL_TIMEOUT: Duration = Duration::from_secs(2);

/// Opens the sockets of one kind of connection, one connection at a time.
#[derive(Debug, Clone)]
pub(super) struct Network {
    runtime: TokioRuntime,
    line: Arc<Mutex<Arc<Line>>>,
}

impl Network {
    pub(super) fn new(runtime: TokioRuntime) -> Self {
        Self { runtime, line: Arc::default() }
    }

    /// What the client runs on.
    pub(super) fn runtime(&self) -> async_rs::Runtime<RuntimeParts<TokioRuntime, Self>> {
        async_rs::Runtime::new(RuntimeParts::new(self.runtime.clone(), self.clone()))
    }

    /// The line of the connection that is opened next.
    pub(super) fn next_line(&self) -> Arc<Line> {
        let line = Arc::new(Line::default());
        *self.line.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&line);
        line
    }
}

impl Reactor for Network {
    type TcpStream = Socket;
    type Sleep = <TokioRuntime as Reactor>::Sleep;

    fn register<H: Read + Write + AsFd + AsRawFd + Send + 'static>(
        &self,
        socket: H,
    ) -> io::Result<impl futures_util::AsyncRead + futures_util::AsyncWrite + Send + Unpin + 'static> {
        self.runtime.register(socket)
    }

    fn sleep(&self, time: Duration) -> Self::Sleep {
        self.runtime.sleep(time)
    }

    fn interval(&self, time: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        self.runtime.interval(time)
    }

    /// A host may have several addresses; the client tries the next one when this fails.
    fn tcp_connect_addr(
        &self,
        address: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::TcpStream>> + Send + 'static {
        let line = Arc::clone(&self.line.lock().unwrap_or_else(PoisonError::into_inner));
        let runtime = self.runtime.clone();
        let dial = self.runtime.tcp_connect_addr(address);
        async move {
            let late = |_| io::Error::new(io::ErrorKind::TimedOut, format!("{address} cannot be reached"));
            let stream = timeout(DIAL_TIMEOUT, dial).await.map_err(late)??;
            Ok(Socket::new(stream, line, &runtime))
        }
    }
}
