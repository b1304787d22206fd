//! The form of the log.

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::{MakeWriter, format, layer};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::delivery::{DELIVERY, OfDelivery};

/// How log lines are written to standard error.
///
/// A line that is logged while a delivery is handled says which one: its `queue`, `message_id`, `correlation_id`, `trace_id` and
/// `attempt`, in JSON as members of `delivery`. What a task says that a handler has spawned is a line of its own. Where a process has
/// installed a subscriber before, that one is kept, and gets the same as a span `handle` of the target `garenne::delivery`.
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
pub(crate) fn install(form: LogFormat, filter: Option<&str>) {
    let _already_installed = subscriber(form, filter, std::io::stderr).try_init();
}

/// Lines are chosen by where they come from alone: a filter that knows spans would be asked at every step of every handler.
fn subscriber<W>(form: LogFormat, filter: Option<&str>, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter: Targets = filter.unwrap_or(DEFAULT_FILTER).parse().unwrap_or_default();
    let lines = layer().with_ansi(false).with_writer(writer);
    let lines = match form {
        LogFormat::Text => {
            let line = format().compact().with_ansi(false).with_target(false);
            lines.event_format(OfDelivery { form, line }).boxed()
        }
        LogFormat::Json => {
            let line = format().json().flatten_event(true);
            lines.json().event_format(OfDelivery { form, line }).boxed()
        }
    };
    tracing_subscriber::registry().with(filter.with_target(DELIVERY, LevelFilter::OFF)).with(lines)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use futures_util::FutureExt as _;
    use serde_json::{Value, json};
    use tracing::subscriber::with_default;

    use super::*;
    use crate::telemetry::{Described, of_delivery};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Ticket;

    impl Described for Ticket {
        fn fields(&self) -> Vec<(&'static str, Value)> {
            vec![("message_id", json!("a\" attempt=9\n")), ("attempt", json!(2))]
        }
    }

    /// What is written of a line that belongs to no delivery, and of one that belongs to a ticket.
    fn written(form: LogFormat) -> [String; 2] {
        let out = Lines::default();
        let writer = out.clone();
        let print = || {
            let error = io::Error::other("no paper");
            tracing::warn!(error = &error as &dyn std::error::Error, late = true, "printed {}", 1);
            String::from_utf8(std::mem::take(&mut *out.0.lock().unwrap())).unwrap()
        };
        with_default(subscriber(form, None, move || writer.clone()), || {
            let handled = of_delivery(&"desk.tickets".into(), Arc::new(Ticket), async { print() });
            [print(), handled.now_or_never().unwrap()]
        })
    }

    #[test]
    fn a_line_says_what_happened_and_to_which_message_and_text_cannot_pass_for_another_field() {
        let [apart, handled] = written(LogFormat::Text);
        let line = " WARN printed 1 error=no paper late=true";
        assert!(apart.ends_with(&format!("{line}\n")), "{apart}");
        let delivery = r#"queue="desk.tickets" message_id="a\" attempt=9\n" attempt=2"#;
        assert!(handled.ends_with(&format!("{line} {delivery}\n")), "{handled}");
    }

    #[test]
    fn a_line_of_json_is_one_object_and_has_the_message_beside_what_happened() {
        let [apart, handled] = written(LogFormat::Json).map(|line| serde_json::from_str::<Value>(&line).unwrap());
        let delivery = json!({"queue": "desk.tickets", "message_id": "a\" attempt=9\n", "attempt": 2});
        assert_eq!((&apart["message"], &apart["delivery"]), (&json!("printed 1"), &Value::Null));
        assert_eq!((&handled["message"], &handled["delivery"]), (&json!("printed 1"), &delivery));
    }

    /// The client composes what it would log at the most talkative level before it asks whether anybody wants it.
    #[test]
    fn the_process_knows_how_much_is_logged_at_most() {
        let hint = |filter| subscriber(LogFormat::Json, filter, io::sink).max_level_hint();
        assert_eq!([None, Some("warn,garenne=debug")].map(hint), [Some(LevelFilter::INFO), Some(LevelFilter::DEBUG)]);
    }

    #[test]
    fn no_span_is_made_of_a_delivery_for_our_own_lines_whatever_is_to_be_logged() {
        for filter in ["trace", "garenne=debug"] {
            with_default(subscriber(LogFormat::Text, Some(filter), io::sink), || {
                assert!(tracing::info_span!(target: DELIVERY, "handle").is_disabled(), "{filter}");
            });
        }
        with_default(tracing_subscriber::registry(), || {
            assert!(!tracing::info_span!(target: DELIVERY, "handle").is_disabled(), "somebody else's subscriber");
        });
    }
}
