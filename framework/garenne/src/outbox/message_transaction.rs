//! The transaction of a message, as its handler sees it.

use std::ops::{Deref, DerefMut};

use tokio::sync::OwnedMappedMutexGuard;

use crate::store::Transaction;

/// The transaction in which a message is handled. It is committed when the handler returns `Ok`, and rolled back when it
/// fails, panics or passes its deadline; the handler itself neither commits nor rolls back.
///
/// It is a [`Transaction`] to whom it is handed: `&mut transaction`.
#[derive(Debug)]
pub struct MessageTransaction(pub(super) OwnedMappedMutexGuard<Option<Transaction>, Transaction>);

impl Deref for MessageTransaction {
    type Target = Transaction;

    fn deref(&self) -> &Transaction {
        &self.0
    }
}

impl DerefMut for MessageTransaction {
    fn deref_mut(&mut self) -> &mut Transaction {
        &mut self.0
    }
}
