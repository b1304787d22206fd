//! The broker that `cargo xtask test` has started or was given, and a vhost of it for one test.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use garenne::{Address, Certificates, Settings};
use rabbitmq_node::{BrokerChoice, Installation, Management};
use serde_json::{Value, json};

use crate::encrypting;

/// The running broker.
#[derive(Debug, Clone)]
pub struct Broker {
    address: String,
    encrypted: Option<Encrypted>,
    management: Management,
    user: String,
    password: String,
}

/// The way of services to a broker that takes nothing unencrypted. All other clients of the suites speak plainly to somebody who
/// encrypts it.
#[derive(Debug, Clone)]
struct Encrypted {
    address: String,
    authorities: PathBuf,
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
        let address = read("TEST_AMQP_ADDRESS");
        match std::env::var_os("TEST_AMQP_CA_FILE").map(PathBuf::from) {
            None => Self { address, encrypted: None, management, user, password },
            Some(authorities) => {
                static ENCRYPTING: OnceLock<String> = OnceLock::new();
                let plain = ENCRYPTING.get_or_init(|| encrypting::before(address.clone(), &authorities)).clone();
                let encrypted = Some(Encrypted { address, authorities });
                Self { address: plain, encrypted, management, user, password }
            }
        }
    }

    /// A broker at `host:port`, with its management interface and the administrator's name and password.
    #[must_use]
    pub fn at(address: String, management: Management, (user, password): (&str, &str)) -> Self {
        Self { address, encrypted: None, management, user: user.to_owned(), password: password.to_owned() }
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

    /// Whether services may have streams on the broker of this run. Without them nobody keeps a log, and `analytics` does not run.
    #[must_use]
    pub fn has_streams(&self) -> bool {
        std::env::var("TEST_STREAMS").as_deref() != Ok("none")
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

    /// Makes a user whose password is its name, without any right.
    ///
    /// # Panics
    ///
    /// When the broker refuses.
    pub fn user(&self, name: &str) {
        // The broker refuses to create a user twice at the same moment.
        static USERS: Mutex<BTreeSet<(String, String)>> = Mutex::new(BTreeSet::new());
        let mut users = USERS.lock().unwrap_or_else(PoisonError::into_inner);
        if users.insert((self.broker.address.clone(), name.to_owned())) {
            let user = json!({"password": name, "tags": ""});
            self.broker.management.put(&format!("users/{name}"), &user).expect("the user is created");
        }
    }

    /// Gives a user what the lists `permissions` and `topic_permissions` of a definitions document say.
    ///
    /// # Panics
    ///
    /// When the broker refuses.
    pub fn grant(&self, user: &str, definitions: &Value) {
        for (kind, path) in [("permissions", "permissions"), ("topic_permissions", "topic-permissions")] {
            for right in definitions[kind].as_array().into_iter().flatten() {
                let granted = self.broker.management.put(&format!("{path}/{}/{user}", self.name), right);
                granted.expect("rights are granted");
            }
        }
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

    /// With what a service gets here, as the administrator.
    ///
    /// # Panics
    ///
    /// When the URL is none.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let (user, password) = self.broker.administrator();
        let url = self.service_url(user, password);
        let mut settings = Settings::new(Address::parse(&url).expect("a URL"));
        if let Some(encrypted) = &self.broker.encrypted {
            settings.certificates = Certificates::default().signed_by(&encrypted.authorities);
        }
        settings
    }

    /// The same for a service that is a process.
    #[must_use]
    pub fn environment(&self, user: &str, password: &str) -> Vec<(&'static str, String)> {
        let authorities = self.broker.encrypted.as_ref().map(|encrypted| encrypted.authorities.display().to_string());
        let url = ("AMQP_URL", self.service_url(user, password));
        [url].into_iter().chain(authorities.map(|file| ("AMQP_CA_FILE", file))).collect()
    }

    fn service_url(&self, user: &str, password: &str) -> String {
        match &self.broker.encrypted {
            None => self.url_of(user, password),
            Some(encrypted) => self.url_at(&encrypted.address, user, password).replacen("amqp:", "amqps:", 1),
        }
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
