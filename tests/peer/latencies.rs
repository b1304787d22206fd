//! How long calls took, in a fixed room: what is measured beside it is the memory of the process.

/// Steps of 2 %, from a microsecond to more than an hour.
const STEPS: usize = 1_200;
const STEP: f64 = 1.02;

/// Counts calls by how long they took.
#[derive(Debug)]
pub(crate) struct Latencies(Box<[u32; STEPS]>);

impl Default for Latencies {
    fn default() -> Self {
        Self(Box::new([0; STEPS]))
    }
}

impl Latencies {
    pub(crate) fn note(&mut self, milliseconds: f64) {
        let step = (milliseconds * 1000.0).max(1.0).ln() / STEP.ln();
        self.0[(step as usize).min(STEPS - 1)] += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (all, some) in self.0.iter_mut().zip(other.0.iter()) {
            *all += some;
        }
    }

    /// What so many of a hundred calls did not exceed, in milliseconds and to 2 %.
    pub(crate) fn percentile(&self, share: u64) -> f64 {
        let all: u64 = self.0.iter().map(|count| u64::from(*count)).sum();
        let mut counted = 0;
        let step = self.0.iter().position(|count| {
            counted += u64::from(*count);
            counted * 100 >= all * share
        });
        STEP.powf(step.unwrap_or_default() as f64 + 0.5) / 1000.0
    }
}
