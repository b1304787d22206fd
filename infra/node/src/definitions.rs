//! A definitions file, and whether a broker has everything that it names.
//!
//! RabbitMQ skips objects that exist already, and some versions give up half way without an error: the import is compared afterwards.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::{Error, Management};

/// How long a running broker may take for an import: each quorum queue is an election.
const IMPORT: Duration = Duration::from_secs(60);

/// The kinds that are compared, with the fields that identify one object.
const KINDS: [(&str, &[&str]); 7] = [
    ("users", &["name"]),
    ("vhosts", &["name"]),
    ("permissions", &["user", "vhost"]),
    ("topic_permissions", &["user", "vhost", "exchange"]),
    ("exchanges", &["vhost", "name"]),
    ("queues", &["vhost", "name"]),
    ("bindings", &["vhost", "source", "destination_type", "destination", "routing_key"]),
];

/// A definitions file that was read.
#[derive(Debug, Clone)]
pub struct Definitions {
    path: PathBuf,
    content: Value,
}

/// How many objects of the main kinds there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Users.
    pub users: usize,
    /// Exchanges, without the ones RabbitMQ makes itself.
    pub exchanges: usize,
    /// Queues and streams.
    pub queues: usize,
    /// Bindings, without those to the default exchange.
    pub bindings: usize,
}

impl Definitions {
    /// Reads a definitions file. Its path becomes absolute.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::Definitions`] when it is not a JSON object.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let path = std::path::absolute(path).map_err(Error::io("resolve", path))?;
        let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        match serde_json::from_str(&text) {
            Ok(content @ Value::Object(_)) => Ok(Self { path, content }),
            Ok(_) => Err(Error::Definitions { path, reason: "not a JSON object".to_owned() }),
            Err(error) => Err(Error::Definitions { path, reason: error.to_string() }),
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file holds.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let count = |kind: &str| self.content[kind].as_array().map_or(0, Vec::len);
        Counts {
            users: count("users"),
            exchanges: count("exchanges"),
            queues: count("queues"),
            bindings: count("bindings"),
        }
    }

    /// Imports the file into a running broker, which may take a minute, and checks that it has every object then.
    ///
    /// # Errors
    /// As [`Definitions::verify`].
    pub fn import(&self, management: &Management) -> Result<(), Error> {
        management.with_timeout(IMPORT).post("definitions", &self.content)?;
        self.verify(management)
    }

    /// Checks that the broker has every object of the file. It may have more.
    ///
    /// # Errors
    /// [`Error::Incomplete`] with kind and name of every missing object, or [`Error::Management`].
    pub fn verify(&self, management: &Management) -> Result<(), Error> {
        let missing = missing(&self.content, &management.get("definitions")?);
        if missing.is_empty() { Ok(()) } else { Err(Error::Incomplete { path: self.path.clone(), missing }) }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { users, exchanges, queues, bindings } = self;
        write!(out, "{users} users, {exchanges} exchanges, {queues} queues, {bindings} bindings")
    }
}

fn missing(wanted: &Value, present: &Value) -> Vec<String> {
    let names = |content: &Value, kind: &str, fields: &[&str]| -> BTreeSet<String> {
        let name = |object: &Value| {
            fields.iter().map(|field| object[*field].as_str().unwrap_or_default()).collect::<Vec<_>>().join(" ")
        };
        content[kind].as_array().map(|objects| objects.iter().map(name).collect()).unwrap_or_default()
    };
    KINDS
        .iter()
        .flat_map(|(kind, fields)| {
            let present = names(present, kind, fields);
            let wanted = names(wanted, kind, fields);
            wanted.into_iter().filter(move |name| !present.contains(name)).map(move |name| format!("{kind} `{name}`"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::missing;

    #[test]
    fn what_the_broker_lacks_is_named_and_what_it_has_more_is_not() {
        let wanted = json!({
            "users": [{ "name": "orders", "password_hash": "x" }],
            "queues": [{ "vhost": "/", "name": "orders.dlq" }, { "vhost": "/", "name": "orders.retry.1000" }],
        });
        let present = json!({
            "users": [{ "name": "orders", "password_hash": "y" }, { "name": "guest" }],
            "queues": [{ "vhost": "/", "name": "orders.dlq", "type": "quorum" }],
        });
        assert_eq!(missing(&wanted, &present), ["queues `/ orders.retry.1000`"]);
        assert_eq!(missing(&present, &wanted), ["users `guest`"]);
    }
}
