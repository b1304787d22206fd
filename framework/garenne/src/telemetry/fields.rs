//! How the fields of lines and of deliveries are written for people.

use std::error::Error;
use std::fmt::{self, Debug, Write as _};

use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

/// Bytes of the fields of a delivery.
const USUAL: usize = 256;

/// The message, then `name=value`, separated by blanks, and texts in quotes.
///
/// Every delivery has its fields written before anything is logged about it, so plain texts take a short way.
pub(super) struct Fields;

impl<'writer> FormatFields<'writer> for Fields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        // Written at once, since what it goes into begins empty and would grow with each word.
        let mut pen = Pen { line: String::with_capacity(USUAL), result: Ok(()) };
        fields.record(&mut pen);
        writer.write_str(&pen.line)?;
        pen.result
    }
}

struct Pen {
    line: String,
    result: fmt::Result,
}

impl Pen {
    fn write(&mut self, field: &Field, value: impl FnOnce(&mut String) -> fmt::Result) {
        // Those of the `log` crate say where a line comes from, which is written elsewhere.
        if field.name().starts_with("log.") || self.result.is_err() {
            return;
        }
        if !self.line.is_empty() {
            self.line.push(' ');
        }
        if field.name() != "message" {
            self.line.push_str(field.name());
            self.line.push('=');
        }
        self.result = value(&mut self.line);
    }
}

impl Visit for Pen {
    fn record_str(&mut self, field: &Field, text: &str) {
        let plain = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\');
        self.write(field, |line| {
            if field.name() == "message" {
                line.push_str(text);
            } else if plain(text) {
                line.push('"');
                line.push_str(text);
                line.push('"');
            } else {
                write!(line, "{text:?}")?;
            }
            Ok(())
        });
    }

    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        self.write(field, |line| write!(line, "{error}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.write(field, |line| write!(line, "{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::Fields;

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

    #[test]
    fn a_line_says_what_happened_and_to_which_message_and_text_cannot_pass_for_another_field() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .compact()
            .fmt_fields(Fields)
            .without_time()
            .with_target(false)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let forged = "a\" attempt=9\n";
            let span = tracing::info_span!("handle", queue = "desk.tickets", message_id = forged, attempt = 2);
            let error = io::Error::other("no paper");
            span.in_scope(|| tracing::warn!(error = &error as &dyn std::error::Error, late = true, "printed {}", 1));
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(
            text.split_whitespace().collect::<Vec<_>>().join(" "),
            r#"WARN handle: printed 1 error=no paper late=true queue="desk.tickets" message_id="a\" attempt=9\n" attempt=2"#
        );
    }
}
