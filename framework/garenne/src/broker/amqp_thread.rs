//! A thread of its own for the AMQP client.

use std::io;
use std::thread::JoinHandle;

use async_rs::TokioRuntime;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// Runs sockets and heartbeats of every connection of one service.
///
/// On the service's own runtime a handler that blocks its thread would starve the heartbeats, and the broker
/// would close connections that are perfectly well.
#[derive(Debug)]
pub(crate) struct AmqpThread {
    runtime: TokioRuntime,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl AmqpThread {
    /// # Errors
    ///
    /// When the operating system gives no thread or no event queue.
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("garenne-amqp".into()).spawn(move || {
            // Ends when the owner is dropped.
            let _ = runtime.block_on(stopped);
        })?;
        Ok(Self { runtime: TokioRuntime::tokio_with_handle(handle), stop: Some(stop), thread: Some(thread) })
    }

    pub(crate) fn runtime(&self) -> TokioRuntime {
        self.runtime.clone()
    }
}

impl Drop for AmqpThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
