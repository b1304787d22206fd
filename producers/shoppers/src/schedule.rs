//! When the next customer comes: by a timetable, so that slow publishing does not thin out the crowd.

use std::time::Duration;

use tokio::time::Instant;

/// The most time that is caught up on. A broker that was away for an hour does not get an hour's orders at once.
const CATCH_UP: Duration = Duration::from_secs(2);

/// A steady timetable.
#[derive(Debug)]
pub(crate) struct Schedule {
    every: Duration,
    next: Instant,
}

impl Schedule {
    /// So many per second, the first one now.
    ///
    /// # Panics
    ///
    /// When the rate is not positive.
    #[must_use]
    pub(crate) fn new(per_second: f64, now: Instant) -> Self {
        Self { every: Duration::from_secs_f64(per_second.recip()), next: now }
    }

    /// When the next one is due. What is more than two seconds late is left out.
    pub(crate) fn next(&mut self, now: Instant) -> Instant {
        let earliest = now.checked_sub(CATCH_UP).unwrap_or(now);
        if self.next < earliest && self.every < CATCH_UP {
            self.next = earliest;
        }
        let due = self.next;
        self.next = due.max(earliest) + self.every;
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_steady_whatever_the_time_between_looks() {
        let start = Instant::now();
        let mut schedule = Schedule::new(100.0, start);
        let due: Vec<_> = (0..4).map(|n| schedule.next(start + Duration::from_millis(n)) - start).collect();
        assert_eq!(due, [0, 10, 20, 30].map(Duration::from_millis));
    }

    #[test]
    fn lateness_is_caught_up_on_within_bounds() {
        let start = Instant::now();
        let mut schedule = Schedule::new(100.0, start);
        let late = start + Duration::from_secs(3600);
        let caught_up = (0..).take_while(|_| schedule.next(late) <= late).count();
        assert_eq!(caught_up, 201);
    }

    #[test]
    fn a_slow_pace_is_not_hurried() {
        let start = Instant::now();
        let mut schedule = Schedule::new(0.01, start);
        schedule.next(start);
        assert_eq!(schedule.next(start) - start, Duration::from_secs(100));
    }
}
