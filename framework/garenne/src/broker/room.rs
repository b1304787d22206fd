//! What may wait for its confirms at a time: so many messages, and so many bytes of them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::PublishError;
use super::lane::LaneState;
use crate::telemetry::Metrics;

/// The bounds of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// At least 1.
    pub(crate) messages: usize,
    /// Of bodies and headers. A single message may have more, but then it is the only one.
    pub(crate) bytes: u32,
}

/// Gives room to messages, first come, first served.
#[derive(Debug, Clone)]
pub(super) struct Rooms {
    limits: Limits,
    messages: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

/// A message's room among those in flight, until it is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    bytes: OwnedSemaphorePermit,
    metrics: Arc<Metrics>,
    _message: OwnedSemaphorePermit,
}

impl Rooms {
    pub(super) fn new(limits: Limits, metrics: Arc<Metrics>) -> Self {
        let bytes = usize::try_from(limits.bytes).unwrap_or(usize::MAX);
        Self {
            limits,
            messages: Arc::new(Semaphore::new(limits.messages)),
            bytes: Arc::new(Semaphore::new(bytes)),
            metrics,
        }
    }

    /// Gives no more room.
    pub(super) fn close(&self) {
        self.messages.close();
        self.bytes.close();
    }

    /// Room, when there is some at once.
    pub(super) fn now(&self, weight: usize) -> Option<Room> {
        let message = Arc::clone(&self.messages).try_acquire_owned().ok()?;
        let bytes = Arc::clone(&self.bytes).try_acquire_many_owned(self.share(weight)).ok()?;
        Some(self.room(message, bytes))
    }

    /// Room before the deadline. `None` when there is none, or an error when the lane is closed.
    pub(super) async fn by(&self, deadline: Instant, weight: usize) -> Result<Option<Room>, AcquireError> {
        let acquired = timeout_at(deadline, async {
            let message = Arc::clone(&self.messages).acquire_owned().await?;
            let bytes = Arc::clone(&self.bytes).acquire_many_owned(self.share(weight)).await?;
            Ok(self.room(message, bytes))
        });
        acquired.await.map_or(Ok(None), |room| room.map(Some))
    }

    /// Why there is none.
    pub(super) fn taken(&self, message: String, waited: Duration, state: &LaneState) -> PublishError {
        let reason = match state {
            LaneState::Open => "the broker confirms too slowly".to_owned(),
            LaneState::Blocked(reason) => format!("the broker takes no messages: {reason}"),
            LaneState::Connecting(reason) => format!("no connection to the broker: {reason}"),
        };
        let Limits { messages, bytes } = self.limits;
        PublishError::NoRoom { message, reason, messages, bytes, waited }
    }

    fn room(&self, message: OwnedSemaphorePermit, bytes: OwnedSemaphorePermit) -> Room {
        self.metrics.in_flight(i64::try_from(bytes.num_permits()).unwrap_or(i64::MAX));
        Room { bytes, metrics: Arc::clone(&self.metrics), _message: message }
    }

    fn share(&self, weight: usize) -> u32 {
        u32::try_from(weight).unwrap_or(u32::MAX).min(self.limits.bytes)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.metrics.in_flight(-i64::try_from(self.bytes.num_permits()).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_message_that_is_larger_than_all_room_has_it_alone() {
        let limits = Limits { messages: 4, bytes: 1000 };
        let rooms = Rooms::new(limits, Arc::new(Metrics::new("orders")));
        let small = rooms.now(10).expect("all is free");
        assert!(rooms.now(5000).is_none());
        let waiting = rooms.by(Instant::now() + Duration::from_secs(1), 5000);
        assert!(waiting.await.unwrap().is_none(), "the small one is there still");
        drop(small);
        let large = rooms.now(5000).expect("it is alone");
        assert!(rooms.now(1).is_none());
        drop(large);
        assert!(rooms.now(1000).is_some());
    }

    #[tokio::test]
    async fn messages_are_counted_beside_their_bytes() {
        let rooms = Rooms::new(Limits { messages: 2, bytes: 1000 }, Arc::new(Metrics::new("orders")));
        let (first, second) = (rooms.now(1).unwrap(), rooms.now(1).unwrap());
        assert!(rooms.now(1).is_none());
        drop((first, second));
        rooms.close();
        assert!(rooms.by(Instant::now() + Duration::from_secs(1), 1).await.is_err());
    }
}
