//! One connection through the proxy, and what passes on it.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// What passes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Traffic {
    pub(super) to_broker: bool,
    pub(super) to_client: bool,
    /// How long everything is held up.
    pub(super) delay: Duration,
    ended: bool,
}

impl Default for Traffic {
    fn default() -> Self {
        Self { to_broker: true, to_client: true, delay: Duration::ZERO, ended: false }
    }
}

/// The traffic of one connection, which may change at any time.
#[derive(Debug)]
pub(super) struct Flow {
    traffic: Mutex<Traffic>,
    changed: Condvar,
}

impl Flow {
    pub(super) fn new(traffic: Traffic) -> Self {
        Self { traffic: Mutex::new(traffic), changed: Condvar::new() }
    }

    pub(super) fn set(&self, change: impl FnOnce(&mut Traffic)) {
        change(&mut self.traffic());
        self.changed.notify_all();
    }

    pub(super) fn end(&self) {
        self.set(|traffic| traffic.ended = true);
    }

    pub(super) fn ended(&self) -> bool {
        self.traffic().ended
    }

    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until what came at this moment may pass. `false` when the connection was ended.
    fn may_pass(&self, came: Instant, open: fn(&Traffic) -> bool) -> bool {
        let mut traffic = self.traffic();
        loop {
            if traffic.ended {
                return false;
            }
            let left = traffic.delay.saturating_sub(came.elapsed());
            if open(&traffic) && left.is_zero() {
                return true;
            }
            let wait = if open(&traffic) { left } else { Duration::from_secs(3600) };
            traffic = self.changed.wait_timeout(traffic, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Copies until one side ends, and then ends the other. An end passes like everything else: not while the traffic is held up.
pub(super) fn pass(mut from: TcpStream, mut to: TcpStream, flow: Arc<Flow>, open: fn(&Traffic) -> bool) {
    thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = match from.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => 0,
                Ok(read) => read,
            };
            if !flow.may_pass(Instant::now(), open) || read == 0 || to.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        flow.end();
        for stream in [from, to] {
            let _ = stream.shutdown(Shutdown::Both);
        }
    });
}
