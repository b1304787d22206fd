//! Which traces are recorded.

use super::Trace;

/// Decides for each span whether it is recorded. The names are those of `OTEL_TRACES_SAMPLER`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sampler {
    /// Whether a trace that began elsewhere is recorded as it was there.
    follows_parent: bool,
    /// Of the traces that are decided about, the part that is recorded.
    ratio: f64,
}

impl Default for Sampler {
    fn default() -> Self {
        Self { follows_parent: true, ratio: 1.0 }
    }
}

impl Sampler {
    /// The names that are known.
    pub(super) const NAMES: &'static str = "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or parentbased_traceidratio";

    /// The sampler of this name. The ratio matters to those that have one.
    pub(super) fn named(name: &str, ratio: f64) -> Option<Self> {
        let (follows_parent, of_roots) = match name.strip_prefix("parentbased_") {
            Some(of_roots) => (true, of_roots),
            None => (false, name),
        };
        let ratio = match of_roots {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => ratio,
            _ => return None,
        };
        Some(Self { follows_parent, ratio })
    }

    /// Whether a span that follows this one is recorded.
    pub(super) fn records(self, parent: &Trace) -> bool {
        if self.follows_parent && parent.span_id != 0 {
            return parent.is_sampled();
        }
        // Every service that has the same ratio comes to the same answer about a trace, whatever language it is written in.
        let bound = (self.ratio * (1_u64 << 63) as f64) as u64;
        let number = (parent.trace_id as u64) >> 1;
        number < bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(name: &str, ratio: f64, parent: &Trace) -> bool {
        Sampler::named(name, ratio).unwrap().records(parent)
    }

    #[test]
    fn a_sampler_does_what_its_name_says() {
        let root = Trace::start();
        let of = |sampled| Trace::start().placed().sampled(sampled);
        for (name, of_root, of_sampled, of_others) in [
            ("always_on", true, true, true),
            ("always_off", false, false, false),
            ("parentbased_always_on", true, true, false),
            ("parentbased_always_off", false, true, false),
        ] {
            let records = |parent: &Trace| records(name, 0.5, parent);
            assert_eq!(
                (records(&root), records(&of(true)), records(&of(false))),
                (of_root, of_sampled, of_others),
                "{name}"
            );
        }
        assert!(Sampler::default().records(&root));
        assert_eq!(Sampler::named("parentbased_sometimes", 1.0), None);
    }

    #[test]
    fn a_ratio_is_that_part_of_the_traces_and_of_each_all_or_nothing() {
        let traces: Vec<Trace> = (0..10_000).map(|_| Trace::start()).collect();
        let recorded = traces.iter().filter(|trace| records("traceidratio", 0.25, trace)).count();
        assert!((2_200..2_800).contains(&recorded), "{recorded}");
        for trace in &traces {
            let of_root = records("traceidratio", 0.25, trace);
            assert_eq!(records("traceidratio", 0.25, &trace.placed().sampled(!of_root)), of_root);
            assert_eq!(records("parentbased_traceidratio", 0.25, trace), of_root);
            assert!(records("traceidratio", 1.0, trace) && !records("traceidratio", 0.0, trace));
        }
    }
}
