//! Which broker is meant, as one word of a command line or of the environment.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::{Error, GivenBroker, Installation, Release, unpacked};

/// A broker to start, or one that is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum BrokerChoice {
    /// The RabbitMQ of this machine's package, whatever its version; installed when missing.
    #[default]
    Installed,
    /// A release: the machine's own package when it is that one, otherwise Debian's, unpacked into a folder of the project's.
    Release(Release),
    /// An unpacked generic archive: the folder that holds `sbin/`. Absolute when it was read: programs of other folders are told it.
    Folder(PathBuf),
    /// A broker that somebody else runs.
    Given(GivenBroker),
}

impl BrokerChoice {
    /// The programs to start a node with. What is not on the machine is unpacked below `base`, where the next call finds it;
    /// `progress` gets one line per step, the first one before anything is changed.
    ///
    /// # Errors
    /// [`Error::NotInstalled`] when they cannot be had here, [`Error::Machine`] when a package manager fails, [`Error::NotOurs`] for a
    /// given broker.
    pub fn installation(&self, base: &Path, progress: &mut dyn FnMut(&str)) -> Result<Installation, Error> {
        match self {
            Self::Installed => Installation::find_or_install(progress),
            Self::Release(release) => {
                let own = Installation::find();
                match own.filter(|own| own.version().is_some_and(|version| release.includes(&version))) {
                    Some(own) => Ok(own),
                    None => unpacked::find_or_make(*release, base, progress),
                }
            }
            Self::Folder(folder) => Installation::in_folder(folder).ok_or_else(|| Error::NotInstalled {
                instructions: format!("{} has no sbin/rabbitmq-server.", folder.display()),
            }),
            Self::Given(broker) => Err(Error::NotOurs { broker: broker.to_string() }),
        }
    }

    /// The broker that somebody else runs, if it is one.
    #[must_use]
    pub fn given(&self) -> Option<&GivenBroker> {
        match self {
            Self::Given(broker) => Some(broker),
            Self::Installed | Self::Release(_) | Self::Folder(_) => None,
        }
    }
}

/// Reads back as the same choice, except for a given broker: its password is left out and has to be put in again.
impl fmt::Display for BrokerChoice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installed => out.write_str("installed"),
            Self::Release(release) => release.fmt(out),
            Self::Folder(folder) => folder.display().fmt(out),
            Self::Given(broker) => broker.fmt(out),
        }
    }
}

impl FromStr for BrokerChoice {
    type Err = String;

    /// `installed`, a release such as `4.0`, an address that begins with `amqp://` or `amqps://`, or a folder with a slash in it.
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "installed" {
            Ok(Self::Installed)
        } else if text.contains("://") {
            text.parse().map(Self::Given)
        } else if text.contains('/') {
            std::path::absolute(text).map(Self::Folder).map_err(|error| format!("{text}: {error}"))
        } else {
            text.parse()
                .map(Self::Release)
                .map_err(|error| format!("{error}, or amqp://user:password@host, or a folder"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::BrokerChoice;
    use crate::{Error, Release};

    #[test]
    fn one_word_says_which_broker() {
        for (word, choice) in [
            ("installed", BrokerChoice::Installed),
            ("3.10", BrokerChoice::Release(Release::V3_10)),
            ("4.0", BrokerChoice::Release(Release::V4_0)),
            ("/opt/rabbitmq_server-4.1.0", BrokerChoice::Folder("/opt/rabbitmq_server-4.1.0".into())),
        ] {
            assert_eq!(word.parse(), Ok(choice.clone()));
            assert_eq!(choice.to_string(), word);
        }
        let Ok(BrokerChoice::Folder(folder)) = "./rabbitmq_server-4.1.0".parse() else { panic!("it has a slash") };
        assert!(folder.is_absolute() && folder.ends_with("rabbitmq_server-4.1.0"), "{folder:?}");
        assert!("5".parse::<BrokerChoice>().unwrap_err().contains("amqp://"));
    }

    #[test]
    fn a_given_broker_cannot_be_started() {
        let given: BrokerChoice = "amqp://me:secret@there/%2f".parse().unwrap();
        let error = given.installation(Path::new("unused"), &mut |_| {}).unwrap_err();
        assert!(matches!(error, Error::NotOurs { .. }));
        assert!(error.to_string().contains("amqp://me@there:5672"), "{error}");
    }
}
