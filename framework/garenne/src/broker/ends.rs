//! Until when the consumers of one connection go on: as long as the service does, or until the connection is to be renewed.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// A renewal cuts nobody off: the supervisor says when it has waited long enough.
const FAR: Duration = Duration::from_secs(24 * 3600);

/// Becomes the deadline once it is time.
type Deadline = watch::Receiver<Option<Instant>>;

/// The two ends: of what takes work, and of what stays until that has ended.
pub(super) struct Ends {
    drain: watch::Sender<Option<Instant>>,
    release: watch::Sender<Option<Instant>>,
}

impl Ends {
    /// As the service's own stand now.
    pub(super) fn of(drain: &Deadline, release: &Deadline) -> Self {
        Self { drain: watch::Sender::new(*drain.borrow()), release: watch::Sender::new(*release.borrow()) }
    }

    /// The end of a source that stays, or of one that does not.
    pub(super) fn of_source(&self, stays: bool) -> Deadline {
        if stays { self.release.subscribe() } else { self.drain.subscribe() }
    }

    /// Nothing more is taken up.
    pub(super) fn drain(&self) {
        begin(&self.drain);
    }

    /// Those that stayed may end too.
    pub(super) fn release(&self) {
        begin(&self.release);
    }

    /// Passes on what the service decides.
    pub(super) async fn follow(&self, drain: Deadline, release: Deadline) -> Infallible {
        let (never, _) = tokio::join!(pass_on(drain, &self.drain), pass_on(release, &self.release));
        never
    }
}

fn begin(end: &watch::Sender<Option<Instant>>) {
    end.send_if_modified(|deadline| deadline.is_none() && deadline.replace(Instant::now() + FAR).is_none());
}

async fn pass_on(mut from: Deadline, to: &watch::Sender<Option<Instant>>) -> Infallible {
    if let Ok(deadline) = from.wait_for(Option::is_some).await {
        to.send_replace(*deadline);
    }
    pending().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_renewal_ends_both_late_and_the_service_itself_soon() {
        let (service, drain) = watch::channel(None);
        let (_release, release) = watch::channel(None);
        let ends = Ends::of(&drain, &release);
        let (working, staying) = (ends.of_source(false), ends.of_source(true));
        ends.drain();
        let first = (*working.borrow()).expect("it drains");
        assert!(first >= Instant::now() + FAR && staying.borrow().is_none());
        ends.release();
        assert!(staying.borrow().is_some());
        let soon = Instant::now();
        service.send_replace(Some(soon));
        let _never = tokio::time::timeout(Duration::from_secs(1), ends.follow(drain, release)).await;
        assert_eq!(*working.borrow(), Some(soon));
        ends.drain();
        assert_eq!(*working.borrow(), Some(soon), "what the service decided stays");
    }
}
