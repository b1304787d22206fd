//! Watches one connection.

use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use lapin::{Connection, Event};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::BrokerError;
use super::error::is_poison;

/// A graceful close by the broker raises no event, so the state is looked at as well.
const LOOK: Duration = Duration::from_millis(250);

/// Tells what happens to a connection. There may be one for each connection: the client's event streams compete.
pub(super) struct Link {
    events: Pin<Box<dyn Stream<Item = Event> + Send>>,
    look: Interval,
    last_error: Option<lapin::Error>,
}

/// What happened.
pub(super) enum Change {
    /// The broker is short of memory or disk and reads nothing from this connection.
    Blocked(String),
    Unblocked,
    Lost(Loss),
}

/// The end of a connection.
pub(super) struct Loss {
    pub(super) error: BrokerError,
    /// A message that the client cannot read may be the cause.
    pub(super) poison: bool,
}

impl Loss {
    pub(super) fn of(error: &lapin::Error) -> Self {
        Self { error: BrokerError::Lost(error.to_string()), poison: is_poison(error) }
    }

    pub(super) fn because(reason: impl Into<String>) -> Self {
        Self { error: BrokerError::Lost(reason.into()), poison: false }
    }
}

impl Link {
    pub(super) fn new(connection: &Connection) -> Self {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { events: Box::pin(connection.events_listener()), look, last_error: None }
    }

    /// Waits for the next change. Cancel-safe.
    pub(super) async fn next(&mut self, connection: &Connection) -> Change {
        loop {
            tokio::select! {
                event = self.events.next() => match event {
                    Some(Event::ConnectionBlocked(reason)) => return Change::Blocked(reason),
                    Some(Event::ConnectionUnblocked) => return Change::Unblocked,
                    // Channel errors come here too; the first error is the cause of the later ones.
                    Some(Event::Error(error)) => { self.last_error.get_or_insert(error); }
                    Some(_) => {}
                    None => return Change::Lost(self.loss()),
                },
                _ = self.look.tick() => {}
            }
            if !connection.status().connected() {
                return Change::Lost(self.loss());
            }
        }
    }

    fn loss(&self) -> Loss {
        match &self.last_error {
            Some(error) => Loss::of(error),
            None => Loss::because("closed by the broker"),
        }
    }
}
