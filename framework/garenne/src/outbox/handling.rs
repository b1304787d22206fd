//! The handling of one delivery, or of one page of a log, and everything that is committed with it.

use std::mem::{replace, take};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use garenne_contract::MessageName;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::inbox::{self, Known};
use super::{Draft, MessageTransaction, Outbox, database, now, rows};
use crate::broker::{Inbound, PublishError};
use crate::consumer::{Failure, Message};
use crate::retry::Reason;
use crate::store::Transaction;
use crate::telemetry::Metrics;

/// What happens to a delivery as one: its handler's statements, the inbox's row, the messages it publishes. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Handling(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    outbox: Option<Outbox>,
    queue: Arc<str>,
    /// What the inbox is to know: the message's id, its name, and the message for its body.
    noted: Option<(String, &'static str, Arc<Inbound>)>,
    state: Mutex<State>,
    transaction: Arc<AsyncMutex<Option<Transaction>>>,
}

#[derive(Debug)]
enum State {
    /// The handler has begun no transaction: what it publishes goes out at once.
    Apart,
    /// What it has published so far waits for the commit.
    Begun(Vec<Draft>),
    /// The message's effects were committed before.
    HandledBefore,
    /// The handler has ended; whether it had begun no transaction.
    Ended { apart: bool },
}

impl State {
    fn is_apart(&self) -> bool {
        matches!(self, Self::Apart | Self::Ended { apart: true })
    }
}

impl Handling {
    pub(crate) fn new(
        outbox: Option<Outbox>,
        queue: &Arc<str>,
        name: MessageName,
        inbound: &Arc<Inbound>,
        message: &Message,
    ) -> Self {
        let id = message.message_id().filter(|_| outbox.is_some());
        Self(Arc::new(Shared {
            noted: id.map(|id| (id.to_owned(), name.as_str(), Arc::clone(inbound))),
            outbox,
            queue: Arc::clone(queue),
            state: Mutex::new(State::Apart),
            transaction: Arc::default(),
        }))
    }

    /// What happens to a page of a log as one. Its transaction has begun: it holds the place in the log.
    pub(crate) fn begun(outbox: &Outbox, log: &Arc<str>, transaction: Transaction) -> Self {
        Self(Arc::new(Shared {
            outbox: Some(outbox.clone()),
            queue: Arc::clone(log),
            noted: None,
            state: Mutex::new(State::Begun(Vec::new())),
            transaction: Arc::new(AsyncMutex::new(Some(transaction))),
        }))
    }

    /// Begins the transaction, or gives it again to a handler that has let go of it.
    ///
    /// A message without an id is not noted in the inbox: nothing would tell it from the next one.
    pub(crate) async fn begin(&self) -> Result<MessageTransaction, Failure> {
        let Shared { outbox, queue, noted, .. } = &*self.0;
        let outbox = outbox.as_ref().ok_or_else(|| Failure::dead_letter(Outbox::MISSING))?;
        let mut slot = self.slot()?;
        if slot.is_none() {
            if matches!(*self.state(), State::Ended { .. }) {
                return Err(Failure::retry("the handler of this message has ended, and its transaction with it"));
            }
            let mut transaction = outbox.store.write().await.map_err(database)?;
            if let Some((id, name, inbound)) = noted {
                if id.contains('\0') {
                    return Err(Failure::dead_letter(format!("message_id {id:?} has a NUL, which no database keeps")));
                }
                let kind = outbox.store.kind();
                let known = inbox::note(&mut transaction, kind, queue, id, name, &inbound.body).await;
                match known.map_err(database)? {
                    Known::New => {}
                    Known::Before => {
                        *self.state() = State::HandledBefore;
                        return Err(Failure::retry(format!("message {id} was handled before")));
                    }
                    Known::Other => {
                        let text = format!(
                            "another message was handled under message_id {id:?}; a sender must not use an id twice"
                        );
                        return Err(Failure::hopeless(text, Reason::IdReused));
                    }
                }
            }
            *slot = Some(transaction);
            *self.state() = State::Begun(Vec::new());
        }
        OwnedMutexGuard::try_map(slot, Option::as_mut)
            .map(MessageTransaction)
            .map_err(|_| Failure::retry("the transaction is gone"))
    }

    /// Takes a message into the transaction that has begun.
    ///
    /// # Errors
    ///
    /// When the handler has ended meanwhile and something that it left running publishes, or when the message was handled before.
    pub(crate) fn take_in(&self, draft: Draft) -> Result<(), PublishError> {
        match &mut *self.state() {
            State::Begun(drafts) => {
                drafts.push(draft);
                Ok(())
            }
            State::Apart | State::HandledBefore | State::Ended { .. } => {
                Err(PublishError::TooLate { message: draft.outgoing.routing_key })
            }
        }
    }

    pub(crate) fn queue(&self) -> &str {
        &self.0.queue
    }

    /// Whether what the handler publishes goes out at once, since it has begun no transaction.
    pub(crate) fn is_apart(&self) -> bool {
        self.state().is_apart()
    }

    /// Whether the handler has begun its transaction.
    pub(crate) fn has_begun(&self) -> bool {
        matches!(*self.state(), State::Begun(_))
    }

    /// Whether the message's effects were committed before, so that nothing is left to do.
    pub(crate) fn was_handled_before(&self) -> bool {
        matches!(*self.state(), State::HandledBefore)
    }

    /// What becomes of a delivery whose handler has ended like this.
    pub(crate) async fn conclude(&self, handled: Result<(), Failure>, metrics: &Metrics) -> Result<(), Failure> {
        match handled {
            Ok(()) => self.commit().await,
            Err(_) if self.was_handled_before() => {
                metrics.duplicate(&self.0.queue);
                Ok(())
            }
            Err(failure) => {
                self.roll_back().await;
                Err(failure)
            }
        }
    }

    /// Commits what the handler has done, if it has begun a transaction.
    pub(crate) async fn commit(&self) -> Result<(), Failure> {
        let state = self.end();
        let (State::Begun(drafts), Some(outbox)) = (state, &self.0.outbox) else { return Ok(()) };
        // Boxed, so that deliveries without a transaction are handled by small futures.
        Box::pin(self.commit_with(drafts, outbox)).await
    }

    async fn commit_with(&self, drafts: Vec<Draft>, outbox: &Outbox) -> Result<(), Failure> {
        let Some(mut transaction) = take(&mut *self.slot()?) else { return Ok(()) };
        let published = !drafts.is_empty();
        rows::insert(&mut transaction, outbox.store.kind(), drafts, now()).await.map_err(database)?;
        transaction.commit().await.map_err(database)?;
        if published {
            outbox.committed.notify_one();
        }
        Ok(())
    }

    /// Undoes what the handler has done. What is dropped instead is rolled back as well, only later.
    pub(crate) async fn roll_back(&self) {
        self.end();
        let transaction = self.slot().ok().and_then(|mut slot| take(&mut *slot));
        if let Some(transaction) = transaction
            && let Err(error) = Box::pin(transaction.rollback()).await
        {
            tracing::debug!(%error, "a transaction could not be rolled back; its connection is gone, and so is it");
        }
    }

    /// Undoes what a handler has done that was cut off, also when something that it left running holds on to its context.
    pub(crate) fn abandon(&self) {
        self.end();
        drop(self.slot().ok().and_then(|mut slot| take(&mut *slot)));
    }

    /// Ends; returns the state before.
    fn end(&self) -> State {
        let mut state = self.state();
        let apart = state.is_apart();
        replace(&mut *state, State::Ended { apart })
    }

    fn slot(&self) -> Result<OwnedMutexGuard<Option<Transaction>>, Failure> {
        Arc::clone(&self.0.transaction).try_lock_owned().map_err(|_| {
            Failure::retry("the transaction of this message is in use elsewhere: take it once, and let go of it before the handler returns")
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
