//! The PostgreSQL server of the test run, below `target/test/`.

use postgres_node::{Installation, Server, ServerOptions};

use crate::claim::Claim;
use crate::failure::Failure;
use crate::workspace;

/// The server that all end-to-end suites share; each test has a database of its own on it.
#[derive(Debug)]
pub(super) struct TestPostgres {
    server: Server,
    _claim: Claim,
}

impl TestPostgres {
    /// Starts it; Debian's package is installed where it is missing.
    pub(super) fn start(progress: &mut dyn FnMut(&str)) -> Result<Self, Failure> {
        let because = Failure::because::<postgres_node::Error>;
        let installation = Installation::find_or_install(progress).map_err(because("PostgreSQL"))?;
        let claim = Claim::take(&workspace::target().join("test"))?;
        let options = ServerOptions::new(claim.path().join("postgres"));
        let server = Server::start(&installation, &options).map_err(because("PostgreSQL"))?;
        Ok(Self { server, _claim: claim })
    }

    /// What the suites read to find it: the URL of the database in which others are created.
    pub(super) fn environment(&self) -> (&'static str, String) {
        ("TEST_POSTGRES_URL", self.server.url("postgres"))
    }
}
