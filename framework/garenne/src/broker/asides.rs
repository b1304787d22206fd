//! What a lane hears beside its messages.

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::connection::Connected;
use super::lane::closed;
use super::link::{Change, Link};
use super::renewal::{Retire, renewal};

/// All that rarely happens. It is looked at when it happens, and not with every message.
pub(super) struct Asides<'a> {
    awaited: FuturesUnordered<BoxFuture<'a, Heard<'a>>>,
    connection: &'a Connected,
}

pub(super) enum Aside {
    /// The lane takes no more messages.
    Closed,
    /// The connection shall make way for the next one.
    Renewal,
    Connection(Change),
    /// The time has come that was asked for.
    Time,
}

enum Heard<'a> {
    Once(Aside),
    Change(Change, &'a mut Link),
}

impl<'a> Asides<'a> {
    pub(super) fn of(
        connection: &'a Connected,
        link: &'a mut Link,
        mut closing: watch::Receiver<bool>,
        retire: Option<Retire>,
    ) -> Self {
        let awaited = FuturesUnordered::new();
        awaited.push(async move { closed(&mut closing).await }.map(|()| Heard::Once(Aside::Closed)).boxed());
        awaited.push(renewal(connection, retire).map(|()| Heard::Once(Aside::Renewal)).boxed());
        awaited.push(change(connection, link).boxed());
        Self { awaited, connection }
    }

    /// The next of them, when there is one. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<Aside> {
        Some(match self.awaited.next().await? {
            Heard::Once(aside) => aside,
            Heard::Change(happened, link) => {
                self.awaited.push(change(self.connection, link).boxed());
                Aside::Connection(happened)
            }
        })
    }

    /// Asks to be told at this time.
    pub(super) fn at(&mut self, time: Instant) {
        self.awaited.push(sleep_until(time).map(|()| Heard::Once(Aside::Time)).boxed());
    }
}

async fn change<'a>(connection: &Connected, link: &'a mut Link) -> Heard<'a> {
    Heard::Change(link.next(connection).await, link)
}
