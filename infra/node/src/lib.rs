//! Private RabbitMQ nodes on loopback, one or a cluster of three, for `cargo xtask up` and for the end-to-end tests.
//!
//! ```no_run
//! # fn main() -> Result<(), rabbitmq_node::Error> {
//! use rabbitmq_node::{Installation, Node, NodeOptions};
//!
//! let installation = Installation::find_or_install(&mut |line| eprintln!("{line}"))?;
//! let mut node = Node::start(&installation, &NodeOptions::new("target/example"))?;
//! let overview = node.management().get("overview")?;
//! println!("{} on {}", overview["rabbitmq_version"], node.amqp_url("admin", "admin", "/"));
//! node.stop()?;
//! # Ok(())
//! # }
//! ```
//!
//! Everything a node touches lies in its directory, which is also its `HOME`. It listens on 127.0.0.1 only, needs no
//! epmd, runs as root and as an ordinary user, and stops when the process that started it disappears. The nodes of a [`Cluster`]
//! find each other through an epmd of their own, of which the same is true.
//!
//! Which RabbitMQ it is says a [`BrokerChoice`]: this machine's, or a [`Release`] that is unpacked into a folder of the project's.

mod alarm;
mod authority;
mod choice;
mod cluster;
mod configuration;
mod definitions;
mod directory;
mod distribution;
mod encryption;
mod error;
mod given;
mod installation;
mod launchers;
mod management;
mod mapper;
mod node;
mod ports;
mod process;
mod profile;
mod register;
mod release;
mod unpacked;

pub use authority::{Authority, Credential, CredentialFiles};
pub use choice::BrokerChoice;
pub use cluster::{Cluster, ClusterOptions};
pub use definitions::{Counts, Definitions};
pub use directory::Directory;
pub use encryption::Encryption;
pub use error::Error;
pub use given::GivenBroker;
pub use installation::Installation;
pub use management::Management;
pub use node::{ADMINISTRATOR, Node, NodeOptions};
pub use ports::Ports;
pub use profile::Profile;
pub use release::Release;
