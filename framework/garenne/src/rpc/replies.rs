//! What a handler answers with, when that is more than one reply.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::caller::{Caller, Number, Reply};
use crate::consumer::Failure;
use crate::publisher::encode;

/// Takes the replies to one request, one after the other: the third argument of a handler that is wired with
/// [`Service::answer_many`](crate::Service::answer_many).
///
/// ```
/// use garenne::{Context, NoError, Refusal, Replies, Request, Service};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Request, Serialize, Deserialize)]
/// #[request(name = "inventory.list-stock", reply = StockLevel)]
/// struct ListStock {}
///
/// #[derive(Serialize, Deserialize)]
/// struct StockLevel {
///     sku: String,
///     units: u32,
/// }
///
/// async fn list(_: ListStock, _: Context<()>, mut replies: Replies<StockLevel>) -> Result<(), Refusal<NoError>> {
///     for sku in ["MUG-BLUE", "MUG-RED"] {
///         replies.send(&StockLevel { sku: sku.into(), units: 7 }).await?;
///     }
///     Ok(()) // these were all
/// }
///
/// let service = Service::new("inventory").answer_many(list);
/// assert!(service.faults().is_empty());
/// ```
pub struct Replies<T> {
    caller: Arc<Caller>,
    run: String,
    sent: Sent,
    reply: PhantomData<fn(&T)>,
}

/// How many replies the broker has.
#[derive(Clone, Default)]
pub(super) struct Sent(Arc<AtomicU64>);

impl Sent {
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

impl<T: Serialize> Replies<T> {
    pub(super) fn new(caller: Arc<Caller>, run: String) -> Self {
        Self { caller, run, sent: Sent::default(), reply: PhantomData }
    }

    pub(super) fn sent(&self) -> Sent {
        self.sent.clone()
    }

    /// Sends one more reply and returns once the broker has it. When nobody waits, because the request is a command, nothing is
    /// sent.
    ///
    /// # Errors
    ///
    /// When the caller has gone or has stopped waiting, when the reply cannot be written, or when the broker does not take it.
    /// The handler returns it with `?`.
    pub async fn send(&mut self, reply: &T) -> Result<(), Failure> {
        if self.caller.has_given_up() {
            return Err(Failure::dead_letter("the caller has stopped waiting"));
        }
        let number = self.sent.count() + 1;
        let numbered = Number { run: self.run.clone(), number, last: false };
        let reply = Reply::value(encode(self.caller.request, reply)?).numbered(numbered);
        if !self.caller.tell(reply).await? {
            return Err(Failure::dead_letter("the caller has gone"));
        }
        self.sent.0.store(number, Ordering::Release);
        Ok(())
    }
}
