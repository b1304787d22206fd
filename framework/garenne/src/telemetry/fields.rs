//! How the fields of lines and of deliveries are written for people.

use std::error::Error;
use std::fmt::{self, Debug};

use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

/// The message, then `name=value`, separated by blanks, and texts in quotes.
///
/// Every delivery has its fields written before anything is logged about it, so plain texts take a short way.
pub(super) struct Fields;

impl<'writer> FormatFields<'writer> for Fields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut pen = Pen { writer, empty: true, result: Ok(()) };
        fields.record(&mut pen);
        pen.result
    }
}

struct Pen<'writer> {
    writer: Writer<'writer>,
    empty: bool,
    result: fmt::Result,
}

impl Pen<'_> {
    fn write(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        // Those of the `log` crate say where a line comes from, which is written elsewhere.
        if field.name().starts_with("log.") || self.result.is_err() {
            return;
        }
        let first = std::mem::replace(&mut self.empty, false);
        self.result = (|| {
            if !first {
                self.writer.write_char(' ')?;
            }
            if field.name() != "message" {
                self.writer.write_str(field.name())?;
                self.writer.write_char('=')?;
            }
            value(&mut self.writer)
        })();
    }
}

impl Visit for Pen<'_> {
    fn record_str(&mut self, field: &Field, text: &str) {
        let plain = |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\');
        self.write(field, |writer| {
            if field.name() == "message" {
                writer.write_str(text)
            } else if plain(text) {
                writer.write_char('"')?;
                writer.write_str(text)?;
                writer.write_char('"')
            } else {
                write!(writer, "{text:?}")
            }
        });
    }

    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        self.write(field, |writer| write!(writer, "{error}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.write(field, |writer| write!(writer, "{value:?}"));
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
