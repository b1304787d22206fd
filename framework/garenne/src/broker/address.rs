//! Where the broker is.

use std::fmt;

use lapin::uri::{AMQPScheme, AMQPUri, SASLMechanism};

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
    /// Without TLS there is no certificate to log in with.
    #[error("auth_mechanism=external logs in by a certificate, which only TLS has: write the address as amqps://…")]
    ExternalWithoutTls,
}

impl Address {
    /// Reads `amqp://user:password@host:port/vhost`; `amqps` is TLS, and never anything else. `/` in a vhost's name is written
    /// `%2f`, and no name at all means `/`. With `amqps://host/vhost?auth_mechanism=external` the user is the one that the
    /// broker finds in the service's certificate, and there is no password.
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
        if uri.scheme == AMQPScheme::AMQP && uri.query.auth_mechanism == Some(SASLMechanism::External) {
            return Err(AddressFault::ExternalWithoutTls);
        }
        if uri.vhost.is_empty() {
            uri.vhost = "/".into();
        }
        uri.query.heartbeat.get_or_insert(10);
        Ok(Self { uri })
    }

    /// What the AMQP client is told. Of the encryption it knows nothing: that is made below it.
    pub(super) fn for_client(&self, frame_max: u32) -> AMQPUri {
        let mut uri = self.uri.clone();
        uri.scheme = AMQPScheme::AMQP;
        uri.query.frame_max.get_or_insert(frame_max);
        uri
    }

    /// Whether the connection is encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.uri.scheme == AMQPScheme::AMQPS
    }

    /// Whether the user is who the certificate says.
    pub(crate) fn is_external(&self) -> bool {
        self.uri.query.auth_mechanism == Some(SASLMechanism::External)
    }

    pub(crate) fn host(&self) -> &str {
        &self.uri.authority.host
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
        write!(f, "{scheme}://")?;
        if !self.is_external() {
            write!(f, "{}@", self.user())?;
        }
        write!(f, "{}:{} vhost {:?}", authority.host, authority.port, self.vhost())
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

    #[test]
    fn who_logs_in_by_a_certificate_needs_tls_and_has_no_name_in_the_address() {
        let address = Address::parse("amqps://broker/shop?auth_mechanism=external").unwrap();
        assert_eq!(address.to_string(), "amqps://broker:5671 vhost \"shop\"");
        let plain = Address::parse("amqp://broker/shop?auth_mechanism=EXTERNAL");
        assert_eq!(plain, Err(AddressFault::ExternalWithoutTls));
    }

    #[test]
    fn the_client_is_never_told_to_encrypt_and_keeps_the_port_of_tls() {
        let uri = Address::parse("amqps://orders:secret@broker").unwrap().for_client(8192);
        assert_eq!((uri.scheme, uri.authority.port, uri.query.frame_max), (AMQPScheme::AMQP, 5671, Some(8192)));
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
