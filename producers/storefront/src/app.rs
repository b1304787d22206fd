//! The storefront's state: where it serves, and what it has overheard.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::config::Config;
use crate::live::Live;

/// What the tasks of the storefront share.
#[derive(Debug)]
pub struct Storefront {
    pub(crate) http_addr: SocketAddr,
    pub(crate) live: Arc<Live>,
}

impl Storefront {
    /// Reads the environment.
    ///
    /// # Errors
    ///
    /// When a variable cannot be understood.
    pub async fn open() -> Result<Self, String> {
        Ok(Self::new(Config::from_env()?))
    }

    /// A storefront with these settings that has heard nothing yet.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { http_addr: config.http_addr, live: Arc::default() }
    }
}
