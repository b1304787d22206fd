//! Trouble that lasts is told, but not at every attempt.

use std::time::Duration;

use tokio::time::Instant;

/// How long the same trouble stays unmentioned after it was logged.
const REPEAT: Duration = Duration::from_secs(30);
/// Different troubles that are remembered. More than take turns in one outage.
const REMEMBERED: usize = 16;

/// What was logged lately.
#[derive(Debug, Default)]
pub(crate) struct Mentions {
    lately: Vec<(String, Instant)>,
}

impl Mentions {
    /// Whether to log this: it was not logged within the last 30 s.
    pub(crate) fn is_news(&mut self, text: &str) -> bool {
        self.lately.retain(|(_, at)| at.elapsed() < REPEAT);
        if self.lately.iter().any(|(known, _)| known == text) {
            return false;
        }
        if self.lately.len() == REMEMBERED {
            self.lately.remove(0);
        }
        self.lately.push((text.to_owned(), Instant::now()));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn troubles_that_take_turns_are_each_told_once_in_30_seconds() {
        let mut mentions = Mentions::default();
        let mut told = 0;
        for second in 0..60 {
            told += usize::from(mentions.is_news(if second % 2 == 0 { "refused" } else { "silent" }));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(told, 4);
    }
}
