//! TCP ports on 127.0.0.1 that nobody listens on.
//!
//! They are taken from below the range that the kernel gives to outgoing connections (32768 on Linux): a server that is down for a
//! while then finds its ports free again.

use std::net::{Ipv4Addr, TcpListener};
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::Error;

const FIRST: u16 = 20_000;
const LAST: u16 = 32_000;

/// A port that is free now, a different one at each call.
///
/// # Errors
/// [`Error::NoFreePort`] when every port of the range is in use.
pub fn free() -> Result<u16, Error> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let range = LAST - FIRST;
    // Processes that search at the same time begin at different places.
    let start = u16::try_from(process::id().wrapping_mul(97) % u32::from(range)).unwrap_or(0);
    (0..range)
        .map(|_| FIRST + start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % range)
        .find(|&port| is_free(port))
        .ok_or(Error::NoFreePort { first: FIRST, last: LAST })
}

/// This port when it is free, otherwise another one.
///
/// # Errors
/// [`Error::NoFreePort`] when every port of the range is in use.
pub fn prefer(port: u16) -> Result<u16, Error> {
    if is_free(port) { Ok(port) } else { free() }
}

/// Whether nobody listens on the port, neither on loopback nor on every address.
fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::{free, prefer};

    #[test]
    fn a_port_in_use_is_avoided() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = listener.local_addr().unwrap().port();
        assert_ne!(prefer(taken).unwrap(), taken);
    }

    #[test]
    fn a_free_port_is_kept_and_two_searches_differ() {
        let port = free().unwrap();
        assert_eq!(prefer(port).unwrap(), port);
        assert_ne!(free().unwrap(), free().unwrap());
    }
}
