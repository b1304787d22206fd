//! The W3C trace context that a message carries from service to service.

use std::fmt;

use rand::RngExt as _;

/// The specification asks for 512 bytes to be passed on. More may be left out, and would weigh on every message that follows.
const STATE_LIMIT: usize = 512;
/// Of a `traceparent`, without what a later version may append.
const LENGTH: usize = 55;
/// The flag that says so.
const SAMPLED: u8 = 1;

/// A position in a trace: `traceparent`, and `tracestate` untouched.
///
/// <https://www.w3.org/TR/trace-context/>
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(super) trace_id: u128,
    /// 0 before the first span of a trace that begins here.
    pub(super) span_id: u64,
    /// Of the span that this one is part of; 0 where none is known.
    pub(super) parent_id: u64,
    pub(super) flags: u8,
    pub(crate) state: Option<String>,
}

tokio::task_local! {
    /// Where the work of this task belongs that is no handling of a message.
    static HERE: Trace;
}

impl Trace {
    /// The start of a new trace, sampled. It has no span yet.
    pub(crate) fn start() -> Self {
        let trace_id = rand::rng().random_range(1..=u128::MAX);
        Self { trace_id, span_id: 0, parent_id: 0, flags: SAMPLED, state: None }
    }

    /// The trace that this task [works for](Self::around), or a new one.
    pub(crate) fn here() -> Self {
        HERE.try_with(Self::clone).unwrap_or_else(|_| Self::start())
    }

    /// What the work begins belongs to this trace.
    pub(crate) fn around<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        HERE.scope(self.clone(), work)
    }

    /// The next span of this trace.
    pub(super) fn child(&self) -> Self {
        Self { span_id: span_id(), parent_id: self.span_id, ..self.clone() }
    }

    /// Itself, or the first span of a trace that has none yet.
    pub(super) fn placed(&self) -> Self {
        if self.span_id == 0 { self.child() } else { self.clone() }
    }

    /// Whether whoever began the span has recorded it.
    pub(super) fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    pub(super) fn sampled(self, sampled: bool) -> Self {
        let others = self.flags & !SAMPLED;
        Self { flags: if sampled { others | SAMPLED } else { others }, ..self }
    }

    /// Reads a `traceparent` header. A malformed one is no trace, as the specification asks.
    pub(crate) fn parse(traceparent: &str, state: Option<&str>) -> Option<Self> {
        let (head, rest) = traceparent.as_bytes().split_at_checked(LENGTH)?;
        let part = |from: usize, digits: usize| number(&head[from..from + digits]);
        // Later versions may append parts; version 00 has none, and ff is forbidden.
        let appended = match part(0, 2)? {
            0 => rest.is_empty(),
            0xff => false,
            _ => matches!(rest, [] | [b'-', ..]),
        };
        if !appended || [2, 35, 52].iter().any(|at| head[*at] != b'-') {
            return None;
        }
        let trace_id = u128::from(part(3, 16)?) << 64 | u128::from(part(19, 16)?);
        let (span_id, flags) = (part(36, 16)?, u8::try_from(part(53, 2)?).ok()?);
        if trace_id == 0 || span_id == 0 {
            return None;
        }
        Some(Self {
            trace_id,
            span_id,
            parent_id: 0,
            flags,
            state: state.filter(|state| state.len() <= STATE_LIMIT).map(str::to_owned),
        })
    }

    /// The trace's id as 32 hexadecimal digits.
    pub(crate) fn id(&self) -> impl fmt::Display + use<> {
        let id = hexadecimal::<32>(self.trace_id);
        fmt::from_fn(move |f| f.write_str(text(&id)))
    }
}

/// Writes the `traceparent` header.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut header = *b"00-________________________________-________________-__";
        header[3..35].copy_from_slice(&hexadecimal::<32>(self.trace_id));
        header[36..52].copy_from_slice(&hexadecimal::<16>(self.span_id.into()));
        header[53..].copy_from_slice(&hexadecimal::<2>(self.flags.into()));
        f.write_str(text(&header))
    }
}

fn span_id() -> u64 {
    rand::rng().random_range(1..=u64::MAX)
}

/// The last digits of a number. By hand: every message has some.
fn hexadecimal<const DIGITS: usize>(mut number: u128) -> [u8; DIGITS] {
    let mut digits = [b'0'; DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number & 0xf) as usize];
        number >>= 4;
    }
    digits
}

fn text(digits: &[u8]) -> &str {
    std::str::from_utf8(digits).unwrap_or_default()
}

/// Of at most 16 digits.
fn number(digits: &[u8]) -> Option<u64> {
    let digit = |byte| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    digits.iter().try_fold(0, |number, byte| Some(number << 4 | u64::from(digit(*byte)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_survives_the_wire() {
        let trace = Trace::parse(SAMPLE, Some("vendor=1")).unwrap();
        assert_eq!(trace.to_string(), SAMPLE);
        assert_eq!(trace.state.as_deref(), Some("vendor=1"));
        let later = format!("01{}-more", &SAMPLE[2..]);
        assert_eq!(Trace::parse(&later, Some("vendor=1")), Some(trace));
    }

    #[test]
    fn a_child_stays_in_the_trace_with_a_span_of_its_own() {
        let trace = Trace::parse(SAMPLE, None).unwrap();
        let child = trace.child();
        assert_eq!((child.trace_id, child.parent_id), (trace.trace_id, trace.span_id));
        assert_ne!(child.span_id, trace.span_id);
        assert_eq!(trace.placed(), trace);
        assert_ne!(Trace::start().trace_id, Trace::start().trace_id);
        let first = Trace::start().placed();
        assert!(first.span_id != 0 && first.parent_id == 0, "{first:?}");
    }

    #[test]
    fn what_is_sampled_says_so_and_other_flags_stay() {
        let flagged = Trace::parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03", None).unwrap();
        assert!(flagged.is_sampled() && !flagged.clone().sampled(false).is_sampled());
        assert!(flagged.clone().sampled(false).to_string().ends_with("-02"));
        assert!(flagged.sampled(true).to_string().ends_with("-03"));
    }

    #[tokio::test]
    async fn work_within_a_span_belongs_to_its_trace_and_other_work_begins_its_own() {
        let span = Trace::start().placed();
        assert_eq!(span.around(async { Trace::here() }).await, span);
        assert_ne!(Trace::here().trace_id, span.trace_id);
    }

    #[test]
    fn a_malformed_traceparent_is_no_trace() {
        for bad in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0é",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
        ] {
            assert_eq!(Trace::parse(bad, None), None, "{bad}");
        }
    }
}
