//! The broker that `up` uses: a private node, or one that is there.

use std::path::Path;

use rabbitmq_node::{ADMINISTRATOR, BrokerChoice, Definitions, Installation, Node, NodeOptions, Ports};

use super::broker_of_environment;
use super::log::Log;
use crate::arguments::UpOptions;
use crate::failure::Failure;
use crate::workspace;

/// Where the broker will come from.
#[derive(Debug)]
pub(super) enum Source {
    /// Somebody else's, by its address.
    Given(String),
    /// A private node of this installation.
    Private(Installation),
}

/// A broker that is there.
#[derive(Debug)]
pub(super) enum Broker {
    /// Somebody else's, at this address, user and password included.
    Given { url: String },
    /// Our own.
    Private(Box<Node>),
}

/// Where a broker is, for the administrator and for devices.
#[derive(Debug)]
pub(super) struct Addresses {
    pub(super) management: String,
    pub(super) amqp: String,
    /// None where devices are not heard.
    pub(super) mqtt: Option<String>,
}

impl Source {
    /// Looks for a broker, and installs or unpacks RabbitMQ where it is missing.
    pub(super) fn find(options: &UpOptions, log: &Log) -> Result<Self, Failure> {
        let given = match &options.broker {
            Some(choice) => choice.given().map(|broker| broker.url().to_owned()),
            None => broker_of_environment(),
        };
        match given {
            Some(_) if options.broker_only => {
                Err(Failure::new("--broker or AMQP_URL names a broker that is there: --broker-only has nothing to do"))
            }
            Some(url) => Ok(Self::Given(url)),
            None => {
                let choice = options.broker.as_ref().unwrap_or(&BrokerChoice::Installed);
                Ok(Self::Private(choice.installation(&workspace::brokers(), &mut |line| log.line(line))?))
            }
        }
    }
}

impl Broker {
    /// Starts the private node, with the definitions imported and compared; a given broker is taken as it is.
    pub(super) fn start(source: Source, directory: &Path, options: &UpOptions, log: &Log) -> Result<Self, Failure> {
        let installation = match source {
            Source::Given(url) => {
                log.line("using the given broker; the services declare their queues and exchanges themselves");
                return Ok(Self::Given { url });
            }
            Source::Private(installation) => installation,
        };
        log.line(&format!("starting RabbitMQ {}", installation.version().unwrap_or_default()));
        let file = workspace::definitions_file();
        let node = Node::start(
            &installation,
            &NodeOptions {
                ports: Some(Ports::usual()?),
                definitions: Some(file.clone()),
                keep_data: options.keep_data,
                ..NodeOptions::new(directory)
            },
        )?;
        log.line(&format!("RabbitMQ is ready; it has every one of {}", Definitions::read(&file)?.counts()));
        Ok(Self::Private(Box::new(node)))
    }

    /// The AMQP address with the user of a service.
    pub(super) fn address_for(&self, service: &str) -> String {
        match self {
            Self::Given { url } => url.clone(),
            Self::Private(node) => node.amqp_url(service, service, "/"),
        }
    }

    /// Where it is, if we know.
    pub(super) fn addresses(&self) -> Option<Addresses> {
        match self {
            Self::Given { .. } => None,
            Self::Private(node) => {
                let (user, password) = ADMINISTRATOR;
                let mqtt = node.mqtt_port().map(|port| format!("mqtt://127.0.0.1:{port}"));
                Some(Addresses { management: node.management_url(), amqp: node.amqp_url(user, password, "/"), mqtt })
            }
        }
    }

    /// How our own node ended, when it has without being asked to.
    pub(super) fn crashed(&mut self) -> Option<String> {
        match self {
            Self::Given { .. } => None,
            Self::Private(node) => node.crashed(),
        }
    }

    /// Stops our own node.
    pub(super) fn stop(&mut self, log: &Log) -> Result<(), Failure> {
        if let Self::Private(node) = self {
            log.line("stopping RabbitMQ");
            node.stop()?;
        }
        Ok(())
    }
}
