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
    /// Reads the environment; nothing has been overheard yet.
    ///
    /// # Errors
    ///
    /// When a variable cannot be understood.
    pub async fn open() -> Result<Self, String> {
        Ok(Self { http_addr: Config::from_env()?.http_addr, live: Arc::default() })
    }
}
