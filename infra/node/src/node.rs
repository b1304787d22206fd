//! One private node: start, address, outage, stop.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::configuration::{self, Kind};
use crate::directory::Directory;
use crate::distribution::Distribution;
use crate::process::{self, Process};
use crate::{Definitions, Encryption, Error, Installation, Management, Ports, Profile};

/// User and password of the administrator that every private node has. Definitions have to bring the same.
pub const ADMINISTRATOR: (&str, &str) = ("admin", "admin");

/// How a node is to be started.
#[derive(Debug, Clone)]
pub struct NodeOptions {
    /// Where everything of this node lies; made when missing. One node per directory.
    pub directory: PathBuf,
    /// The name before the `@localhost`. Data belong to a name: keep it with the directory.
    pub name: String,
    /// Its ports; free ones when `None`.
    pub ports: Option<Ports>,
    /// A definitions file to import at boot. It has to bring the administrator.
    pub definitions: Option<PathBuf>,
    /// Whether a node finds what an earlier one in the same directory, with the same name, has stored.
    pub keep_data: bool,
    /// How long the node may take until it is ready.
    pub deadline: Duration,
    /// Whose behaviour it has.
    pub profile: Profile,
    /// By what it is encrypted. A profile that asks for encryption makes its own when there is none.
    pub encryption: Option<Encryption>,
}

impl NodeOptions {
    /// A blank node in this directory with free ports, without definitions, ready within a minute.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            name: "garenne".to_owned(),
            ports: None,
            definitions: None,
            keep_data: false,
            deadline: Duration::from_secs(60),
            profile: Profile::Usual,
            encryption: None,
        }
    }
}

/// A private RabbitMQ node on 127.0.0.1. Dropping it stops it.
#[derive(Debug)]
pub struct Node {
    installation: Installation,
    directory: Directory,
    name: String,
    ports: Ports,
    distribution: Distribution,
    definitions: Option<Definitions>,
    deadline: Duration,
    encryption: Option<Encryption>,
    has_mqtt: bool,
    process: Option<Process>,
}

impl Node {
    /// Starts a node and waits until it is ready: AMQP and MQTT accept, the management API answers, and the definitions are all there.
    /// A node that an owner which died has left in the same directory is ended first.
    ///
    /// # Errors
    /// [`Error::Exited`] and [`Error::NotReady`] quote the end of the node's log; [`Error::Incomplete`] names what was not imported.
    pub fn start(installation: &Installation, options: &NodeOptions) -> Result<Self, Error> {
        let mut node = Self::prepare(installation, options, Distribution::Alone)?;
        node.boot()?;
        Ok(node)
    }

    /// Writes the node's files without starting it.
    pub(crate) fn prepare(
        installation: &Installation,
        options: &NodeOptions,
        distribution: Distribution,
    ) -> Result<Self, Error> {
        let definitions = options.definitions.as_deref().map(Definitions::read).transpose()?;
        options.profile.check(installation)?;
        let directory = Directory::create(&options.directory)?;
        let ports = match options.ports {
            Some(ports) => ports,
            None => Ports::free()?,
        };
        process::kill_stale(&directory)?;
        if !options.keep_data {
            directory.clear_data()?;
        }
        let encryption = match &options.encryption {
            None if options.profile.encrypts() => Some(Encryption::made_in(&directory.root().join("tls"))?),
            given => given.clone(),
        };
        let kind = Kind { encryption: encryption.as_ref(), profile: options.profile };
        let has_mqtt = kind.has_mqtt();
        let text = configuration::render(ports, definitions.as_ref().map(Definitions::path), &distribution, kind);
        Directory::write(&directory.configuration(), &text)?;
        Directory::write(&directory.enabled_plugins(), &kind.plugins())?;
        Ok(Self {
            installation: installation.clone(),
            directory,
            name: Self::full_name(&options.name),
            ports,
            distribution,
            definitions,
            deadline: options.deadline,
            encryption,
            has_mqtt,
            process: None,
        })
    }

    /// The name by which Erlang nodes call each other.
    pub(crate) fn full_name(name: &str) -> String {
        format!("{name}@localhost")
    }

    /// Its full name, such as `garenne@localhost`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it was started and neither stopped nor killed since.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// The AMQP port.
    #[must_use]
    pub fn amqp_port(&self) -> u16 {
        self.ports.amqp
    }

    /// The port at which devices speak MQTT; none where nothing is unencrypted.
    #[must_use]
    pub fn mqtt_port(&self) -> Option<u16> {
        self.has_mqtt.then_some(self.ports.mqtt)
    }

    /// The AMQP address for one user and virtual host.
    #[must_use]
    pub fn amqp_url(&self, user: &str, password: &str, vhost: &str) -> String {
        let [user, password, vhost] = [user, password, vhost].map(Management::segment);
        let scheme = if self.encryption.is_some() { "amqps" } else { "amqp" };
        format!("{scheme}://{user}:{password}@127.0.0.1:{}/{vhost}", self.ports.amqp)
    }

    /// By what AMQP is encrypted, if it is.
    #[must_use]
    pub fn encryption(&self) -> Option<&Encryption> {
        self.encryption.as_ref()
    }

    /// Where the management UI and its API are.
    #[must_use]
    pub fn management_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.management)
    }

    /// The management API as the administrator.
    #[must_use]
    pub fn management(&self) -> Management {
        Management::new(&self.management_url(), ADMINISTRATOR.0, ADMINISTRATOR.1)
    }

    /// The files of the node.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(crate) fn installation(&self) -> &Installation {
        &self.installation
    }

    /// Lets another Erlang find this node.
    pub(crate) fn find_with(&self, command: &mut std::process::Command) {
        self.distribution.find(command, self.ports);
    }

    /// How the node ended, when it has without being asked to.
    pub fn crashed(&mut self) -> Option<String> {
        self.process.as_mut().and_then(Process::ended).map(|status| status.to_string())
    }

    /// Stops the node in good order. After 20 seconds it is killed. Stopping twice is allowed.
    ///
    /// # Errors
    /// [`Error::NotStopped`] when even SIGKILL has no effect.
    pub fn stop(&mut self) -> Result<(), Error> {
        self.process.take().map_or(Ok(()), |mut process| process.stop())
    }

    /// Kills the node with SIGKILL, as a power failure would. [`Node::restart`] brings it back with its data.
    ///
    /// # Errors
    /// [`Error::NotStopped`].
    pub fn kill(&mut self) -> Result<(), Error> {
        self.process.take().map_or(Ok(()), |mut process| process.kill())
    }

    /// Starts the node again with the same data and ports; one that still runs is stopped first.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub fn restart(&mut self) -> Result<(), Error> {
        self.stop()?;
        self.boot()
    }

    fn boot(&mut self) -> Result<(), Error> {
        let management = self.management();
        let mqtt = self.mqtt_port().map(|port| ("MQTT", port));
        let listeners: Vec<_> = [("AMQP", self.ports.amqp)].into_iter().chain(mqtt).collect();
        let process = Process::start(&self.installation, &self.directory, &self.name, self.ports, &self.distribution)?;
        let process = self.process.insert(process);
        if let Err(error) = wait_until_ready(process, &management, &listeners, self.deadline, &self.directory) {
            self.kill()?;
            return Err(error);
        }
        self.definitions.as_ref().map_or(Ok(()), |definitions| definitions.verify(&management))
    }
}

fn wait_until_ready(
    process: &mut Process,
    management: &Management,
    listeners: &[(&str, u16)],
    limit: Duration,
    directory: &Directory,
) -> Result<(), Error> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = process.ended() {
            let (log, tail) = (directory.log(), directory.log_tail());
            return Err(Error::Exited { status: status.to_string(), log, tail });
        }
        let deaf = listeners.iter().find(|(_, port)| !process::accepts(*port));
        let reason = match (deaf, management.get("overview")) {
            (None, Ok(_)) => return Ok(()),
            (Some((protocol, port)), _) => format!("nobody accepts on the {protocol} port {port}"),
            (None, Err(error)) => error.to_string(),
        };
        if Instant::now() >= deadline {
            let (log, tail) = (directory.log(), directory.log_tail());
            return Err(Error::NotReady { deadline: limit, reason, log, tail });
        }
        std::thread::sleep(machine::PACE);
    }
}
