//! The versions of RabbitMQ that everything here is tried on, and the Debian that carries each.

use std::fmt;
use std::str::FromStr;

/// One line of RabbitMQ's versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// 3.10, of Debian 12.
    V3_10,
    /// 4.0, of Debian 13.
    V4_0,
    /// 4.3, of Debian's unstable, which moves on some day.
    V4_3,
}

impl Release {
    /// From the oldest to the newest.
    pub const ALL: [Self; 3] = [Self::V3_10, Self::V4_0, Self::V4_3];

    /// How a person says it; also the folder of its programs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::V3_10 => "3.10",
            Self::V4_0 => "4.0",
            Self::V4_3 => "4.3",
        }
    }

    /// The suite of Debian whose package it is.
    pub(crate) fn suite(self) -> &'static str {
        match self {
            Self::V3_10 => "bookworm",
            Self::V4_0 => "trixie",
            Self::V4_3 => "sid",
        }
    }

    /// Whether a full version, such as `3.10.8`, belongs to it.
    pub(crate) fn includes(self, version: &str) -> bool {
        version.strip_prefix(self.name()).is_some_and(|rest| rest.starts_with('.'))
    }
}

impl fmt::Display for Release {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Release {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|release| release.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("RabbitMQ `{text}` is not known here; known are {names}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Release;

    #[test]
    fn a_release_is_found_by_its_name_only() {
        for release in Release::ALL {
            assert_eq!(release.to_string().parse(), Ok(release));
        }
        assert!("3.1".parse::<Release>().unwrap_err().contains("3.10, 4.0, 4.3"));
    }

    #[test]
    fn a_version_belongs_to_one_line() {
        assert!(Release::V3_10.includes("3.10.8") && Release::V4_0.includes("4.0.5"));
        assert!(!Release::V4_0.includes("4.01.0") && !Release::V3_10.includes("3.1.0"));
    }
}
