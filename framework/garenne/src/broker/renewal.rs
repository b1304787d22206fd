//! When a connection that is well shall make way for the next one.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use tokio::time::timeout;

use super::connection::Connected;

/// How long those who wait for replies may hold up a renewal.
const LEAVE: Duration = Duration::from_secs(10);

/// Lets nobody new wait for what comes by a connection, and ends once nobody does any more. When it is dropped before, those who
/// still wait are told that nothing will come.
pub(crate) type Retire = Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// Ends once certificates have changed, and those who wait for replies by this connection have theirs.
pub(super) async fn renewal(connection: &Connected, retire: Option<Retire>) {
    connection.renewed().await;
    leave(retire.iter()).await;
}

/// Ends once nobody waits any more for what comes by a connection, or has waited for long.
pub(super) async fn leave(all: impl Iterator<Item = &Retire>) {
    let _ = timeout(LEAVE, join_all(all.map(|retire| retire()))).await;
}
