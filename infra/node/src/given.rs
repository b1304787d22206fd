//! A broker that somebody else runs, by its AMQP address.

use std::fmt;
use std::str::FromStr;

use crate::Management;

/// A broker that exists already. Its user is taken for an administrator where the management API is asked.
#[derive(Clone, PartialEq, Eq)]
pub struct GivenBroker {
    url: String,
    host: String,
    port: u16,
    user: String,
    password: String,
    management_url: String,
}

impl GivenBroker {
    /// The address as it was given, password included.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Name or address of the machine; an IPv6 address stands in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The AMQP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// User and password.
    #[must_use]
    pub fn user(&self) -> (&str, &str) {
        (&self.user, &self.password)
    }

    /// Whether AMQP is spoken over TLS.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.url.starts_with("amqps://")
    }

    /// Where the management API is: port 15672 of the same machine, unless it was said otherwise.
    #[must_use]
    pub fn management_url(&self) -> &str {
        &self.management_url
    }

    /// The same broker with its management API at another address, such as `http://broker:8080`.
    #[must_use]
    pub fn with_management_url(mut self, url: &str) -> Self {
        url.trim_end_matches('/').clone_into(&mut self.management_url);
        self
    }

    /// The management API as the user of the address.
    #[must_use]
    pub fn management(&self) -> Management {
        Management::new(&self.management_url, &self.user, &self.password)
    }
}

impl FromStr for GivenBroker {
    type Err = String;

    /// Reads `amqp://user:password@host:port/vhost`; without a user it is `guest`, without a port AMQP's own.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("the broker's address is not amqp://user:password@host:5672/%2f: {why}");
        let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong("it has no scheme"))?;
        let usual = match scheme {
            "amqp" => 5672,
            "amqps" => 5671,
            other => return Err(wrong(&format!("its scheme is `{other}`"))),
        };
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let (user, place) = authority.rsplit_once('@').unwrap_or(("guest:guest", authority));
        let (user, password) = user.split_once(':').ok_or_else(|| wrong("it has a user without a password"))?;
        let bare = place.ends_with(']') || !place.contains(':');
        let (host, port) = if bare {
            (place, usual)
        } else {
            let (host, port) = place.rsplit_once(':').unwrap_or((place, ""));
            (host, port.parse().map_err(|_| wrong(&format!("its port is `{port}`")))?)
        };
        if host.is_empty() {
            return Err(wrong("it names no host"));
        }
        let decode = |part: &str| decoded(part).ok_or_else(|| wrong("user or password has a wrong %-sequence"));
        Ok(Self {
            url: text.to_owned(),
            host: host.to_owned(),
            port,
            user: decode(user)?,
            password: decode(password)?,
            management_url: format!("http://{host}:15672"),
        })
    }
}

/// The address without the password.
impl fmt::Display for GivenBroker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_encrypted() { "amqps" } else { "amqp" };
        write!(out, "{scheme}://{}@{}:{}", Management::segment(&self.user), self.host, self.port)
    }
}

impl fmt::Debug for GivenBroker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "GivenBroker({self})")
    }
}

/// Undoes [`Management::segment`].
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [char::from(rest.next()?).to_digit(16)?, char::from(rest.next()?).to_digit(16)?];
            bytes.push(u8::try_from(digits[0] * 16 + digits[1]).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::GivenBroker;

    #[test]
    fn an_address_says_who_and_where() {
        let broker: GivenBroker = "amqp://ad%40min:s%2Fecret@broker:5673/%2f?heartbeat=5".parse().unwrap();
        assert_eq!((broker.host(), broker.port(), broker.user()), ("broker", 5673, ("ad@min", "s/ecret")));
        assert_eq!(broker.management_url(), "http://broker:15672");
        assert_eq!(broker.with_management_url("http://other:8080/").management_url(), "http://other:8080");
        let plain: GivenBroker = "amqps://[::1]".parse().unwrap();
        assert_eq!((plain.host(), plain.port(), plain.user()), ("[::1]", 5671, ("guest", "guest")));
        assert!(plain.is_encrypted());
    }

    #[test]
    fn the_password_is_never_shown() {
        let broker: GivenBroker = "amqp://admin:secret@broker/%2f".parse().unwrap();
        assert_eq!(broker.to_string(), "amqp://admin@broker:5672");
        assert!(!format!("{broker:?}").contains("secret"));
    }

    #[test]
    fn a_wrong_address_is_told_apart_without_its_password() {
        for (text, why) in [
            ("http://a:secret@b", "scheme is `http`"),
            ("amqp://a:secret@b:many", "port is `many`"),
            ("amqp://a:secret@/", "names no host"),
            ("amqp://a:secret%zz@b", "%-sequence"),
            ("amqp://secret@b", "without a password"),
        ] {
            let error = text.parse::<GivenBroker>().unwrap_err();
            assert!(error.contains(why) && !error.contains("secret"), "{error}");
        }
    }
}
