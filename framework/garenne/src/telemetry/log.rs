//! The form of the log.

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::fields::Fields;

/// How log lines are written to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for a log store.
    Json,
}

/// lapin logs the whole body of a returned message and calls every ordinary close an error.
const DEFAULT_FILTER: &str = "info,lapin=off,sqlx=warn";

/// Whether a filter can be read.
pub(crate) fn check_filter(filter: &str) -> Result<(), String> {
    filter.parse::<Targets>().map(drop).map_err(|error| error.to_string())
}

/// Installs the process-wide subscriber. A second call changes nothing.
///
/// Lines are chosen by where they come from alone: a filter that knows spans would be asked at every step of every handler.
pub(crate) fn install(format: LogFormat, filter: Option<&str>) {
    let filter: Targets = filter.unwrap_or(DEFAULT_FILTER).parse().unwrap_or_default();
    let registry = tracing_subscriber::registry().with(filter);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let _already_installed = match format {
        // What happened stands before the ids of the message to which it happened.
        LogFormat::Text => {
            registry.with(lines.compact().fmt_fields(Fields).with_target(false).with_ansi(false)).try_init()
        }
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
}
