//! The transport of a consuming connection: the client's own, TLS or not, with a [`Screen`] before what is read.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use async_rs::Runtime;
use async_rs::traits::{Reactor, RuntimeKit};
use async_rs::util::RuntimeParts;
use futures_util::Stream;
use futures_util::io::{AsyncRead, AsyncWrite};
use lapin::tcp::{AMQPUriTcpExt as _, AsyncTcpStream, TLSConfig};
use lapin::uri::AMQPUri;
use lapin::{Connection, ConnectionProperties};

use super::farewell::Farewell;
use super::screen::Screen;

/// How much is read at once.
const CHUNK: usize = 32 * 1024;

/// Connects as the client itself does, through a screen.
pub(super) async fn connect<K: RuntimeKit + Clone + Send + Sync + 'static>(
    uri: AMQPUri,
    properties: ConnectionProperties,
    runtime: Runtime<K>,
    farewell: Farewell,
) -> lapin::Result<Connection> {
    let parts = RuntimeParts::new(runtime.clone(), Sockets(runtime.clone()));
    let connect = async move |uri: AMQPUri, _: Runtime<RuntimeParts<Runtime<K>, Sockets<K>>>| {
        let socket = uri.connect_with_config_async(TLSConfig::default(), &runtime).await?;
        Ok(AsyncTcpStream::Plain(Screened::new(socket, farewell.clone())))
    };
    Connection::connector(uri, Runtime::new(parts), connect, properties).await
}

/// A socket of which the client reads only what it can read.
pub(super) struct Screened<S: Transport> {
    socket: AsyncTcpStream<S>,
    screen: Screen,
    chunk: Box<[u8]>,
}

/// What the client asks of a socket.
pub(super) trait Transport: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Transport for S {}

impl<S: Transport> Screened<S> {
    fn new(socket: AsyncTcpStream<S>, farewell: Farewell) -> Self {
        Self { socket, screen: Screen::new(farewell), chunk: vec![0; CHUNK].into_boxed_slice() }
    }
}

impl<S: Transport> AsyncRead for Screened<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut [u8]) -> Poll<io::Result<usize>> {
        let Self { socket, screen, chunk } = &mut *self;
        loop {
            let taken = screen.take(to);
            if taken > 0 || to.is_empty() {
                return Poll::Ready(Ok(taken));
            }
            let read = ready!(Pin::new(&mut *socket).poll_read(context, chunk))?;
            if read == 0 {
                screen.end();
                return Poll::Ready(Ok(screen.take(to)));
            }
            screen.feed(&chunk[..read]);
        }
    }
}

impl<S: Transport> AsyncWrite for Screened<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, from)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(context, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(context)
    }
}

/// The client names its transport by its runtime's sockets.
#[derive(Debug, Clone)]
struct Sockets<K: RuntimeKit>(Runtime<K>);

impl<K: RuntimeKit> Reactor for Sockets<K> {
    type TcpStream = Screened<K::TcpStream>;
    type Sleep = K::Sleep;

    /// For sockets that were opened elsewhere, of which there are none.
    fn register<H: Read + Write + Send + 'static>(
        &self,
        _: H,
    ) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin + 'static> {
        Err::<Self::TcpStream, _>(io::ErrorKind::Unsupported.into())
    }

    fn sleep(&self, time: Duration) -> Self::Sleep {
        self.0.sleep(time)
    }

    fn interval(&self, time: Duration) -> impl Stream<Item = Instant> + Send + 'static {
        self.0.interval(time)
    }

    fn tcp_connect_addr(
        &self,
        address: SocketAddr,
    ) -> impl Future<Output = io::Result<Self::TcpStream>> + Send + 'static {
        let connecting = self.0.tcp_connect_addr(address);
        async move { Ok(Screened::new(AsyncTcpStream::Plain(connecting.await?), Farewell::default())) }
    }
}
