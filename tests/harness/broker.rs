//! The broker that `cargo xtask test` has started or was given, and a vhost of it for one test.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use rabbitmq_node::{BrokerChoice, Installation, Management};
use serde_json::{Value, json};

/// The running broker.
#[derive(Debug, Clone)]
pub struct Broker {
    address: String,
    management: Management,
    user: String,
    password: String,
}

/// A vhost that exists as long as its test.
#[derive(Debug)]
pub struct Vhost {
    broker: Broker,
    name: String,
}

/// The RabbitMQ of this run, for a test that starts a node of its own.
///
/// # Panics
///
/// When the run is for a broker that somebody else runs: such tests lie in modules named `node`, which are left out then.
pub(crate) fn installation() -> Installation {
    let choice: BrokerChoice = read("TEST_BROKER").parse().expect("TEST_BROKER names a broker");
    let unpacked = choice.installation(Path::new(&read("TEST_BROKERS_DIR")), &mut |line| eprintln!("{line}"));
    unpacked.unwrap_or_else(|error| panic!("{error}"))
}

fn read(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the suites with `cargo xtask test`"))
}

impl Broker {
    /// # Panics
    ///
    /// When the suite was not started by `cargo xtask test`.
    #[must_use]
    pub fn from_env() -> Self {
        let (user, password) = (read("TEST_ADMIN_USER"), read("TEST_ADMIN_PASSWORD"));
        let management = Management::new(&read("TEST_MANAGEMENT_URL"), &user, &password);
        Self { address: read("TEST_AMQP_ADDRESS"), management, user, password }
    }

    /// A broker at `host:port`, with its management interface and the administrator's name and password.
    #[must_use]
    pub fn at(address: String, management: Management, (user, password): (&str, &str)) -> Self {
        Self { address, management, user: user.to_owned(), password: password.to_owned() }
    }

    /// The management interface, as the administrator.
    #[must_use]
    pub fn management(&self) -> &Management {
        &self.management
    }

    /// The first number of the broker's version.
    ///
    /// # Panics
    ///
    /// When the broker does not tell it.
    #[must_use]
    pub fn major_version(&self) -> u32 {
        let overview = self.management.get("overview").expect("the broker answers");
        let version = overview["rabbitmq_version"].as_str().expect("the broker tells its version");
        version.split('.').next().and_then(|major| major.parse().ok()).expect("a version begins with a number")
    }

    /// Host and port for AMQP, `127.0.0.1:5672`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The administrator's name and password.
    pub(crate) fn administrator(&self) -> (&str, &str) {
        (&self.user, &self.password)
    }
}

impl Vhost {
    /// A new, empty vhost in which only the administrator has rights.
    ///
    /// # Panics
    ///
    /// When the broker does not create it.
    #[must_use]
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self::on(Broker::from_env(), name)
    }

    /// A new, empty vhost of this name on a broker.
    ///
    /// # Panics
    ///
    /// When the broker does not create it.
    #[must_use]
    pub fn on(broker: Broker, name: String) -> Self {
        broker.management.put(&format!("vhosts/{name}"), &json!({})).expect("the vhost is created");
        let vhost = Self { broker, name };
        vhost.allow(&vhost.broker.user, ".*", ".*", ".*");
        vhost
    }

    /// Gives a user rights in this vhost.
    ///
    /// # Panics
    ///
    /// When the broker refuses.
    pub fn allow(&self, user: &str, configure: &str, write: &str, read: &str) {
        let path = format!("permissions/{}/{user}", self.name);
        let rights = json!({"configure": configure, "write": write, "read": read});
        self.broker.management.put(&path, &rights).expect("the rights are granted");
    }

    /// The administrator's URL of this vhost.
    #[must_use]
    pub fn url(&self) -> String {
        let (user, password) = self.broker.administrator();
        self.url_of(user, password)
    }

    /// A user's URL of this vhost.
    #[must_use]
    pub fn url_of(&self, user: &str, password: &str) -> String {
        self.url_at(&self.broker.address, user, password)
    }

    /// A user's URL of this vhost by way of another host and port.
    pub(crate) fn url_at(&self, address: &str, user: &str, password: &str) -> String {
        let [user, password] = [user, password].map(Management::segment);
        format!("amqp://{user}:{password}@{address}/{}", self.name)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The broker it belongs to.
    #[must_use]
    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    /// Asks the management interface about something of this vhost: `get("queues", "orders.dlq")`.
    ///
    /// # Panics
    ///
    /// When the broker has no such thing.
    #[must_use]
    pub fn get(&self, kind: &str, name: &str) -> Value {
        self.broker.management.get(&format!("{kind}/{}/{name}", self.name)).expect("the broker answers")
    }
}

impl Default for Vhost {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Vhost {
    fn drop(&mut self) {
        let _ = self.broker.management.delete(&format!("vhosts/{}", self.name));
    }
}
