//! What goes wrong between a service and its broker, in words that say what to do.

use std::time::Duration;

use lapin::ErrorKind;
use lapin::protocol::{AMQPError, AMQPErrorKind, AMQPHardError, AMQPSoftError};

use super::Address;

/// For a login by certificate.
const NEEDED: &str = "the plugin rabbitmq_auth_mechanism_ssl, EXTERNAL among its auth_mechanisms, and a user with the name \
    that ssl_cert_login_from takes from the certificate";

/// Why the broker cannot be used now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BrokerError {
    /// Nobody answers there, or not in time.
    #[error("no broker answers at {address}: {reason}. Is it running, and is AMQP_URL right?")]
    Unreachable {
        /// Where, without the password.
        address: String,
        /// In the operating system's or the client's words.
        reason: String,
    },
    /// The broker is not who it should be, or it does not take this service for who it is.
    #[error("no encrypted connection with {address}: {reason}")]
    Tls {
        /// Where, without the password.
        address: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// User or password are wrong.
    #[error(
        "the broker refuses user {user:?} or its password: check AMQP_URL against the broker's users (`rabbitmqctl list_users`)"
    )]
    Credentials {
        /// The user that was refused.
        user: String,
    },
    /// There is no such vhost, or the user may not enter it.
    #[error(
        "vhost {vhost:?} cannot be entered ({reason}): create it (`rabbitmqctl add_vhost`), grant the user permissions in it, or correct AMQP_URL"
    )]
    Vhost {
        /// The vhost.
        vhost: String,
        /// In the broker's words.
        reason: String,
    },
    /// Queues or exchanges exist with other arguments. All of them are listed.
    #[error("the broker has other objects than this service declares:\n{}", lines(.0))]
    Drift(Vec<Drift>),
    /// The user lacks a right that the service needs.
    #[error(
        "user {user:?} lacks a right: {reason}. Import the definitions that `<service> definitions` prints, or grant it"
    )]
    Right {
        /// The user.
        user: String,
        /// In the broker's words: which right on which object.
        reason: String,
    },
    /// An exchange of another service is missing.
    #[error("exchange {exchange:?} does not exist yet: start its owner, or import the definitions. Trying again")]
    OwnerAbsent {
        /// The exchange.
        exchange: String,
    },
    /// The broker is there but did not answer a declare or a subscription. Perhaps a queue has no leader yet.
    #[error(
        "the broker did not answer within {} s about {what}. Trying again; if that goes on, a queue has no leader: see `rabbitmq-queues quorum_status <queue>`",
        waited.as_secs()
    )]
    Late {
        /// The queue or exchange, or the subscription to one.
        what: String,
        /// How long was waited.
        waited: Duration,
    },
    /// The connection or a channel went away.
    #[error("the connection to the broker is lost: {0}")]
    Lost(String),
}

/// One object that the broker has with another argument than the service wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// `queue` or `exchange`.
    pub object: &'static str,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub vhost: String,
    /// In the broker's words: which argument, what it has, what was asked for.
    pub difference: String,
}

fn lines(drifts: &[Drift]) -> String {
    let lines = drifts.iter().map(|Drift { object, name, vhost, difference }| {
        let delete = match *object {
            "queue" => format!("move its messages away, `rabbitmqctl delete_queue --vhost {vhost} {name}`"),
            _ => "delete it in the management UI".to_owned(),
        };
        format!("  {object} {name}: {difference}. Arguments cannot be changed in place: {delete}, and start again")
    });
    lines.collect::<Vec<_>>().join("\n")
}

impl BrokerError {
    /// Whether trying again cannot help until somebody changes something.
    pub(crate) fn needs_an_operator(&self) -> bool {
        match self {
            Self::Tls { .. } | Self::Credentials { .. } | Self::Vhost { .. } | Self::Drift(_) | Self::Right { .. } => {
                true
            }
            Self::Unreachable { .. } | Self::OwnerAbsent { .. } | Self::Late { .. } | Self::Lost(_) => false,
        }
    }

    /// What a failed attempt to connect means.
    pub(crate) fn connecting(address: &Address, error: &lapin::Error) -> Self {
        match protocol(error) {
            Some((AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED), text)) if address.is_external() => {
                Self::tls(address, format!("the broker takes nobody by this certificate ({text}): it needs {NEEDED}"))
            }
            Some((AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED), _)) => {
                Self::Credentials { user: address.user().to_owned() }
            }
            Some((AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED), text)) => {
                Self::Vhost { vhost: address.vhost().to_owned(), reason: text }
            }
            _ => Self::Unreachable { address: address.to_string(), reason: error.to_string() },
        }
    }

    pub(super) fn tls(address: &Address, reason: impl Into<String>) -> Self {
        Self::Tls { address: address.to_string(), reason: reason.into() }
    }
}

/// The broker's own code and words, when it was the broker who objected.
pub(crate) fn protocol(error: &lapin::Error) -> Option<(AMQPErrorKind, String)> {
    match error.kind() {
        ErrorKind::ProtocolError(error) => Some((error.kind().clone(), words(error))),
        _ => None,
    }
}

/// A frame that the client could not read or found too large, or one over which the broker gave up: some message is poison.
pub(crate) fn is_poison(error: &lapin::Error) -> bool {
    matches!(error.kind(), ErrorKind::ParsingError(_))
        || matches!(
            protocol(error),
            Some((AMQPErrorKind::Hard(AMQPHardError::INTERNALERROR | AMQPHardError::FRAMEERROR), _))
        )
}

/// Whether no message can be the cause. When the broker closes a channel over one message, the client may answer to that before
/// it writes what it had taken of others, and over frames of a channel that is gone the broker closes the connection.
pub(super) fn is_nobodys_fault(kind: &AMQPErrorKind) -> bool {
    use AMQPHardError::{CHANNELERROR, COMMANDINVALID, CONNECTIONFORCED, UNEXPECTEDFRAME};
    matches!(kind, AMQPErrorKind::Hard(CONNECTIONFORCED | CHANNELERROR | UNEXPECTEDFRAME | COMMANDINVALID))
}

fn words(error: &AMQPError) -> String {
    error.get_message().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_blamed_for_what_it_may_have_done_and_not_for_the_end_of_a_channel() {
        for innocent in [AMQPHardError::CHANNELERROR, AMQPHardError::CONNECTIONFORCED] {
            assert!(is_nobodys_fault(&AMQPErrorKind::Hard(innocent)));
        }
        for guilty in [AMQPHardError::FRAMEERROR, AMQPHardError::INTERNALERROR] {
            assert!(!is_nobodys_fault(&AMQPErrorKind::Hard(guilty)));
        }
        assert!(!is_nobodys_fault(&AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND)));
    }

    #[test]
    fn drift_names_each_object_and_what_to_run() {
        let drift = |name: &str| Drift {
            object: "queue",
            name: name.into(),
            vhost: "/".into(),
            difference: "x-delivery-limit 5, not 20".into(),
        };
        let text = BrokerError::Drift(vec![drift("a"), drift("b")]).to_string();
        assert!(text.contains("queue a: x-delivery-limit 5, not 20") && text.contains("delete_queue --vhost / b"));
    }
}
