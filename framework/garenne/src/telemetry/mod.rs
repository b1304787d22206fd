//! What the library tells about itself: one method of [`Metrics`] for each thing that happens, with its
//! log line and its metric side by side; what of lasting trouble is told again; the trace that a message carries; the log's
//! form.

mod fields;
mod log;
mod mentions;
mod metrics;
mod reading;
mod trace;

pub use log::LogFormat;
pub(crate) use log::{check_filter, install as install_log};
pub(crate) use mentions::Mentions;
pub(crate) use metrics::{Metrics, QueueMetrics};
pub(crate) use reading::ReadingMetrics;
pub(crate) use trace::Trace;
