//! The form of the log.

use tracing_subscriber::EnvFilter;

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
    EnvFilter::try_new(filter).map(drop).map_err(|error| error.to_string())
}

/// Installs the process-wide subscriber. A second call changes nothing.
pub(crate) fn install(format: LogFormat, filter: Option<&str>) {
    let filter = EnvFilter::new(filter.unwrap_or(DEFAULT_FILTER));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _already_installed = match format {
        // What happened stands before the ids of the message to which it happened.
        LogFormat::Text => builder.compact().with_target(false).with_ansi(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}
