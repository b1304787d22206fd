//! What is broken on purpose, and in which order: a schedule that follows from its seed alone.

use std::fmt;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use crate::CONSUMERS;

/// One kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A replica dies by SIGKILL and is started again at once.
    KillService,
    /// A replica is asked to stop by SIGTERM and is started again once it has.
    StopService,
    /// The broker dies by SIGKILL, stays away, and comes back with its data.
    KillBroker,
    /// The broker stops in good order, stays away, and comes back.
    RestartBroker,
    /// The node that leads most of the work queues dies by SIGKILL, stays away, and comes back.
    KillLeader,
    /// Every connection of a service is closed through the management API.
    CloseConnections,
    /// The broker is short of memory for a while.
    MemoryAlarm,
    /// A service's connections end, and no new one comes through for a while.
    Cut,
    /// For a while nothing comes through between a service and the broker, and nobody is told.
    Stall,
    /// For a while everything between a service and the broker is late.
    Delay,
    /// PostgreSQL stops in good order and comes back.
    RestartPostgres,
    /// PostgreSQL dies by SIGKILL and comes back with its data.
    KillPostgres,
}

/// One fault of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What happens.
    pub kind: Kind,
    /// To which service, where it happens to one.
    pub service: &'static str,
    /// To which of its replicas, where it happens to one.
    pub replica: usize,
    /// How long the system runs before it.
    pub pause: Duration,
    /// How long it lasts.
    pub lasts: Duration,
}

/// The faults of a run, without an end.
#[derive(Debug)]
pub struct Schedule {
    random: StdRng,
    kinds: Deck<Kind>,
    services: Deck<&'static str>,
    replicas: usize,
}

/// Deals everything once before anything comes again.
#[derive(Debug)]
struct Deck<T> {
    all: Vec<T>,
    left: Vec<T>,
}

impl Kind {
    /// Whether it happens to one service.
    #[must_use]
    pub fn is_about_a_service(self) -> bool {
        matches!(
            self,
            Self::KillService | Self::StopService | Self::CloseConnections | Self::Cut | Self::Stall | Self::Delay
        )
    }

    /// How long it lasts, in milliseconds.
    fn range(self) -> std::ops::Range<u64> {
        match self {
            Self::KillService | Self::StopService | Self::CloseConnections => 0..1,
            Self::KillBroker | Self::RestartBroker | Self::KillLeader => 100..3_000,
            Self::MemoryAlarm => 2_000..8_000,
            Self::Cut => 500..6_000,
            // Some are longer than two heartbeats: then both sides give the connection up.
            Self::Stall => 2_000..25_000,
            Self::Delay => 3_000..10_000,
            Self::RestartPostgres | Self::KillPostgres => 100..2_500,
        }
    }
}

impl Schedule {
    /// The schedule of a seed. The same seed with the same kinds and number of replicas gives the same faults.
    #[must_use]
    pub fn new(seed: u64, kinds: &[Kind], replicas: usize) -> Self {
        let random = StdRng::seed_from_u64(seed);
        Self { random, kinds: Deck::new(kinds.to_vec()), services: Deck::new(CONSUMERS.to_vec()), replicas }
    }
}

impl Iterator for Schedule {
    type Item = Fault;

    fn next(&mut self) -> Option<Fault> {
        let kind = self.kinds.draw(&mut self.random)?;
        let service = if kind.is_about_a_service() { self.services.draw(&mut self.random)? } else { "" };
        let replica = self.random.random_range(0..self.replicas.max(1));
        let mut milliseconds = |range| Duration::from_millis(self.random.random_range(range));
        Some(Fault { kind, service, replica, pause: milliseconds(300..2_500), lasts: milliseconds(kind.range()) })
    }
}

impl<T: Copy> Deck<T> {
    fn new(all: Vec<T>) -> Self {
        Self { all, left: Vec::new() }
    }

    fn draw(&mut self, random: &mut StdRng) -> Option<T> {
        if self.left.is_empty() {
            self.left.clone_from(&self.all);
            self.left.shuffle(random);
        }
        self.left.pop()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::KillService => "service killed",
            Self::StopService => "service stopped",
            Self::KillBroker => "broker killed",
            Self::RestartBroker => "broker restarted",
            Self::KillLeader => "leader killed",
            Self::CloseConnections => "connections closed",
            Self::MemoryAlarm => "memory alarm",
            Self::Cut => "network cut",
            Self::Stall => "network stalled",
            Self::Delay => "network delayed",
            Self::RestartPostgres => "PostgreSQL restarted",
            Self::KillPostgres => "PostgreSQL killed",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, service, replica, lasts, .. } = self;
        match kind {
            Kind::KillService | Kind::StopService => write!(f, "{kind}: {service}-{}", replica + 1),
            Kind::CloseConnections => write!(f, "{kind}: {service}"),
            Kind::Cut | Kind::Stall | Kind::Delay => write!(f, "{kind}: {service}, {:.1} s", lasts.as_secs_f64()),
            _ => write!(f, "{kind}, {:.1} s", lasts.as_secs_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Fault, Kind, Schedule};
    use crate::CONSUMERS;

    const KINDS: [Kind; 4] = [Kind::KillService, Kind::StopService, Kind::KillBroker, Kind::Cut];

    fn faults(seed: u64, count: usize) -> Vec<Fault> {
        Schedule::new(seed, &KINDS, 2).take(count).collect()
    }

    #[test]
    fn a_seed_gives_the_same_faults_again_and_another_one_others() {
        assert_eq!(faults(7, 60), faults(7, 60));
        assert_ne!(faults(7, 60), faults(8, 60));
    }

    #[test]
    fn every_kind_and_every_service_has_its_turn_before_any_comes_again() {
        let kinds: BTreeSet<Kind> = faults(1, KINDS.len()).iter().map(|fault| fault.kind).collect();
        assert_eq!(kinds.len(), KINDS.len());
        let about = faults(1, 40).into_iter().filter(|fault| fault.kind.is_about_a_service());
        let services: BTreeSet<&str> = about.take(CONSUMERS.len()).map(|fault| fault.service).collect();
        assert_eq!(services.len(), CONSUMERS.len());
    }
}
