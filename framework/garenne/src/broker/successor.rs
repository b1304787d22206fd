//! Whether certificates have changed, and whether the broker takes the new ones.
//!
//! A connection that is well is not given up for files that nobody has tried: an authority may come to services before the broker has
//! its certificate from it, or be a wrong one, and then every service would be down at once. So a connection is opened by the new files
//! first, and closed again.

use std::future::pending;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::BrokerError;
use super::certificates::Edition;
use super::dock::{Dock, close, off_the_runtime};
use super::tls::Tls;
use crate::telemetry::Mentions;

/// How often to look at the files.
const LOOK: Duration = Duration::from_secs(2);
/// For so long what a trial has shown counts, for all connections of the service.
const COUNTS: Duration = Duration::from_secs(10);

/// The connection that could take the place of any other one.
pub(super) struct Successor {
    tls: Tls,
    dock: Dock,
    trials: Mutex<Trials>,
}

#[derive(Default)]
struct Trials {
    last: Option<Trial>,
    mentions: Mentions,
}

/// Whether a connection by this edition has succeeded.
#[derive(Clone, Copy)]
struct Trial {
    edition: Edition,
    at: Instant,
    succeeded: bool,
}

impl Successor {
    pub(super) fn new(tls: Tls, dock: Dock) -> Self {
        Self { tls, dock, trials: Mutex::default() }
    }

    /// Ends when the files say something else than in that edition and the broker takes a connection by it.
    pub(super) async fn comes(&self, since: Edition) {
        if !self.tls.may_change() {
            return pending().await;
        }
        loop {
            sleep(LOOK).await;
            match self.has_come(since).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(reason) => self.mention(&reason).await,
            }
        }
    }

    async fn has_come(&self, since: Edition) -> Result<bool, String> {
        let tls = self.tls.clone();
        // They have to be whole. Perhaps only some of them are written so far.
        let look = move || if tls.has_changed(since)? { Ok(Some(tls.prepare()?.edition)) } else { Ok(None) };
        let Some(edition) = off_the_runtime(look).await?.filter(|edition| *edition != since) else { return Ok(false) };
        let mut trials = self.trials.lock().await;
        if let Some(succeeded) = trials.known(edition) {
            return Ok(succeeded);
        }
        let tried = self.try_it().await;
        let succeeded = matches!(tried, Ok(now) if now == Some(edition));
        trials.last = Some(Trial { edition, at: Instant::now(), succeeded });
        tried.map_err(|error| error.to_string())?;
        Ok(succeeded)
    }

    /// Opens a connection by the files as they are now, and closes it.
    async fn try_it(&self) -> Result<Option<Edition>, BrokerError> {
        let (line, edition) = self.dock.next_line().await?;
        let connection = self.dock.open(&line).await?;
        close(&connection).await;
        Ok(edition)
    }

    async fn mention(&self, reason: &str) {
        if self.trials.lock().await.mentions.is_news(reason) {
            tracing::warn!("the next connection would fail, those that are open go on: {reason}");
        }
    }
}

impl Trials {
    /// What has been found out about this edition, if that was lately.
    fn known(&self, edition: Edition) -> Option<bool> {
        let last = self.last.filter(|last| last.edition == edition && last.at.elapsed() < COUNTS)?;
        Some(last.succeeded)
    }
}
