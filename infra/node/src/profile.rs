//! A node that behaves like one that somebody else runs.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Installation};

/// Whose behaviour a node has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Profile {
    /// Our own.
    #[default]
    Usual,
    /// Amazon MQ for RabbitMQ 4.x: AMQP over TLS only, quorum as the default type of queues, operator policies that nobody changes, no
    /// plugin outside of its list, none of what RabbitMQ has deprecated. There is no `guest`, as on every private node.
    AmazonMq,
}

impl Profile {
    /// The plugins of the profile, if they are not the usual ones.
    pub(crate) fn plugins(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Usual => None,
            Self::AmazonMq => Some(&["rabbitmq_management", "rabbitmq_prometheus"]),
        }
    }

    /// The lines of `rabbitmq.conf`.
    pub(crate) fn lines(self) -> &'static [&'static str] {
        match self {
            Self::Usual => &[],
            Self::AmazonMq => &[
                "default_queue_type = quorum",
                "management.restrictions.operator_policy_changes.disabled = true",
                "deprecated_features.permit.transient_nonexcl_queues = false",
                "deprecated_features.permit.global_qos = false",
            ],
        }
    }

    /// Whether streams, of which an event log is one, are to be had. A node of ours would have them; Amazon MQ has not.
    #[must_use]
    pub fn has_streams(self) -> bool {
        self == Self::Usual
    }

    /// Whether AMQP has to be encrypted.
    pub(crate) fn encrypts(self) -> bool {
        self == Self::AmazonMq
    }

    /// Whether an installation can have the profile.
    pub(crate) fn check(self, installation: &Installation) -> Result<(), Error> {
        let version = installation.version().unwrap_or_default();
        if self == Self::AmazonMq && version.starts_with("3.") {
            return Err(Error::Profile { profile: self.to_string(), version });
        }
        Ok(())
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Usual => "usual",
            Self::AmazonMq => "amazon-mq",
        })
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Usual, Self::AmazonMq]
            .into_iter()
            .find(|profile| profile.to_string() == text)
            .ok_or_else(|| format!("there is no profile `{text}`; profiles are usual and amazon-mq"))
    }
}

#[cfg(test)]
mod tests {
    use super::Profile;

    #[test]
    fn one_word_says_which_profile() {
        assert_eq!("amazon-mq".parse(), Ok(Profile::AmazonMq));
        assert_eq!("usual".parse(), Ok(Profile::default()));
        assert!("aws".parse::<Profile>().unwrap_err().contains("amazon-mq"));
    }
}
