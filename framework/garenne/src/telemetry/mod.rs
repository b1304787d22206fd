//! What the library tells about itself: one method of [`Metrics`] for each thing that happens, with its
//! log line and its metric side by side; what of lasting trouble is told again; the trace that a message carries, and the spans that
//! are [exported](Traces) of it; the log's form.

mod collector;
mod delivery;
mod exporter;
#[cfg(test)]
mod exporter_tests;
mod log;
mod mentions;
mod metrics;
mod otlp;
mod reading;
mod sampler;
mod server;
mod span;
mod spans;
mod trace;
mod traces;

pub(crate) use delivery::{DELIVERY, Described, of_delivery};
pub(crate) use exporter::Exporter;
pub use log::LogFormat;
pub(crate) use log::{check_filter, install as install_log};
pub(crate) use mentions::Mentions;
pub(crate) use metrics::{Metrics, Published, QueueMetrics, UnderWay};
pub(crate) use reading::ReadingMetrics;
pub use server::{HttpRequest, ServerSpan};
pub use span::Tracer;
pub(crate) use span::{About, Kind, Span};
pub(crate) use trace::Trace;
pub use traces::Traces;
