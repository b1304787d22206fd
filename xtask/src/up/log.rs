//! One stream for everybody's lines, each with its writer's name in its writer's colour.

use std::env;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use std::thread::{self, JoinHandle};

/// Colours of a 256-colour terminal that are legible on dark and on light ground.
const COLOURS: [u8; 10] = [33, 166, 71, 134, 178, 38, 168, 100, 67, 131];

/// Who writes, as the stream shows it.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    prefix: String,
}

/// The stream: standard output. Each line is written whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Log {
    coloured: bool,
}

impl Log {
    /// Coloured on a terminal, unless `NO_COLOR` is set.
    pub(super) fn new() -> Self {
        Self { coloured: io::stdout().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) }
    }

    /// The writer with this number, its name padded to `width`.
    pub(super) fn writer(self, name: &str, width: usize, number: usize) -> Writer {
        let prefix = if self.coloured {
            let colour = COLOURS[number % COLOURS.len()];
            format!("\x1b[38;5;{colour}m{name:width$} |\x1b[0m ")
        } else {
            format!("{name:width$} | ")
        };
        Writer { prefix }
    }

    /// A line of xtask itself.
    pub(super) fn line(self, text: &str) {
        let text = if self.coloured { format!("\x1b[1mxtask: {text}\x1b[0m\n") } else { format!("xtask: {text}\n") };
        write(&text);
    }

    /// Text of several lines, as it is.
    pub(super) fn block(self, text: &str) {
        write(text);
    }

    /// Copies lines to the stream until their source ends.
    pub(super) fn copy(self, writer: Writer, source: impl Read + Send + 'static) -> JoinHandle<()> {
        thread::spawn(move || {
            let mut lines = BufReader::new(source);
            let mut line = Vec::new();
            while lines.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                write(&format!("{}{}\n", writer.prefix, String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r'])));
                line.clear();
            }
        })
    }
}

/// A reader that has gone away, as `head` does, must not end the services before they are drained.
fn write(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::Log;

    #[test]
    fn names_are_padded_and_coloured_on_a_terminal_only() {
        assert_eq!(Log { coloured: false }.writer("orders", 8, 0).prefix, "orders   | ");
        assert_eq!(Log { coloured: true }.writer("orders", 8, 0).prefix, "\x1b[38;5;33morders   |\x1b[0m ");
    }
}
