//! Who waits for which reply.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::unread::{Inlet, Refused, Unread, unread};
use crate::broker::Inbound;
use crate::telemetry::Metrics;

/// The callers that wait, by the correlation id of their request. Bounded.
#[derive(Debug, Clone)]
pub(super) struct Waiters {
    by_id: Arc<Mutex<HashMap<Arc<str>, Entry>>>,
    limit: usize,
    metrics: Arc<Metrics>,
}

#[derive(Debug)]
struct Entry {
    caller: Caller,
    /// Whether the request has an address for its reply, and may be sent.
    sent: bool,
}

/// Where a reply is handed over.
#[derive(Debug)]
enum Caller {
    One(oneshot::Sender<Inbound>),
    Many(Inlet),
}

/// One caller's place. Dropping it forgets the call: a reply that comes later is late.
#[derive(Debug)]
pub(super) struct Place {
    id: Arc<str>,
    waiters: Waiters,
}

/// Waits for the one reply to a call.
#[derive(Debug)]
pub(super) struct Waiting {
    _place: Place,
    reply: oneshot::Receiver<Inbound>,
}

/// Waits for the replies to a call.
#[derive(Debug)]
pub(super) struct WaitingForMany {
    pub(super) place: Place,
    pub(super) replies: Unread,
}

impl Waiters {
    pub(super) fn new(limit: usize, metrics: Arc<Metrics>) -> Self {
        Self { by_id: Arc::default(), limit, metrics }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// A place for this id, unless all are taken.
    pub(super) fn wait_for(&self, id: &Arc<str>) -> Option<Waiting> {
        let (sender, reply) = oneshot::channel();
        Some(Waiting { _place: self.place(id, Caller::One(sender))?, reply })
    }

    /// A place for all the replies to this id, unless all places are taken.
    pub(super) fn wait_for_many(&self, id: &Arc<str>) -> Option<WaitingForMany> {
        let (inlet, replies) = unread();
        Some(WaitingForMany { place: self.place(id, Caller::Many(inlet))?, replies })
    }

    fn place(&self, id: &Arc<str>, caller: Caller) -> Option<Place> {
        let mut by_id = self.lock();
        if by_id.len() >= self.limit {
            return None;
        }
        by_id.insert(Arc::clone(id), Entry { caller, sent: false });
        self.metrics.waiting(by_id.len());
        Some(Place { id: Arc::clone(id), waiters: self.clone() })
    }

    /// Gives a reply to its caller. `false` when nobody waits for it.
    pub(super) fn deliver(&self, reply: Inbound) -> bool {
        let Some(id) = reply.properties.correlation_id() else { return false };
        let mut by_id = self.lock();
        if let Some(Entry { caller: Caller::Many(inlet), .. }) = by_id.get(id) {
            let id = id.to_owned();
            let Err(refused) = inlet.put(reply) else { return true };
            self.remove(&mut by_id, &id);
            return refused == Refused::Full;
        }
        let caller = self.remove(&mut by_id, id);
        drop(by_id);
        match caller {
            Some(Caller::One(caller)) => caller.send(reply).is_ok(),
            Some(Caller::Many(_)) | None => false,
        }
    }

    /// Tells every caller that no reply will come.
    pub(super) fn fail_all(&self) {
        self.lock().clear();
        self.metrics.waiting(0);
    }

    /// Notes whether this caller's request may be sent.
    pub(super) fn note_sent(&self, id: &str, sent: bool) {
        if let Some(entry) = self.lock().get_mut(id) {
            entry.sent = sent;
        }
    }

    /// Who waits for the reply to what may have been sent.
    pub(super) fn sent(&self) -> Vec<Arc<str>> {
        self.lock().iter().filter(|(_, entry)| entry.sent).map(|(id, _)| Arc::clone(id)).collect()
    }

    /// Whether any of these still waits.
    pub(super) fn any_of(&self, ids: &[Arc<str>]) -> bool {
        let by_id = self.lock();
        ids.iter().any(|id| by_id.contains_key(id))
    }

    /// Tells these callers that no reply will come.
    pub(super) fn fail(&self, ids: &[Arc<str>]) {
        let mut by_id = self.lock();
        for id in ids {
            self.remove(&mut by_id, id);
        }
    }

    fn remove(&self, by_id: &mut HashMap<Arc<str>, Entry>, id: &str) -> Option<Caller> {
        let removed = by_id.remove(id)?;
        self.metrics.waiting(by_id.len());
        Some(removed.caller)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Entry>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// The reply, or `None` when the connection was lost.
    pub(super) async fn reply(&mut self) -> Option<Inbound> {
        (&mut self.reply).await.ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let waiters = &self.waiters;
        waiters.remove(&mut waiters.lock(), &self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Properties;
    use crate::rpc::unread::UNREAD;

    fn waiters(limit: usize) -> Waiters {
        Waiters::new(limit, Arc::new(Metrics::new("desk")))
    }

    fn reply(id: &str) -> Inbound {
        let properties = Properties { correlation_id: Some(id.into()), ..Properties::default() };
        Inbound::of("", "", "1", properties)
    }

    #[tokio::test]
    async fn a_reply_goes_to_the_caller_with_its_id_and_to_no_other() {
        let waiters = waiters(2);
        let (mut a, mut b) = (waiters.wait_for(&"a".into()).unwrap(), waiters.wait_for(&"b".into()).unwrap());
        assert!(waiters.deliver(reply("b")) && waiters.deliver(reply("a")));
        assert_eq!(a.reply().await.unwrap().properties.correlation_id(), Some("a"));
        assert_eq!(b.reply().await.unwrap().properties.correlation_id(), Some("b"));
        assert!(!waiters.deliver(reply("a")), "it had its reply");
    }

    #[test]
    fn a_caller_that_went_away_is_forgotten_and_its_reply_is_late() {
        let waiters = waiters(1);
        drop(waiters.wait_for(&"a".into()));
        assert!(!waiters.deliver(reply("a")));
        drop(waiters.wait_for_many(&"b".into()));
        assert!(!waiters.deliver(reply("b")));
        assert_eq!(waiters.len(), 0);
    }

    #[tokio::test]
    async fn only_so_many_callers_may_wait_and_a_lost_connection_frees_all() {
        let waiters = waiters(1);
        let mut first = waiters.wait_for(&"a".into()).unwrap();
        assert!(waiters.wait_for(&"b".into()).is_none() && waiters.wait_for_many(&"b".into()).is_none());
        waiters.fail_all();
        assert!(first.reply().await.is_none());
        assert!(waiters.wait_for(&"b".into()).is_some());
    }

    #[tokio::test]
    async fn a_caller_that_does_not_read_its_replies_holds_up_nobody_and_no_memory() {
        let waiters = waiters(1);
        let mut lazy = waiters.wait_for_many(&"a".into()).unwrap();
        assert!((0..=UNREAD).all(|_| waiters.deliver(reply("a"))));
        assert!(!waiters.deliver(reply("a")), "nobody takes what comes after that");
        let mut read = 0;
        while lazy.replies.next().await.is_some() {
            read += 1;
        }
        assert_eq!((read, lazy.replies.is_overrun(), waiters.len()), (UNREAD, true, 0));
    }
}
