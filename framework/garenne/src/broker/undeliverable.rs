//! Finds out what of a log the broker cannot deliver.
//!
//! Anybody may publish what the broker stores in a stream and then fails to make a delivery of: a header `x-basic-type` that
//! is no text, for one. It ends the connection over it, and again each time, and says neither which log it was nor which
//! entry. So it is tried, on connections that nobody else uses.

use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::options::{BasicConsumeOptions, BasicQosOptions};
use tokio::time::timeout;

use super::connection::{Broker, Connected};
use super::properties::short;
use super::{BrokerError, Offset};

/// The broker may fail once for another reason.
const TRIES: u32 = 3;
/// What the log has comes at once. Nothing comes while it has nothing there.
const ANSWER: Duration = Duration::from_secs(1);

impl Broker {
    /// Where a subscription to a log may begin that was to begin there: there, unless the broker fails at it, and else as soon after
    /// it as it can. What it delivers together it fails at together, up to the last entry of which it can make nothing.
    pub(crate) async fn first_deliverable(&self, log: &str, beginning: Offset) -> Offset {
        let (from, offset): (i64, fn(i64) -> Offset) = match beginning {
            Offset::First => (0, Offset::At),
            Offset::At(from) => (from, Offset::At),
            Offset::Since(seconds) => {
                (i64::try_from(seconds).unwrap_or(i64::MAX), |seconds| Offset::Since(seconds.unsigned_abs()))
            }
            Offset::Last if self.fails_at(log, beginning).await => return Offset::Next,
            Offset::Last | Offset::Next => return beginning,
        };
        let mut search = Search::from(from);
        while let Some(number) = search.next() {
            search.tried(number, self.fails_at(log, offset(number)).await);
        }
        offset(search.found())
    }

    async fn fails_at(&self, log: &str, offset: Offset) -> bool {
        for _ in 0..TRIES {
            let Ok(connection) = self.consuming().await else { return false };
            let _ = timeout(ANSWER, deliver(&connection, log, offset)).await;
            let failed = connection.ended_over_a_message();
            connection.close().await;
            if !failed {
                return false;
            }
        }
        true
    }
}

/// Has the broker deliver one entry. Ends with it, or with the connection.
async fn deliver(connection: &Connected, log: &str, offset: Offset) -> Result<(), BrokerError> {
    let subscribe = async {
        let channel = connection.create_channel().await?;
        channel.basic_qos(1, BasicQosOptions { global: false }).await?;
        let too_long = |_| lapin::Error::from(std::io::Error::other("a log's name is too long"));
        let queue = short("the log's name", log).map_err(too_long)?;
        let options = BasicConsumeOptions::default();
        let mut entries = channel.basic_consume(queue, "".into(), options, offset.argument()).await?;
        entries.next().await.transpose().map(drop)
    };
    tokio::select! {
        delivered = subscribe => delivered.map_err(|error| BrokerError::Lost(error.to_string())),
        () = connection.lost() => Ok(()),
    }
}

/// Looks for the first offset at which nothing fails: the strides double until one is found, then it is looked for in between.
struct Search {
    before: i64,
    failing: i64,
    sound: Option<i64>,
}

impl Search {
    fn from(offset: i64) -> Self {
        Self { before: offset - 1, failing: offset - 1, sound: None }
    }

    /// What to try next. Nothing when it is found.
    fn next(&self) -> Option<i64> {
        match self.sound {
            None => self.failing.checked_add((self.failing - self.before).max(1)),
            Some(sound) => Some(self.failing + (sound - self.failing) / 2).filter(|middle| *middle > self.failing),
        }
    }

    fn tried(&mut self, offset: i64, fails: bool) {
        if fails {
            self.failing = offset;
        } else {
            self.sound = Some(offset);
        }
    }

    fn found(&self) -> i64 {
        self.sound.unwrap_or(self.failing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a reader goes on, and how often it was tried.
    fn found(from: i64, fails_at: impl Fn(i64) -> bool) -> (i64, u32) {
        let (mut search, mut tries) = (Search::from(from), 0);
        while let Some(offset) = search.next() {
            search.tried(offset, fails_at(offset));
            tries += 1;
        }
        (search.found(), tries)
    }

    #[test]
    fn a_reader_goes_on_straight_behind_what_the_broker_cannot_deliver() {
        assert_eq!(found(7, |_| false), (7, 1));
        assert_eq!(found(7, |offset| offset == 7), (8, 2));
        // A chunk as a whole: all that is in it before the bad entry is out of reach.
        assert_eq!(found(7, |offset| offset <= 407).0, 408);
        // The log begins far behind what is asked for.
        let (sound, tries) = found(0, |offset| offset <= 5_000_003);
        assert!(sound == 5_000_004 && tries < 60, "{sound} after {tries} tries");
    }
}
