//! The suites, in the order in which they run: the cheapest first.

use std::fmt;
use std::str::FromStr;

/// One suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SuiteName {
    /// `cargo fmt --check`.
    Format,
    /// The rules of the house, and what the end-to-end suites stand on; needs no broker.
    Tidy,
    /// Lints; a warning fails.
    Clippy,
    /// Every program of the workspace.
    Build,
    /// The generated definitions are current, and a blank broker imports them whole.
    Definitions,
    /// Unit tests, documentation tests, the compiler's words, the private nodes and servers.
    Unit,
    /// The services on a real broker.
    EndToEnd,
    /// The shop under load while things are broken.
    Chaos,
    /// Every module in a pod.
    Pods,
}

impl SuiteName {
    /// In the order in which they run.
    pub(crate) const ALL: [Self; 9] = [
        Self::Format,
        Self::Tidy,
        Self::Clippy,
        Self::Build,
        Self::Definitions,
        Self::Unit,
        Self::EndToEnd,
        Self::Chaos,
        Self::Pods,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Tidy => "tidy",
            Self::Clippy => "clippy",
            Self::Build => "build",
            Self::Definitions => "definitions",
            Self::Unit => "unit",
            Self::EndToEnd => "end-to-end",
            Self::Chaos => "chaos",
            Self::Pods => "pods",
        }
    }

    /// Whether it starts a broker of the release that is asked for.
    pub(super) fn needs_rabbitmq(self) -> bool {
        matches!(self, Self::Definitions | Self::Unit | Self::EndToEnd | Self::Chaos)
    }

    /// Whether it makes no sense after a failed build.
    pub(super) fn needs_programs(self) -> bool {
        matches!(self, Self::Definitions | Self::Unit | Self::EndToEnd | Self::Chaos | Self::Pods)
    }
}

impl fmt::Display for SuiteName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for SuiteName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|suite| suite.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("there is no suite `{text}`; suites are {names}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::SuiteName;
    use crate::help::TEXT;

    #[test]
    fn every_suite_is_found_by_its_name() {
        for suite in SuiteName::ALL {
            assert_eq!(suite.to_string().parse(), Ok(suite));
        }
        assert!("all".parse::<SuiteName>().unwrap_err().contains("end-to-end"));
    }

    #[test]
    fn what_needs_no_chosen_broker_runs_without_one() {
        let without: Vec<SuiteName> = SuiteName::ALL.into_iter().filter(|suite| !suite.needs_rabbitmq()).collect();
        let wanted = [SuiteName::Format, SuiteName::Tidy, SuiteName::Clippy, SuiteName::Build, SuiteName::Pods];
        assert_eq!(without, wanted);
    }

    #[test]
    fn the_help_names_every_suite_in_order() {
        let line = TEXT.lines().find(|line| line.contains("--only <suite>")).unwrap();
        let places: Vec<usize> = SuiteName::ALL.iter().filter_map(|suite| line.find(suite.name())).collect();
        assert_eq!(places.len(), SuiteName::ALL.len(), "{line}");
        assert!(places.is_sorted(), "{line}");
    }
}
