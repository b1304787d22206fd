//! A TCP proxy that can be cut, so that one service loses the broker and nobody else does.

use std::io::{self, Read as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::{Vhost, eventually};

/// Passes connections on to the broker. It runs on threads of its own: a test that is busy does not slow it.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    broker: String,
    open: AtomicBool,
    ended: AtomicBool,
    attempts: AtomicUsize,
    streams: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// A proxy in front of the vhost's broker.
    ///
    /// # Panics
    ///
    /// When no port is free.
    #[must_use]
    pub fn new(vhost: &Vhost) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(State {
            broker: vhost.broker().address().to_owned(),
            open: AtomicBool::new(true),
            ended: AtomicBool::new(false),
            attempts: AtomicUsize::new(0),
            streams: Mutex::default(),
        });
        let accepting = Arc::clone(&state);
        thread::spawn(move || accepting.accept(&listener));
        Self { port, state }
    }

    /// A proxy that nothing passes until it is [opened](Proxy::open).
    #[must_use]
    pub fn cut_from_the_start(vhost: &Vhost) -> Self {
        let proxy = Self::new(vhost);
        proxy.cut();
        proxy
    }

    /// The URL of a vhost for a user who goes through this proxy.
    #[must_use]
    pub fn url_of(&self, vhost: &Vhost, user: &str, password: &str) -> String {
        format!("amqp://{user}:{password}@127.0.0.1:{}/{}", self.port, vhost.name())
    }

    /// Ends every connection, and each new one at once.
    pub fn cut(&self) {
        self.state.open.store(false, Ordering::SeqCst);
        self.state.end_all();
    }

    /// Lets connections pass again.
    pub fn open(&self) {
        self.state.open.store(true, Ordering::SeqCst);
    }

    /// Waits until so many connections in all were attempted.
    ///
    /// # Panics
    ///
    /// When they are not in time.
    pub async fn attempted(&self, count: usize) {
        eventually(&format!("{count} connections"), || async {
            let attempts = self.state.attempts.load(Ordering::SeqCst);
            if attempts >= count { Ok(()) } else { Err(attempts.to_string()) }
        })
        .await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        self.cut();
        // Wakes the thread that accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

impl State {
    fn accept(self: Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            if self.ended.load(Ordering::SeqCst) {
                return;
            }
            self.attempts.fetch_add(1, Ordering::SeqCst);
            if let Ok(client) = client {
                // A client that goes at once, or a broker that is gone, is no news here.
                let _ = self.connect(client);
            }
        }
    }

    fn connect(&self, client: TcpStream) -> io::Result<()> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.open.load(Ordering::SeqCst) {
            drop(streams);
            // Closing before the client's greeting is read would look like a reset now and like an end then.
            client.set_read_timeout(Some(Duration::from_secs(1)))?;
            return (&client).read_exact(&mut [0; 8]);
        }
        let broker = TcpStream::connect(&self.broker)?;
        for stream in [&client, &broker] {
            stream.set_nodelay(true)?;
            streams.push(stream.try_clone()?);
        }
        pass(client.try_clone()?, broker.try_clone()?);
        pass(broker, client);
        Ok(())
    }

    fn end_all(&self) {
        for stream in self.streams.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Copies until one side ends, and then ends the other.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
}
