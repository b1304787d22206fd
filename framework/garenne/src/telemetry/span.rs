//! Spans: what a service did for a trace, from when to when.

use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::Trace;
use super::sampler::Sampler;
use super::spans::Spans;

/// Of a text of somebody else's, so many bytes are kept.
const TEXT_LIMIT: usize = 1024;
/// As many links as the specification lets a span have.
const LINK_LIMIT: usize = 128;
/// What any span takes up beside its texts and links.
const FRAME: usize = size_of::<About>();

/// Makes the spans of one service. Without a collector to send them to it makes none, and messages carry the trace that came on
/// unchanged. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Tracer(Option<Arc<Recorder>>);

#[derive(Debug)]
struct Recorder {
    sampler: Sampler,
    spans: Arc<Spans>,
}

/// What a span is in OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Internal = 1,
    Server = 2,
    Client = 3,
    Producer = 4,
    Consumer = 5,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Whole(i64),
    Truth(bool),
}

/// What happens now. Dropping it before it has [ended](Span::end) is an end as well: somebody has stopped waiting.
#[derive(Debug)]
#[must_use = "dropping it ends it"]
pub(crate) struct Span {
    trace: Trace,
    open: Option<Box<Open>>,
}

#[derive(Debug)]
struct Open {
    recorder: Arc<Recorder>,
    since: Instant,
    about: About,
}

/// What is known about a span.
#[derive(Debug)]
pub(crate) struct About {
    pub(super) trace: Trace,
    pub(super) kind: Kind,
    /// A span without one has come to nothing, and is not recorded.
    pub(super) name: String,
    pub(super) began: SystemTime,
    pub(super) took: Duration,
    pub(super) attributes: Vec<(&'static str, Value)>,
    pub(super) links: Vec<Trace>,
    /// Its class, and what it says.
    pub(super) error: Option<(String, String)>,
}

impl Tracer {
    pub(super) fn new(sampler: Sampler, spans: Arc<Spans>) -> Self {
        Self(Some(Arc::new(Recorder { sampler, spans })))
    }

    /// Whether anybody wants spans.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Begins what belongs to this trace. It has to be [described](Span::describe).
    pub(crate) fn begin(&self, kind: Kind, parent: &Trace) -> Span {
        let Some(recorder) = &self.0 else { return Span { trace: parent.placed(), open: None } };
        if !recorder.sampler.records(parent) {
            return Span { trace: parent.placed().sampled(false), open: None };
        }
        let trace = parent.child().sampled(true);
        let about = About {
            trace: trace.clone(),
            kind,
            name: String::new(),
            began: SystemTime::now(),
            took: Duration::ZERO,
            attributes: Vec::new(),
            links: Vec::new(),
            error: None,
        };
        Span { trace, open: Some(Box::new(Open { recorder: Arc::clone(recorder), since: Instant::now(), about })) }
    }
}

impl Span {
    /// Of what is not recorded, and has its place already.
    pub(crate) fn none() -> Self {
        Self { trace: Trace::start(), open: None }
    }

    /// Its place in the trace.
    pub(crate) fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Says more about it, if it is recorded.
    pub(crate) fn describe(&mut self, describe: impl FnOnce(&mut About)) {
        if let Some(open) = &mut self.open {
            describe(&mut open.about);
        }
    }

    /// It ends with success, or with an error of this class.
    pub(crate) fn end(mut self, error: Option<(&str, &dyn Display)>) {
        let Some(mut open) = self.open.take() else { return };
        if let Some((class, error)) = error {
            open.about.fail(class, error);
        }
        open.record();
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(mut open) = self.open.take() {
            open.about.fail("cancelled", &"it was given up before its end");
            open.record();
        }
    }
}

impl Open {
    fn record(self) {
        let Self { recorder, since, mut about } = self;
        if !about.name.is_empty() {
            about.took = since.elapsed();
            recorder.spans.put(about);
        }
    }
}

impl About {
    /// It may hold a text of somebody else's.
    pub(crate) fn name(&mut self, name: String) {
        self.name = cut(name);
    }

    pub(crate) fn text(&mut self, attribute: &'static str, text: impl Into<String>) {
        self.attributes.push((attribute, Value::Text(cut(text.into()))));
    }

    pub(crate) fn number(&mut self, attribute: &'static str, number: impl TryInto<i64>) {
        self.attributes.push((attribute, Value::Whole(number.try_into().unwrap_or(i64::MAX))));
    }

    pub(crate) fn truth(&mut self, attribute: &'static str, truth: bool) {
        self.attributes.push((attribute, Value::Truth(truth)));
    }

    /// What it was done for, beside what it is part of. Without its `tracestate`, which finds nothing and whose length others choose.
    pub(crate) fn link(&mut self, trace: &Trace) {
        if self.links.len() < LINK_LIMIT {
            self.links.push(Trace { state: None, ..*trace });
        }
    }

    pub(crate) fn fail(&mut self, class: &str, error: &dyn Display) {
        self.error = Some((cut(class.to_owned()), cut(error.to_string())));
    }

    /// The memory that it takes up, in bytes.
    pub(super) fn size(&self) -> usize {
        let text = |value: &Value| if let Value::Text(text) = value { text.capacity() } else { 0 };
        let texts: usize = self.attributes.iter().map(|(_, value)| text(value)).sum();
        let state = self.trace.state.as_ref().map_or(0, String::capacity);
        let error = self.error.as_ref().map_or(0, |(class, error)| class.capacity() + error.capacity());
        let lists =
            self.attributes.capacity() * size_of::<(&str, Value)>() + self.links.capacity() * size_of::<Trace>();
        FRAME + lists + self.name.capacity() + texts + state + error
    }
}

/// Gives back the memory of what it cuts off, too.
fn cut(mut text: String) -> String {
    if text.capacity() > TEXT_LIMIT {
        text.truncate(text.floor_char_boundary(TEXT_LIMIT));
        text.shrink_to_fit();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::spans::SpanCounts;

    fn tracer() -> (Tracer, Arc<Spans>) {
        let spans = Arc::new(Spans::new(16, 16, SpanCounts::default()));
        (Tracer::new(Sampler::default(), Arc::clone(&spans)), spans)
    }

    #[test]
    fn spans_of_one_trace_know_what_they_are_part_of() {
        let (tracer, spans) = tracer();
        let mut outer = tracer.begin(Kind::Server, &Trace::start());
        outer.describe(|about| about.name("outer".into()));
        let mut inner = tracer.begin(Kind::Producer, outer.trace());
        inner.describe(|about| about.name("inner".into()));
        let place = inner.trace().clone();
        inner.end(None);
        outer.end(Some(("boom", &"é".repeat(TEXT_LIMIT))));
        let [inner, outer] = spans.take().try_into().unwrap();
        assert_eq!((outer.trace.parent_id, inner.trace.parent_id), (0, outer.trace.span_id));
        assert_eq!((&inner.trace, inner.error.as_ref()), (&place, None));
        assert!(outer.error.is_some_and(|(class, text)| class == "boom" && text.len() <= TEXT_LIMIT));
        assert_eq!(inner.trace.trace_id, outer.trace.trace_id);
    }

    #[test]
    fn what_nobody_waits_for_any_more_ends_as_cancelled_and_what_was_never_described_is_none() {
        let (tracer, spans) = tracer();
        drop(tracer.begin(Kind::Client, &Trace::start()));
        let mut dropped = tracer.begin(Kind::Client, &Trace::start());
        dropped.describe(|about| about.name("ask".into()));
        drop(dropped);
        let [only] = spans.take().try_into().unwrap();
        assert_eq!(only.error.unwrap().0, "cancelled");
    }

    #[test]
    fn however_long_the_texts_of_others_are_a_span_takes_up_little_memory() {
        let (tracer, spans) = tracer();
        let long = "é".repeat(200_000);
        let came = Trace { state: Some("s".repeat(512)), ..Trace::start().placed() };
        let mut span = tracer.begin(Kind::Server, &came);
        span.describe(|about| {
            about.name(format!("{long} /orders"));
            about.text("url.path", long.as_str());
            about.text("http.route", long.clone());
            for _ in 0..200 {
                about.link(&came);
            }
        });
        span.end(Some((&long, &long)));
        let [span] = spans.take().try_into().unwrap();
        assert!(span.name.starts_with('é') && span.name.len() <= TEXT_LIMIT, "{}", span.name);
        assert!(span.links.len() == LINK_LIMIT && span.links.iter().all(|link| link.state.is_none()));
        assert_eq!((span.links[0].trace_id, span.links[0].span_id), (came.trace_id, came.span_id));
        assert!(span.size() < 16 * 1024, "{} bytes", span.size());
        assert!(span.size() > LINK_LIMIT * size_of::<Trace>() + 5 * (TEXT_LIMIT - 1), "{} bytes", span.size());
    }

    #[test]
    fn without_a_collector_and_for_a_trace_that_is_not_recorded_nothing_is_made_and_the_place_stays() {
        let came = Trace::start().placed();
        let mut silent = Tracer::default().begin(Kind::Consumer, &came);
        silent.describe(|_| unreachable!("nobody wants to know"));
        assert_eq!(silent.trace(), &came);
        let (tracer, spans) = tracer();
        let came = came.sampled(false);
        let mut unsampled = tracer.begin(Kind::Consumer, &came);
        unsampled.describe(|_| unreachable!("nobody wants to know"));
        assert_eq!(unsampled.trace(), &came);
        drop(unsampled);
        assert!(spans.take().is_empty());
        // A message always says where it belongs.
        assert_ne!(Tracer::default().begin(Kind::Producer, &Trace::start()).trace().span_id, 0);
    }
}
