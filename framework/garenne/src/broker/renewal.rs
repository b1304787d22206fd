//! When a connection that is well shall make way for the next one.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use tokio::time::timeout;

use super::connection::Connected;

/// How long those who wait for replies may hold up a renewal.
const LEAVE: Duration = Duration::from_secs(10);

/// Lets nobody new wait for what comes by a connection, and ends once nobody does any more. When it is dropped before, those who
/// still wait are told that nothing will come.
pub(crate) type Retire = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// The renewal of one publishing connection.
pub(super) struct Renewal<'a> {
    coming: BoxFuture<'a, ()>,
    is_due: bool,
}

impl<'a> Renewal<'a> {
    /// Once certificates have changed, and those who wait for replies by this connection have theirs.
    pub(super) fn of(connection: &'a Connected, retire: Option<Retire>) -> Self {
        let coming = async move {
            connection.renewed().await;
            leave(retire.iter()).await;
        };
        Self { coming: coming.boxed(), is_due: false }
    }

    /// Waits for it, once. Cancel-safe.
    pub(super) async fn due(&mut self) {
        if self.is_due {
            return pending().await;
        }
        (&mut self.coming).await;
        self.is_due = true;
    }

    pub(super) fn is_due(&self) -> bool {
        self.is_due
    }
}

/// Ends once nobody waits any more for what comes by a connection, or has waited for long.
pub(super) async fn leave(all: impl Iterator<Item = &Retire>) {
    let _ = timeout(LEAVE, join_all(all.map(|retire| retire()))).await;
}
