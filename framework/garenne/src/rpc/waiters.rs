//! Who waits for which reply.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::broker::Inbound;

/// The callers that wait, by the correlation id of their request. Bounded.
#[derive(Debug, Clone)]
pub(super) struct Waiters {
    by_id: Arc<Mutex<HashMap<String, oneshot::Sender<Inbound>>>>,
    limit: usize,
}

/// One caller's place. Dropping it forgets the call: a reply that comes later is late.
#[derive(Debug)]
pub(super) struct Waiting {
    id: String,
    waiters: Waiters,
    reply: oneshot::Receiver<Inbound>,
}

impl Waiters {
    pub(super) fn new(limit: usize) -> Self {
        Self { by_id: Arc::default(), limit }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// A place for this id, unless all are taken.
    pub(super) fn wait_for(&self, id: &str) -> Option<Waiting> {
        let mut by_id = self.lock();
        if by_id.len() >= self.limit {
            return None;
        }
        let (sender, reply) = oneshot::channel();
        by_id.insert(id.to_owned(), sender);
        Some(Waiting { id: id.to_owned(), waiters: self.clone(), reply })
    }

    /// Gives a reply to its caller. `false` when nobody waits for it.
    pub(super) fn deliver(&self, reply: Inbound) -> bool {
        let waiting = reply.properties.correlation_id.as_deref().and_then(|id| self.lock().remove(id));
        waiting.is_some_and(|caller| caller.send(reply).is_ok())
    }

    /// Tells every caller that no reply will come.
    pub(super) fn fail_all(&self) {
        self.lock().clear();
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Inbound>>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// The reply, or `None` when the connection was lost.
    pub(super) async fn reply(&mut self) -> Option<Inbound> {
        (&mut self.reply).await.ok()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.waiters.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Properties;

    fn reply(id: &str) -> Inbound {
        let properties = Properties { correlation_id: Some(id.into()), ..Properties::default() };
        Inbound {
            exchange: String::new(),
            routing_key: String::new(),
            redelivered: false,
            body: b"1".to_vec(),
            properties,
        }
    }

    #[tokio::test]
    async fn a_reply_goes_to_the_caller_with_its_id_and_to_no_other() {
        let waiters = Waiters::new(2);
        let (mut a, mut b) = (waiters.wait_for("a").unwrap(), waiters.wait_for("b").unwrap());
        assert!(waiters.deliver(reply("b")) && waiters.deliver(reply("a")));
        assert_eq!(a.reply().await.unwrap().properties.correlation_id.as_deref(), Some("a"));
        assert_eq!(b.reply().await.unwrap().properties.correlation_id.as_deref(), Some("b"));
    }

    #[test]
    fn a_caller_that_went_away_is_forgotten_and_its_reply_is_late() {
        let waiters = Waiters::new(1);
        drop(waiters.wait_for("a"));
        assert!(!waiters.deliver(reply("a")));
        assert_eq!(waiters.len(), 0);
    }

    #[tokio::test]
    async fn only_so_many_callers_may_wait_and_a_lost_connection_frees_all() {
        let waiters = Waiters::new(1);
        let mut first = waiters.wait_for("a").unwrap();
        assert!(waiters.wait_for("b").is_none());
        waiters.fail_all();
        assert!(first.reply().await.is_none());
        assert!(waiters.wait_for("b").is_some());
    }
}
