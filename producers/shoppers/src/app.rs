//! The shoppers' state: how many come, and how awkward they are.

use crate::config::Config;

/// What the shoppers' task knows.
#[derive(Debug)]
pub struct Shoppers {
    pub(crate) config: Config,
}

impl Shoppers {
    /// Reads the environment.
    ///
    /// # Errors
    ///
    /// When a variable cannot be understood.
    pub async fn open() -> Result<Self, String> {
        Ok(Self { config: Config::from_env()? })
    }
}
