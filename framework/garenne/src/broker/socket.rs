//! One socket, which its owner can cut.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use async_rs::TokioRuntime;
use async_rs::traits::Reactor;
use futures_util::task::AtomicWaker;
use futures_util::{AsyncRead, AsyncWrite};

/// A broker greets at once. One that is still silent then is a port without a broker behind it.
const SILENCE: Duration = Duration::from_secs(3);

type Stream = <TokioRuntime as Reactor>::TcpStream;
type Sleep = <TokioRuntime as Reactor>::Sleep;

/// What ends a connection's socket, and with it the client's thread, whatever either of them waits for.
#[derive(Debug, Default)]
pub(super) struct Line {
    cut: AtomicBool,
    reader: AtomicWaker,
    fault: OnceLock<String>,
}

impl Line {
    /// Ends the connection. What the client has not written yet is not sent.
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        self.reader.wake();
    }

    /// Notes why there can be no connection of this kind, whatever the client makes of the error. The first reason counts: a host
    /// may have other addresses, at which nobody answers at all.
    pub(super) fn is_faulty(&self, reason: String) {
        let _an_earlier_one = self.fault.set(reason);
    }

    pub(super) fn fault(&self) -> Option<&String> {
        self.fault.get()
    }

    fn check(&self) -> io::Result<()> {
        if self.cut.load(Ordering::SeqCst) {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "given up"));
        }
        Ok(())
    }
}

/// The client's socket.
pub(super) struct Socket {
    stream: Stream,
    line: Arc<Line>,
    /// Until the broker has said its first word.
    silence: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    pub(super) fn new(stream: Stream, line: Arc<Line>, runtime: &TokioRuntime) -> Self {
        Self { stream, line, silence: Some(Box::pin(runtime.sleep(SILENCE))) }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        // The client always has a read under way, and every read registers before it looks: no cut is missed.
        self.line.reader.register(context.waker());
        self.line.check()?;
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if read.is_ready() {
            self.silence = None;
        } else if let Some(silence) = &mut self.silence
            && silence.as_mut().poll(context).is_ready()
        {
            let text = format!("whoever answers there says nothing within {} s", SILENCE.as_secs());
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)));
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.line.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_close(context)
    }
}
