//! Why a task could not be done, as a text for the person who started it.

use std::fmt;
use std::process::ExitCode;

/// The end of a task that could not be done.
#[derive(Debug)]
pub(crate) struct Failure {
    text: String,
    code: u8,
}

impl Failure {
    /// Something did not work.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: 1 }
    }

    /// The command line was wrong.
    pub(crate) fn usage(error: &lexopt::Error) -> Self {
        Self { text: format!("{error}\nSee `cargo xtask --help`."), code: 2 }
    }

    /// For `map_err`: what was tried, then the reason.
    pub(crate) fn because<E: fmt::Display>(what: impl fmt::Display) -> impl FnOnce(E) -> Self {
        move |reason| Self::new(format!("{what}: {reason}"))
    }

    /// 2 for a wrong command line, otherwise 1.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl From<machine::Error> for Failure {
    fn from(error: machine::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<rabbitmq_node::Error> for Failure {
    fn from(error: rabbitmq_node::Error) -> Self {
        Self::new(error.to_string())
    }
}
