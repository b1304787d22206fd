//! The broker that `up` uses: a private node, or the one that `AMQP_URL` names.

use std::path::Path;

use rabbitmq_node::{ADMINISTRATOR, Definitions, Installation, Node, NodeOptions, Ports};

use super::given_broker;
use super::log::Log;
use crate::arguments::UpOptions;
use crate::failure::Failure;
use crate::workspace;

/// Where the broker will come from.
#[derive(Debug)]
pub(super) enum Source {
    /// `AMQP_URL`.
    Given(String),
    /// A private node of this installation.
    Private(Installation),
}

/// A broker that is there.
#[derive(Debug)]
pub(super) enum Broker {
    /// Somebody else's, at the address of `AMQP_URL`, user and password included.
    Given { url: String },
    /// Our own.
    Private(Box<Node>),
}

impl Source {
    /// Looks for a broker, and installs RabbitMQ when nothing else is said.
    pub(super) fn find(options: &UpOptions, log: &Log) -> Result<Self, Failure> {
        match given_broker() {
            Some(_) if options.broker_only => {
                Err(Failure::new("AMQP_URL names a broker already: --broker-only would have nothing to do"))
            }
            Some(url) => Ok(Self::Given(url)),
            None => workspace::rabbitmq(options.rabbitmq.as_deref(), &mut |line| log.line(line)).map(Self::Private),
        }
    }
}

impl Broker {
    /// Starts the private node, with the definitions imported and compared; a given broker is taken as it is.
    pub(super) fn start(source: Source, directory: &Path, options: &UpOptions, log: &Log) -> Result<Self, Failure> {
        let installation = match source {
            Source::Given(url) => {
                log.line("using the broker of AMQP_URL; the services declare their queues and exchanges themselves");
                return Ok(Self::Given { url });
            }
            Source::Private(installation) => installation,
        };
        log.line("starting RabbitMQ");
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

    /// Management UI and AMQP address for the administrator, where we know them.
    pub(super) fn administration(&self) -> Option<(String, String)> {
        match self {
            Self::Given { .. } => None,
            Self::Private(node) => {
                let (user, password) = ADMINISTRATOR;
                Some((node.management_url(), node.amqp_url(user, password, "/")))
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
