//! A private PostgreSQL server on loopback, for tests that need a real one and for those that break it.
//!
//! ```no_run
//! # fn main() -> Result<(), postgres_node::Error> {
//! use postgres_node::{Installation, Server, ServerOptions};
//!
//! let installation = Installation::find_or_install(&mut |line| eprintln!("{line}"))?;
//! let mut server = Server::start(&installation, &ServerOptions::new("target/example"))?;
//! server.create_database("orders")?;
//! println!("{}", server.url("orders"));
//! server.kill()?;
//! server.restart()?;
//! server.stop()?;
//! # Ok(())
//! # }
//! ```
//!
//! Everything the server touches lies in its directory. It listens on 127.0.0.1 only, writes to the disk before it confirms, runs as an
//! ordinary user also when root starts it, and stops when the process that started it disappears.

mod account;
mod directory;
mod error;
mod installation;
mod process;
mod server;

pub use directory::Directory;
pub use error::Error;
pub use installation::Installation;
pub use server::{ADMINISTRATOR, Server, ServerOptions};
