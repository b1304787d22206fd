//! What the environment says.

use std::env;
use std::net::SocketAddr;

/// Where the page is served when `HTTP_ADDR` does not say.
const DEFAULT_HTTP_ADDR: &str = "127.0.0.1:8080";

/// The settings of the storefront; those of the broker are the library's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Config {
    /// Where the page and the HTTP interface are served: `HTTP_ADDR`, default `127.0.0.1:8080`.
    pub(crate) http_addr: SocketAddr,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    ///
    /// When a variable cannot be understood: which one, what it says, what it should look like.
    pub(crate) fn from_env() -> Result<Self, String> {
        Self::read(env::var("HTTP_ADDR").ok().as_deref())
    }

    fn read(http_addr: Option<&str>) -> Result<Self, String> {
        let given = http_addr.filter(|text| !text.is_empty()).unwrap_or(DEFAULT_HTTP_ADDR);
        let http_addr = given.parse().map_err(|_| {
            format!("HTTP_ADDR is {given:?}, which is not an IP address and a port; for example HTTP_ADDR={DEFAULT_HTTP_ADDR}")
        })?;
        Ok(Self { http_addr })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_or_empty_address_is_the_default() {
        let default = Config { http_addr: ([127, 0, 0, 1], 8080).into() };
        assert_eq!(Config::read(None), Ok(default));
        assert_eq!(Config::read(Some("")), Ok(default));
        assert_eq!(Config::read(Some("[::1]:80")).unwrap().http_addr.port(), 80);
    }

    #[test]
    fn an_address_that_is_none_is_named_with_an_example() {
        let words = Config::read(Some("localhost:8080")).unwrap_err();
        assert!(words.contains("HTTP_ADDR") && words.contains("localhost:8080") && words.contains("127.0.0.1:8080"));
    }
}
