//! What was measured, as a table.

use std::fmt;

use super::{IN_FLIGHT, WAYS};

/// What the library may cost beyond the client alone, and still meet the bar.
const BAR: f64 = 0.10;

/// What a call has cost in one round.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Cost {
    pub(super) calls_per_second: f64,
    /// Processor time.
    pub(super) requester_us: f64,
    pub(super) responder_us: f64,
    /// How often a thread of both ends has waited to be woken.
    pub(super) waits: f64,
    pub(super) median_ms: f64,
    pub(super) p99_ms: f64,
}

impl Cost {
    /// Of both ends.
    fn processor_us(self) -> f64 {
        self.requester_us + self.responder_us
    }
}

/// All ways, one after the other.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Round {
    pub(super) in_flight: u32,
    pub(super) costs: [Cost; WAYS.len()],
}

impl Round {
    /// The library's share of another way's pace: more is better.
    fn pace(&self, way: usize) -> f64 {
        self.costs[0].calls_per_second / self.costs[way].calls_per_second
    }

    /// The library's processor time in terms of another way's: less is better.
    fn processor(&self, way: usize) -> f64 {
        self.costs[0].processor_us() / self.costs[way].processor_us()
    }
}

impl fmt::Display for Round {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [library, direct, _] = self.costs;
        write!(
            out,
            "{:2} in flight: library {:6.0}/s {:5.1} µs, direct {:6.0}/s {:5.1} µs; pace {:.3}, processor {:.3}",
            self.in_flight,
            library.calls_per_second,
            library.processor_us(),
            direct.calls_per_second,
            direct.processor_us(),
            self.pace(1),
            self.processor(1)
        )
    }
}

/// All rounds.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) rounds: Vec<Round>,
}

impl Table {
    fn of(&self, in_flight: u32) -> impl Iterator<Item = &Round> {
        self.rounds.iter().filter(move |round| round.in_flight == in_flight)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "in flight  way      calls/s  requester µs  responder µs  both µs  waits  median ms  p99 ms")?;
        for in_flight in IN_FLIGHT {
            for (way, name) in WAYS.into_iter().enumerate() {
                let of = |what: fn(Cost) -> f64| median(self.of(in_flight).map(|round| what(round.costs[way])));
                writeln!(
                    out,
                    "{in_flight:9}  {name:7}  {:7.0}  {:12.1}  {:12.1}  {:7.1}  {:5.1}  {:9.3}  {:6.3}",
                    of(|cost| cost.calls_per_second),
                    of(|cost| cost.requester_us),
                    of(|cost| cost.responder_us),
                    of(Cost::processor_us),
                    of(|cost| cost.waits),
                    of(|cost| cost.median_ms),
                    of(|cost| cost.p99_ms),
                )?;
            }
        }
        for (way, name) in WAYS.into_iter().enumerate().skip(1) {
            writeln!(
                out,
                "\nlibrary / {name}, the median of the rounds' own ratios, and the bar of {:.0} %:",
                BAR * 100.0
            )?;
            for in_flight in IN_FLIGHT {
                let pace = median(self.of(in_flight).map(|round| round.pace(way)));
                let processor = median(self.of(in_flight).map(|round| round.processor(way)));
                let says = |met: bool| if met { "met" } else { "not met" };
                writeln!(
                    out,
                    "{in_flight:9}  calls/s {pace:.3} ({}), processor time per call {processor:.3} ({})",
                    says(pace >= 1.0 - BAR),
                    says(processor <= 1.0 + BAR)
                )?;
            }
        }
        Ok(())
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        even if even % 2 == 0 => f64::midpoint(values[even / 2 - 1], values[even / 2]),
        odd => values[odd / 2],
    }
}

#[cfg(test)]
mod tests {
    use super::{Cost, Round, Table};

    #[test]
    fn ratios_are_taken_within_a_round_and_then_their_median() {
        let cost = |calls_per_second, requester_us| Cost { calls_per_second, requester_us, ..Cost::default() };
        let round = |in_flight, library, direct| Round { in_flight, costs: [library, direct, direct] };
        let rounds = vec![
            // The machine was busy in the second round, and both suffered.
            round(1, cost(950.0, 100.0), cost(1000.0, 100.0)),
            round(1, cost(95.0, 300.0), cost(100.0, 310.0)),
            round(1, cost(800.0, 100.0), cost(1000.0, 80.0)),
            round(64, cost(500.0, 10.0), cost(1000.0, 5.0)),
        ];
        let text = Table { rounds }.to_string();
        assert!(text.contains("1  calls/s 0.950 (met), processor time per call 1.000 (met)"), "{text}");
        assert!(text.contains("64  calls/s 0.500 (not met), processor time per call 2.000 (not met)"), "{text}");
    }
}
