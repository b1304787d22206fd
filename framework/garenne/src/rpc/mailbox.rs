//! Where the replies of one process arrive.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::interval;

use super::waiters::Waiters;
use crate::broker::{Consume, DIRECT_REPLY_TO, Direct, Inbound, Intake, Origin, Retire, Source};
use crate::telemetry::Metrics;
use crate::topology::Blueprint;

/// How often to look whether the last calls have their replies.
const LOOK: Duration = Duration::from_millis(20);

/// Who waits for replies, and under which address they come now. Cheap to clone.
///
/// Replies come by one of two ways: to a queue that belongs to this process's consuming connection, or by the broker's direct
/// reply-to, which belongs to the channel on which requests are sent.
#[derive(Debug, Clone)]
pub(crate) struct Mailbox {
    pub(super) waiters: Waiters,
    metrics: Arc<Metrics>,
    /// Empty while there is none.
    address: watch::Sender<String>,
}

impl Mailbox {
    pub(crate) fn new(limit: usize, metrics: Arc<Metrics>) -> Self {
        Self { waiters: Waiters::new(limit, Arc::clone(&metrics)), metrics, address: watch::Sender::default() }
    }

    /// What goes into `reply_to` of this call, as soon as replies can come. From then on the address is kept for the reply, even if
    /// it is to be given up.
    pub(super) async fn address_for(&self, id: &str) -> String {
        loop {
            let mut address = self.address.borrow().clone();
            if address.is_empty() {
                // The sender lives as long as self.
                let _ = self
                    .address
                    .subscribe()
                    .wait_for(|address| !address.is_empty())
                    .await
                    .map(|new| address.clone_from(&new));
            }
            self.waiters.note_sent(id, true);
            // Who gives an address up clears it first, and then looks who was sent.
            if *self.address.borrow() == address {
                return address;
            }
            self.waiters.note_sent(id, false);
        }
    }

    /// Whether replies can come now.
    pub(super) fn is_open(&self) -> bool {
        !self.address.borrow().is_empty()
    }

    /// Replies from a queue of this process's own.
    pub(crate) fn source(&self, blueprint: Arc<Blueprint>, instance: &str) -> Source {
        let mailbox = self.clone();
        let consume: Consume = Arc::new(move |intake| {
            let mailbox = mailbox.clone();
            Box::pin(async move { mailbox.receive(intake).await })
        });
        let (consumer_tag, name) = (format!("{}.replies/{instance}", blueprint.service), instance.to_owned());
        Source {
            origin: Origin::Exclusive(Box::new(move |word| blueprint.replies(&format!("{name}.{word}")))),
            consumer_tag,
            // The broker sends replies without waiting for acknowledgements; the limit of waiting calls bounds them.
            prefetch: 1000,
            no_ack: true,
            stays: true,
            retire: Some(self.retire()),
            consume,
        }
    }

    /// Replies by direct reply-to, from the lane on which requests are sent.
    pub(crate) fn direct(&self) -> Direct {
        let (open, deliver, close) = (self.clone(), self.clone(), self.clone());
        Direct {
            opened: Box::new(move || drop(open.address.send_replace(DIRECT_REPLY_TO.to_owned()))),
            deliver: Box::new(move |reply| deliver.deliver(reply)),
            closed: Box::new(move || close.close(DIRECT_REPLY_TO)),
            retire: self.retire(),
        }
    }

    /// New calls wait for the next address, and those under way for their replies, before this one is given up.
    fn retire(&self) -> Retire {
        let mailbox = self.clone();
        Arc::new(move || {
            mailbox.address.send_replace(String::new());
            let last = Last { ids: mailbox.waiters.sent(), waiters: mailbox.waiters.clone() };
            Box::pin(async move {
                let mut look = interval(LOOK);
                while last.are_there() {
                    look.tick().await;
                }
            })
        })
    }

    async fn receive(&self, mut intake: Intake) {
        let queue = intake.queue().to_owned();
        self.address.send_replace(queue.clone());
        // However this ends, also when it is cut off.
        let _receiving = Receiving { mailbox: self, queue };
        while let Some(delivered) = intake.next().await {
            self.deliver(delivered.inbound);
        }
    }

    fn deliver(&self, reply: Inbound) {
        if !self.waiters.deliver(reply) {
            self.metrics.late_reply();
        }
    }

    /// Replies do not come to this address any more, so all who wait are told that theirs will not.
    fn close(&self, address: &str) {
        let current = self.address.send_if_modified(|current| {
            let is_current = current == address;
            if is_current {
                current.clear();
            }
            is_current
        });
        if current {
            self.waiters.fail_all();
        }
    }
}

/// Those who still wait for replies to an address that is given up. Whoever is left at the end learns that none will come.
struct Last {
    ids: Vec<Arc<str>>,
    waiters: Waiters,
}

impl Last {
    fn are_there(&self) -> bool {
        self.waiters.any_of(&self.ids)
    }
}

impl Drop for Last {
    fn drop(&mut self) {
        self.waiters.fail(&self.ids);
    }
}

/// Replies come to this queue while it lives.
struct Receiving<'a> {
    mailbox: &'a Mailbox,
    queue: String,
}

impl Drop for Receiving<'_> {
    fn drop(&mut self) {
        self.mailbox.close(&self.queue);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::broker::Properties;

    #[tokio::test]
    async fn an_address_that_is_given_up_waits_for_the_calls_that_have_it_and_for_no_others() {
        let mailbox = Mailbox::new(8, Arc::new(Metrics::new("desk")));
        let direct = mailbox.direct();
        (direct.opened)();
        let mut sent = mailbox.waiters.wait_for(&"sent".into()).unwrap();
        assert_eq!(mailbox.address_for("sent").await, DIRECT_REPLY_TO);
        let _early = mailbox.waiters.wait_for(&"early".into()).unwrap();
        let mut retired = (direct.retire)();
        assert_eq!((&mut retired).now_or_never(), None, "one still waits for its reply");
        let mut early = std::pin::pin!(mailbox.address_for("early"));
        assert_eq!((&mut early).now_or_never(), None, "the address is taken by nobody any more");
        let properties = Properties { correlation_id: Some("sent".into()), ..Properties::default() };
        (direct.deliver)(Inbound::of("", "", "", properties));
        assert!(sent.reply().await.is_some());
        retired.await;
        (direct.opened)();
        assert_eq!(early.await, DIRECT_REPLY_TO, "it goes on with the next one");
    }
}
