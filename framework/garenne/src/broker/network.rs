//! The network as the AMQP client sees it: nobody may stay silent on it for ever, and a connection can be taken away.
//!
//! The client has no deadline for a broker that accepts and then says nothing, and its thread and its socket outlive a
//! connection that was given up until the other side ends it. Here both end with the [`Line`]. Encryption is made here too.

use std::fmt;
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

use super::certificates::Edition;
use super::socket::{Line, Socket};
use super::tls::{Handshake, Tls, Wire};

/// One lost packet is sent again after a second, so this allows for one.
const DIAL_TIMEOUT: Duration = Duration::from_secs(2);

/// Opens the sockets of one kind of connection, one connection at a time.
#[derive(Clone)]
pub(super) struct Network {
    runtime: TokioRuntime,
    tls: Option<Tls>,
    next: Arc<Mutex<Next>>,
}

/// What the connection that is opened next gets.
#[derive(Clone, Default)]
struct Next {
    line: Arc<Line>,
    handshake: Option<Handshake>,
}

impl Network {
    pub(super) fn new(runtime: TokioRuntime, tls: Option<Tls>) -> Self {
        Self { runtime, tls, next: Arc::default() }
    }

    /// What the client runs on.
    pub(super) fn runtime(&self) -> async_rs::Runtime<RuntimeParts<TokioRuntime, Self>> {
        async_rs::Runtime::new(RuntimeParts::new(self.runtime.clone(), self.clone()))
    }

    /// The line of the connection that is opened next, and which edition of the certificates it goes by, if it is encrypted.
    pub(super) fn next_line(&self) -> Result<(Arc<Line>, Option<Edition>), String> {
        let handshake = self.tls.as_ref().map(Tls::prepare).transpose()?;
        let edition = handshake.as_ref().map(|handshake| handshake.edition);
        let next = Next { line: Arc::default(), handshake };
        let line = Arc::clone(&next.line);
        *self.next.lock().unwrap_or_else(PoisonError::into_inner) = next;
        Ok((line, edition))
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").field("tls", &self.tls).finish_non_exhaustive()
    }
}

impl Reactor for Network {
    type TcpStream = Wire;
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
        let Next { line, handshake } = self.next.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let encrypts = self.tls.is_some();
        let runtime = self.runtime.clone();
        let dial = self.runtime.tcp_connect_addr(address);
        async move {
            let late = |_| io::Error::new(io::ErrorKind::TimedOut, format!("{address} cannot be reached"));
            let stream = timeout(DIAL_TIMEOUT, dial).await.map_err(late)??;
            let socket = Socket::new(stream, Arc::clone(&line), &runtime);
            match handshake {
                Some(handshake) => Ok(Wire::Encrypted(handshake.shake(socket, line).await?)),
                None if encrypts => Err(io::Error::other("no handshake was prepared")),
                None => Ok(Wire::Plain(socket)),
            }
        }
    }
}
