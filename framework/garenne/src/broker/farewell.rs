//! With which code a broker has closed a connection. The client keeps that to itself: its consumers just end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

/// Class and method of `connection.close`. The code follows.
const CONNECTION_CLOSE: &[u8] = &[0, 10, 0, 50];
const FRAME_ERROR: u16 = 501;
const INTERNAL_ERROR: u16 = 541;

/// What the broker said at the end. 0 as long as it has not closed the connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Farewell(Arc<AtomicU16>);

impl Farewell {
    /// Looks at what the broker says.
    pub(super) fn note(&self, method: &[u8]) {
        if let Some(code) = method.strip_prefix(CONNECTION_CLOSE).and_then(<[u8]>::first_chunk) {
            self.0.store(u16::from_be_bytes(*code), Ordering::Release);
        }
    }

    /// Whether the broker has failed at something that it was to deliver, or at a frame.
    pub(super) fn is_poison(&self) -> bool {
        matches!(self.0.load(Ordering::Acquire), FRAME_ERROR | INTERNAL_ERROR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_the_broker_ends_over_a_message_is_told_from_any_other_end() {
        for (words, over_a_message) in [
            (b"\0\x0a\0\x32\x02\x1d\x02no\0\0\0\0", true),
            (b"\0\x0a\0\x32\x01\xf5\x02no\0\0\0\0", true),
            (b"\0\x0a\0\x32\x01\x40\x02no\0\0\0\0", false),
            // A channel's end.
            (b"\0\x14\0\x28\x02\x1d\x02no\0\0\0\0", false),
        ] {
            let farewell = Farewell::default();
            farewell.note(words);
            assert_eq!(farewell.is_poison(), over_a_message, "{words:?}");
        }
    }
}
