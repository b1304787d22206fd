//! Where the broker is.

use std::fmt;

use lapin::uri::{AMQPScheme, AMQPUri};

/// The broker's address, read from an AMQP URL. Its password is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    uri: AMQPUri,
}

/// Why an AMQP URL cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// It is no URL of the two schemes.
    #[error("not an AMQP URL ({0}); write it as amqp://user:password@host:5672/%2f, or amqps://… for TLS")]
    Malformed(String),
    /// The client library would silently connect to `localhost` instead.
    #[error("the host is an IPv6 literal, which the AMQP client cannot read from a URL; give a host name")]
    Ipv6Literal,
}

impl Address {
    /// Reads `amqp://user:password@host:port/vhost`; `amqps` is TLS. `/` in a vhost's name is written `%2f`, and no
    /// name at all means `/`.
    ///
    /// Unless the URL says otherwise, heartbeats are agreed at 10 s (a dead connection is noticed within 20 s), and frames
    /// at 128 KiB where messages come in and 32 KiB elsewhere: the client keeps two buffers of 32 frames for each
    /// connection, but gives a connection up over a larger frame, and another sender's headers may fill one of 128 KiB.
    ///
    /// ```
    /// let address = garenne::Address::parse("amqps://orders:secret@broker.example.org/shop")?;
    /// assert_eq!(address.to_string(), "amqps://orders@broker.example.org:5671 vhost \"shop\"");
    /// # Ok::<(), garenne::AddressFault>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When it is no such URL. The message never contains the password.
    pub fn parse(url: &str) -> Result<Self, AddressFault> {
        let mut uri: AMQPUri = url.trim().parse().map_err(|reason: String| AddressFault::Malformed(reason))?;
        let host = url.rsplit('@').next().unwrap_or(url);
        if host.contains('[') {
            return Err(AddressFault::Ipv6Literal);
        }
        if uri.vhost.is_empty() {
            uri.vhost = "/".into();
        }
        uri.query.heartbeat.get_or_insert(10);
        Ok(Self { uri })
    }

    pub(crate) fn uri(&self) -> &AMQPUri {
        &self.uri
    }

    pub(crate) fn user(&self) -> &str {
        &self.uri.authority.userinfo.username
    }

    pub(crate) fn vhost(&self) -> &str {
        &self.uri.vhost
    }
}

/// Without the password: `amqp://orders@localhost:5672 vhost "/"`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.uri.scheme {
            AMQPScheme::AMQP => "amqp",
            AMQPScheme::AMQPS => "amqps",
        };
        let authority = &self.uri.authority;
        write!(f, "{scheme}://{}@{}:{} vhost {:?}", self.user(), authority.host, authority.port, self.vhost())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_password_is_never_shown() {
        let address = Address::parse("amqp://orders:s3cret@broker:5671/shop").unwrap();
        assert_eq!(address.to_string(), "amqp://orders@broker:5671 vhost \"shop\"");
        assert!(!format!("{address:?}").contains("s3cret"));
    }

    proptest! {
        #[test]
        fn whatever_the_url_its_password_is_never_shown(
            scheme in "amqps?|http|", user in "[a-z]{0,5}", host in "[a-z.:@/\\[\\]]{0,12}", rest in "[ -~]{0,20}",
        ) {
            let url = format!("{scheme}://{user}:S3CR3T-S3CR3T@{host}{rest}");
            let shown = match Address::parse(&url) {
                Ok(address) => format!("{address} {address:?}"),
                Err(fault) => format!("{fault} {fault:?}"),
            };
            prop_assert!(!shown.contains("S3CR3T"), "{}", shown);
        }

        #[test]
        fn any_text_is_an_address_or_says_why_not(text in ".{0,60}") {
            let _either_is_fine = Address::parse(&text);
        }
    }

    #[test]
    fn no_vhost_means_the_default_one() {
        for url in ["amqp://h", "amqp://h/", "amqp://h/%2f"] {
            assert_eq!(Address::parse(url).unwrap().vhost(), "/", "{url}");
        }
    }

    #[test]
    fn what_is_no_amqp_url_says_how_to_write_one() {
        for bad in ["", "broker:5672", "http://broker"] {
            assert!(Address::parse(bad).unwrap_err().to_string().contains("amqp://user:password@host:5672"), "{bad}");
        }
        assert_eq!(Address::parse("amqp://u:p@[::1]:5672/%2f"), Err(AddressFault::Ipv6Literal));
    }
}
