//! What a lane hears beside its messages.

use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, SelectAll, once, unfold};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::connection::Connected;
use super::lane::closed;
use super::link::{Change, Link};
use super::renewal::{Retire, renewal};

/// All that rarely happens. It is looked at when it happens, and not with every message.
pub(super) struct Asides<'a>(SelectAll<BoxStream<'a, Aside>>);

pub(super) enum Aside {
    /// The lane takes no more messages.
    Closed,
    /// The connection shall make way for the next one.
    Renewal,
    Connection(Change),
    /// The time has come that was asked for.
    Time,
}

impl<'a> Asides<'a> {
    pub(super) fn of(
        connection: &'a Connected,
        link: &'a mut Link,
        mut closing: watch::Receiver<bool>,
        retire: Option<Retire>,
    ) -> Self {
        let mut asides = Self(SelectAll::new());
        asides.hear(async move {
            closed(&mut closing).await;
            Aside::Closed
        });
        asides.hear(async move {
            renewal(connection, retire).await;
            Aside::Renewal
        });
        let changes =
            unfold(link, move |link| async move { Some((Aside::Connection(link.next(connection).await), link)) });
        asides.0.push(changes.boxed());
        asides
    }

    /// The next of them. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<Aside> {
        self.0.next().await
    }

    /// Asks to be told at this time.
    pub(super) fn at(&mut self, time: Instant) {
        self.hear(async move {
            sleep_until(time).await;
            Aside::Time
        });
    }

    fn hear(&mut self, aside: impl Future<Output = Aside> + Send + 'a) {
        self.0.push(once(aside).boxed());
    }
}
