//! The replies to one call that wait to be read. Bounded, in number and in bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::broker::Inbound;

/// Replies of one call that may wait.
pub(super) const UNREAD: usize = 1024;
/// Bytes of them. One alone may have more.
const UNREAD_BYTES: usize = 64 * 1024 * 1024;

/// Takes the replies in.
#[derive(Debug)]
pub(super) struct Inlet {
    replies: mpsc::Sender<Weighed>,
    held: Arc<Held>,
}

/// Gives them to their reader.
#[derive(Debug)]
pub(super) struct Unread {
    replies: mpsc::Receiver<Weighed>,
    held: Arc<Held>,
}

/// A reply, and about how many bytes it takes.
type Weighed = (Inbound, usize);

#[derive(Debug, Default)]
struct Held {
    bytes: AtomicUsize,
    overrun: AtomicBool,
}

/// Why a reply is not taken in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Too many wait.
    Full,
    /// Nobody reads any more.
    Gone,
}

pub(super) fn unread() -> (Inlet, Unread) {
    let (sender, replies) = mpsc::channel(UNREAD);
    let held = Arc::<Held>::default();
    (Inlet { replies: sender, held: Arc::clone(&held) }, Unread { replies, held })
}

impl Inlet {
    /// When there is no room, nothing more will be taken in, and the reader learns why.
    pub(super) fn put(&self, reply: Inbound) -> Result<(), Refused> {
        let (bytes, held) = (reply.weight(), &self.held);
        // Only here it grows, and there is one place that puts in at a time.
        let before = held.bytes.fetch_add(bytes, Ordering::AcqRel);
        let put = if before > 0 && before + bytes > UNREAD_BYTES {
            Err(Refused::Full)
        } else {
            self.replies.try_send((reply, bytes)).map_err(|error| match error {
                TrySendError::Full(_) => Refused::Full,
                TrySendError::Closed(_) => Refused::Gone,
            })
        };
        if put.is_err() {
            held.bytes.fetch_sub(bytes, Ordering::AcqRel);
            held.overrun.store(put == Err(Refused::Full), Ordering::Release);
        }
        put
    }
}

impl Unread {
    /// The next reply. `None` when there will be no more.
    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Inbound>> {
        self.replies.poll_recv(context).map(|weighed| weighed.map(|weighed| self.read(weighed)))
    }

    /// The same. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<Inbound> {
        self.replies.recv().await.map(|weighed| self.read(weighed))
    }

    /// Whether they ended because they were not read in time.
    pub(super) fn is_overrun(&self) -> bool {
        self.held.overrun.load(Ordering::Acquire)
    }

    /// Takes no more in. What is there may still be read.
    pub(super) fn close(&mut self) {
        self.replies.close();
    }

    fn read(&self, (reply, bytes): Weighed) -> Inbound {
        self.held.bytes.fetch_sub(bytes, Ordering::AcqRel);
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Properties;

    fn reply(bytes: usize) -> Inbound {
        Inbound::of("", "", vec![b' '; bytes], Properties::default())
    }

    #[tokio::test]
    async fn large_replies_that_nobody_reads_take_bounded_memory_and_one_alone_may_be_of_any_size() {
        let (inlet, mut unread) = unread();
        assert_eq!(inlet.put(reply(UNREAD_BYTES + 1)), Ok(()));
        assert!(unread.next().await.is_some());
        let third = UNREAD_BYTES / 3 - 1000;
        for _ in 0..3 {
            assert_eq!(inlet.put(reply(third)), Ok(()));
        }
        // What was read makes room.
        assert!(unread.next().await.is_some());
        assert_eq!(inlet.put(reply(third)), Ok(()));
        assert!(!unread.is_overrun());
        assert_eq!(inlet.put(reply(third)), Err(Refused::Full));
        assert!(unread.is_overrun());
        unread.close();
        assert_eq!(inlet.put(reply(1)), Err(Refused::Gone));
    }
}
