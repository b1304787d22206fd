//! The one place that acknowledges.
//!
//! One task per consuming channel takes the settled deliveries and acknowledges the finished prefix with a single
//! `multiple` frame: cheaper for client and broker than a frame each. What finished beyond a slow handler is
//! acknowledged on its own, so that it is not delivered again if the connection is lost meanwhile.

use std::collections::BTreeSet;

use futures_util::FutureExt as _;
use lapin::Channel;
use lapin::options::{BasicAckOptions, BasicRejectOptions};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Settlements that go together at most.
const BATCH: usize = 1024;

/// Takes the settlements of one channel.
#[derive(Debug, Clone)]
pub(crate) struct Settler {
    settlements: Option<mpsc::UnboundedSender<(u64, Disposition)>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disposition {
    Acknowledged,
    HandedBack,
}

/// Settles one delivery, once. Dropping it settles nothing: the broker redelivers when the channel ends.
#[derive(Debug)]
pub(crate) struct AckReceipt {
    tag: u64,
    settler: Settler,
}

impl AckReceipt {
    pub(super) fn new(tag: u64, settler: &Settler) -> Self {
        Self { tag, settler: settler.clone() }
    }

    /// The delivery is dealt with. When the channel is gone already the broker delivers it again.
    pub(crate) fn acknowledge(self) {
        self.settle(Disposition::Acknowledged);
    }

    /// The delivery was not touched: another consumer shall have it. It counts as a delivery.
    pub(crate) fn hand_back(self) {
        self.settle(Disposition::HandedBack);
    }

    fn settle(self, settlement: Disposition) {
        if let Some(settlements) = &self.settler.settlements {
            let _ = settlements.send((self.tag, settlement));
        }
    }
}

impl Settler {
    /// Starts the task for a channel. It ends when all settlers and receipts are gone, after the last frame is written.
    pub(super) fn start(channel: Channel) -> (Self, JoinHandle<()>) {
        let (settlements, receiver) = mpsc::unbounded_channel();
        (Self { settlements: Some(settlements) }, tokio::spawn(run(channel, receiver)))
    }

    /// For a consumer that the broker does not expect to acknowledge.
    pub(super) fn none() -> Self {
        Self { settlements: None }
    }
}

async fn run(channel: Channel, mut settlements: mpsc::UnboundedReceiver<(u64, Disposition)>) {
    let mut prefix = Prefix::default();
    let mut batch = Vec::new();
    // The client wakes a thread for each frame that it has written. Nobody waits for that before there is a next one.
    let mut writing = None;
    while settlements.recv_many(&mut batch, BATCH).await > 0 {
        if let Some(before) = writing.take() {
            let _void_when_the_channel_is_gone = before.await;
            while batch.len() < BATCH
                && let Ok(settlement) = settlements.try_recv()
            {
                batch.push(settlement);
            }
        }
        let mut acknowledged = BTreeSet::new();
        for (tag, settlement) in batch.drain(..) {
            match settlement {
                Disposition::Acknowledged => {
                    acknowledged.insert(tag);
                }
                Disposition::HandedBack => {
                    prefix.settled(tag);
                    let _void_when_the_channel_is_gone =
                        channel.basic_reject(tag, BasicRejectOptions { requeue: true }).await;
                }
            }
        }
        for Acknowledgement { tag, multiple } in prefix.acknowledge(&acknowledged) {
            let mut frame = Box::pin(channel.basic_ack(tag, BasicAckOptions { multiple }));
            // Asked for the first time, the client takes the frame.
            writing = (&mut frame).now_or_never().is_none().then_some(frame);
        }
    }
    if let Some(last) = writing {
        let _void_when_the_channel_is_gone = last.await;
    }
}

/// Which delivery tags are settled. Tags count from 1 on each channel.
#[derive(Debug, Default)]
struct Prefix {
    /// Every tag up to this one is settled.
    end: u64,
    /// Confirmed tags beyond it.
    beyond: BTreeSet<u64>,
}

#[derive(Debug, PartialEq, Eq)]
struct Acknowledgement {
    tag: u64,
    multiple: bool,
}

impl Prefix {
    fn settled(&mut self, tag: u64) {
        self.beyond.insert(tag);
        while self.beyond.remove(&(self.end + 1)) {
            self.end += 1;
        }
    }

    /// The frames that acknowledge these tags. A `multiple` names a tag that is not settled yet, and covers no unsettled one.
    fn acknowledge(&mut self, tags: &BTreeSet<u64>) -> Vec<Acknowledgement> {
        for tag in tags {
            self.settled(*tag);
        }
        let within: Vec<u64> = tags.range(..=self.end).copied().collect();
        let prefix = within.last().map(|last| Acknowledgement { tag: *last, multiple: within.len() > 1 });
        let single = tags.range(self.end + 1..).map(|tag| Acknowledgement { tag: *tag, multiple: false });
        prefix.into_iter().chain(single).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(prefix: &mut Prefix, tags: &[u64]) -> Vec<(u64, bool)> {
        let tags = tags.iter().copied().collect();
        prefix.acknowledge(&tags).into_iter().map(|frame| (frame.tag, frame.multiple)).collect()
    }

    #[test]
    fn a_finished_prefix_takes_one_frame() {
        let mut prefix = Prefix::default();
        assert_eq!(frames(&mut prefix, &[1, 2, 3]), [(3, true)]);
        assert_eq!(frames(&mut prefix, &[4]), [(4, false)]);
    }

    #[test]
    fn what_finished_beyond_a_slow_handler_is_acknowledged_alone_and_never_twice() {
        let mut prefix = Prefix::default();
        assert_eq!(frames(&mut prefix, &[2, 4]), [(2, false), (4, false)]);
        // 2 is acknowledged already, so the frame names 1 alone.
        assert_eq!(frames(&mut prefix, &[1]), [(1, false)]);
        // 4 is acknowledged already, so the frame ends at 3, the last one that is not.
        assert_eq!(frames(&mut prefix, &[3, 5, 6]), [(6, true)]);
    }

    #[test]
    fn a_delivery_that_was_handed_back_does_not_hold_up_the_prefix() {
        let mut prefix = Prefix::default();
        prefix.settled(1);
        assert_eq!(frames(&mut prefix, &[2, 3]), [(3, true)]);
    }

    #[test]
    fn whatever_the_order_each_tag_is_covered_by_exactly_one_frame() {
        for seed in 0..200_u64 {
            let mut tags: Vec<u64> = (1..=40).collect();
            let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
            for i in (1..tags.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                tags.swap(i, (state >> 33) as usize % (i + 1));
            }
            let mut prefix = Prefix::default();
            let mut finished: BTreeSet<u64> = BTreeSet::new();
            let mut acknowledged: BTreeSet<u64> = BTreeSet::new();
            for batch in tags.chunks(7) {
                finished.extend(batch);
                for (tag, multiple) in frames(&mut prefix, batch) {
                    assert!(!acknowledged.contains(&tag), "the broker refuses a tag that is acknowledged already");
                    let covered: Vec<u64> = if multiple { (1..=tag).collect() } else { vec![tag] };
                    assert!(
                        covered.iter().all(|tag| finished.contains(tag)),
                        "an unfinished delivery was acknowledged"
                    );
                    acknowledged.extend(covered);
                }
                assert_eq!(acknowledged, finished);
            }
            assert_eq!(prefix.end, 40);
        }
    }
}
