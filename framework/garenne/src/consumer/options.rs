//! How a queue is worked.

use std::time::Duration;

use crate::topology::Fault;

/// How a handler's queue is worked. All have defaults; say only what differs.
///
/// ```
/// use std::time::Duration;
///
/// use garenne::Options;
///
/// let careful = Options::new().concurrency(1).attempts(3).deadline(Duration::from_secs(5));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub(crate) queue: Option<String>,
    pub(crate) concurrency: u16,
    pub(crate) prefetch: Option<u16>,
    pub(crate) attempts: Option<u32>,
    pub(crate) deadline: Duration,
}

impl Options {
    /// The defaults: a queue for this message alone, 16 handlers at once, a prefetch of twice as many, one attempt
    /// more than the retry ladder has steps, and 60 s for each attempt.
    #[must_use]
    pub fn new() -> Self {
        Self { queue: None, concurrency: 16, prefetch: None, attempts: None, deadline: Duration::from_secs(60) }
    }

    /// Puts the message into the queue `<service>.<name>` together with others that name it too, so that they are
    /// delivered in the order in which they were published. Handlers of one queue have the same options.
    #[must_use]
    pub fn queue(self, name: &str) -> Self {
        Self { queue: Some(name.to_owned()), ..self }
    }

    /// At most so many handlers of this queue run at once in one replica, 1 to 1,000.
    #[must_use]
    pub fn concurrency(self, handlers: u16) -> Self {
        Self { concurrency: handlers, ..self }
    }

    /// At most so many deliveries are under way to one replica, from `concurrency` to 2,000. A large number makes
    /// new replicas wait for work that old ones hold already.
    #[must_use]
    pub fn prefetch(self, deliveries: u16) -> Self {
        Self { prefetch: Some(deliveries), ..self }
    }

    /// A message is tried at most so many times, 1 to 1,000, then it is a dead letter.
    #[must_use]
    pub fn attempts(self, attempts: u32) -> Self {
        Self { attempts: Some(attempts), ..self }
    }

    /// An attempt that takes longer is a retryable failure: 1 ms to 25 min. The broker itself gives a consumer
    /// 30 min to acknowledge.
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    pub(crate) fn prefetch_count(&self) -> u16 {
        self.prefetch.unwrap_or_else(|| self.concurrency.saturating_mul(2))
    }

    /// What is out of its range.
    pub(crate) fn faults(&self, queue: &str) -> Vec<Fault> {
        let fault = |option, given: String, rule| Fault::Option { queue: queue.to_owned(), option, given, rule };
        let mut faults = Vec::new();
        if !(1..=1000).contains(&self.concurrency) {
            faults.push(fault("concurrency", self.concurrency.to_string(), "give 1 to 1000"));
        }
        if self.prefetch.is_some_and(|prefetch| prefetch < self.concurrency || prefetch > 2000) {
            faults.push(fault(
                "prefetch",
                self.prefetch_count().to_string(),
                "give at least the concurrency and at most 2000",
            ));
        }
        if self.attempts.is_some_and(|attempts| !(1..=1000).contains(&attempts)) {
            faults.push(fault("attempts", self.attempts.unwrap_or_default().to_string(), "give 1 to 1000"));
        }
        if !(Duration::from_millis(1)..=Duration::from_secs(25 * 60)).contains(&self.deadline) {
            faults.push(fault("deadline", format!("{} ms", self.deadline.as_millis()), "give 1 ms to 25 min"));
        }
        faults
    }
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}
