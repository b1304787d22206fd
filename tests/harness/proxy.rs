//! A TCP proxy before the broker: one service loses the broker, or waits for it, and nobody else does.

mod flow;

use std::io::{self, Read as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::{Vhost, eventually};
use flow::{Flow, Traffic};

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
    passing: Mutex<Passing>,
}

/// What passes now, and how what comes next shall.
#[derive(Debug, Default)]
struct Passing {
    next: Traffic,
    pairs: Vec<Pair>,
}

#[derive(Debug)]
struct Pair {
    client: TcpStream,
    broker: TcpStream,
    flow: Arc<Flow>,
}

impl Proxy {
    /// A proxy in front of the vhost's broker.
    ///
    /// # Panics
    ///
    /// When no port is free.
    #[must_use]
    pub fn new(vhost: &Vhost) -> Self {
        Self::before(vhost.broker().address())
    }

    /// A proxy in front of any broker, given as host and port.
    ///
    /// # Panics
    ///
    /// When no port is free.
    #[must_use]
    pub fn before(broker: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let state = Arc::new(State {
            broker: broker.to_owned(),
            open: AtomicBool::new(true),
            ended: AtomicBool::new(false),
            attempts: AtomicUsize::new(0),
            passing: Mutex::default(),
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

    /// The administrator's URL of a vhost through this proxy.
    #[must_use]
    pub fn url(&self, vhost: &Vhost) -> String {
        let (user, password) = vhost.broker().administrator();
        self.url_of(vhost, user, password)
    }

    /// A user's URL of a vhost through this proxy.
    #[must_use]
    pub fn url_of(&self, vhost: &Vhost, user: &str, password: &str) -> String {
        vhost.url_at(&self.address(), user, password)
    }

    /// Where it listens, as host and port.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Ends every connection, and each new one at once.
    pub fn cut(&self) {
        self.state.open.store(false, Ordering::SeqCst);
        self.state.end_all();
    }

    /// Ends every connection; new ones pass.
    pub fn cut_existing(&self) {
        self.state.end_all();
    }

    /// Lets connections pass again.
    pub fn open(&self) {
        self.state.open.store(true, Ordering::SeqCst);
    }

    /// Passes nothing any more, in neither direction, on no connection, and ends none: as if packets were dropped.
    pub fn stall(&self) {
        self.set(true, true, |traffic| (traffic.to_broker, traffic.to_client) = (false, false));
    }

    /// As [`Proxy::stall`], for the connections that there are. New ones pass.
    pub fn stall_existing(&self) {
        self.set(true, false, |traffic| (traffic.to_broker, traffic.to_client) = (false, false));
    }

    /// As [`Proxy::stall`], for new connections: accepted, and nothing more.
    pub fn stall_new(&self) {
        self.set(false, true, |traffic| (traffic.to_broker, traffic.to_client) = (false, false));
    }

    /// Passes nothing from the broker any more, on any connection. What clients send still arrives.
    pub fn stall_answers(&self) {
        self.set(true, true, |traffic| traffic.to_client = false);
    }

    /// Passes on what was held up, and everything after.
    pub fn flow(&self) {
        self.set(true, true, |traffic| *traffic = Traffic::default());
    }

    /// New connections pass; what is stalled stays so.
    pub fn flow_new(&self) {
        self.set(false, true, |traffic| *traffic = Traffic::default());
    }

    /// Holds everything up for so long, in both directions.
    pub fn delay(&self, time: Duration) {
        self.set(true, true, |traffic| traffic.delay = time);
    }

    fn set(&self, existing: bool, new: bool, change: impl Fn(&mut Traffic)) {
        let mut passing = self.state.passing();
        if new {
            change(&mut passing.next);
        }
        if existing {
            passing.pairs.iter().for_each(|pair| pair.flow.set(&change));
        }
    }

    /// How many connections were attempted so far.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.state.attempts.load(Ordering::SeqCst)
    }

    /// How many sockets clients on this machine hold open to the proxy, whether or not anything passes.
    ///
    /// # Panics
    ///
    /// When the system does not list them.
    #[must_use]
    pub fn clients(&self) -> usize {
        /// In `/proc/net/tcp`.
        const ESTABLISHED: &str = "01";
        let table = std::fs::read_to_string("/proc/net/tcp").expect("the system lists its connections");
        let there = format!(":{:04X}", self.port);
        let open = |line: &&str| {
            let mut fields = line.split_whitespace().skip(2);
            fields.next().is_some_and(|remote| remote.ends_with(&there)) && fields.next() == Some(ESTABLISHED)
        };
        table.lines().filter(open).count()
    }

    /// Waits until so many connections in all were attempted.
    ///
    /// # Panics
    ///
    /// When they are not in time.
    pub async fn attempted(&self, count: usize) {
        eventually(&format!("{count} connections"), || async {
            let attempts = self.attempts();
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
    fn passing(&self) -> MutexGuard<'_, Passing> {
        self.passing.lock().unwrap_or_else(PoisonError::into_inner)
    }

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
        let mut passing = self.passing();
        if !self.open.load(Ordering::SeqCst) {
            drop(passing);
            // Closing before the client's greeting is read would look like a reset now and like an end then.
            client.set_read_timeout(Some(Duration::from_secs(1)))?;
            return (&client).read_exact(&mut [0; 8]);
        }
        let broker = TcpStream::connect(&self.broker)?;
        for stream in [&client, &broker] {
            stream.set_nodelay(true)?;
        }
        let flow = Arc::new(Flow::new(passing.next));
        flow::pass(client.try_clone()?, broker.try_clone()?, Arc::clone(&flow), |traffic| traffic.to_broker);
        flow::pass(broker.try_clone()?, client.try_clone()?, Arc::clone(&flow), |traffic| traffic.to_client);
        passing.pairs.retain(|pair| !pair.flow.ended());
        passing.pairs.push(Pair { client, broker, flow });
        Ok(())
    }

    fn end_all(&self) {
        for Pair { client, broker, flow } in self.passing().pairs.drain(..) {
            flow.end();
            for stream in [client, broker] {
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }
}
