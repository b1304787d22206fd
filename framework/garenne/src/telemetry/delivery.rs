//! What lines say that are logged while a delivery is handled.
//!
//! A span would be written down for every delivery, also for those of which nothing is logged. So a subscriber of somebody else's
//! gets one, and our own lines look up what belongs to them when there is something to say.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::task_local;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::LogFormat;

/// Where the span of a delivery comes from, for the filter of a subscriber.
pub(crate) const DELIVERY: &str = "garenne::delivery";

/// What can be told of a delivery.
pub(crate) trait Described: Send + Sync {
    fn fields(&self) -> Vec<(&'static str, Value)>;
}

task_local! {
    static HANDLED: (Arc<str>, Arc<dyn Described>);
}

/// Handles a delivery of this queue. Whatever is logged meanwhile says so, unless another task logs it.
pub(crate) fn of_delivery<F: Future>(
    queue: &Arc<str>,
    message: Arc<dyn Described>,
    handled: F,
) -> impl Future<Output = F::Output> + use<F> {
    HANDLED.scope((Arc::clone(queue), message), handled)
}

/// Lines of another form, with what is said of the delivery behind the rest.
pub(super) struct OfDelivery<F> {
    pub(super) form: LogFormat,
    pub(super) line: F,
}

impl<S, N, F> FormatEvent<S, N> for OfDelivery<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let Ok(fields) = HANDLED.try_with(|(queue, message)| {
            let mut fields = vec![("queue", Value::from(queue.as_ref()))];
            fields.extend(message.fields());
            fields
        }) else {
            return self.line.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.line.format_event(context, Writer::new(&mut line), event)?;
        let line = line.trim_end();
        match (self.form, line.strip_suffix('}')) {
            (LogFormat::Json, Some(object)) => {
                let fields: Map<_, _> = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                writeln!(writer, "{object},\"delivery\":{}}}", Value::Object(fields))
            }
            _ => {
                writer.write_str(line)?;
                for (name, value) in fields {
                    match value {
                        // So quoted it cannot pass for another field.
                        Value::String(text) => write!(writer, " {name}={text:?}")?,
                        value => write!(writer, " {name}={value}")?,
                    }
                }
                writeln!(writer)
            }
        }
    }
}
