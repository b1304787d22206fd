//! What a service's user tries on a broker that has the committed definitions, and what the broker says to it.

use std::path::Path;

use lapin::options::{
    BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    ExchangeBindOptions, ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions,
    QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::protocol::{AMQPErrorKind, AMQPSoftError};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, ErrorKind, ExchangeKind};
use serde_json::{Value, json};
use tests::{Raw, Vhost};

/// `infra/rabbitmq/definitions.json`.
pub(super) fn committed() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/rabbitmq/definitions.json");
    serde_json::from_slice(&std::fs::read(path).expect("the definitions are committed")).expect("JSON")
}

/// The same for a broker that has no streams: without them, and without those who keep one. What else is theirs is there, and nobody's.
fn without_streams(mut definitions: Value) -> Value {
    let is_stream = |queue: &Value| queue["arguments"]["x-queue-type"] == "stream";
    let list = |kind: &str| definitions[kind].as_array().cloned().unwrap_or_default();
    let streams: Vec<Value> =
        list("queues").iter().filter(|queue| is_stream(queue)).map(|queue| queue["name"].clone()).collect();
    let configures = |right: &Value, stream: &Value| {
        let expression = right["configure"].as_str().unwrap_or_default();
        stream.as_str().is_some_and(|stream| expression.contains(&stream.replace('.', "\\.")))
    };
    let keepers: Vec<Value> = list("permissions")
        .iter()
        .filter(|right| streams.iter().any(|stream| configures(right, stream)))
        .map(|right| right["user"].clone())
        .collect();
    for (kind, field, gone) in [
        ("queues", "name", &streams),
        ("bindings", "destination", &streams),
        ("users", "name", &keepers),
        ("permissions", "user", &keepers),
        ("topic_permissions", "user", &keepers),
    ] {
        let objects = definitions[kind].as_array_mut().expect("a list");
        objects.retain(|object| !gone.contains(&object[field]));
    }
    definitions
}

/// The names of all objects of a kind.
pub(super) fn names(definitions: &Value, kind: &str) -> Vec<String> {
    let list = definitions[kind].as_array().expect("a list");
    list.iter().filter_map(|object| object["name"].as_str().map(str::to_owned)).collect()
}

/// The users that are services: each has an exchange for what it says.
pub(super) fn services(definitions: &Value) -> Vec<String> {
    let exchanges = names(definitions, "exchanges");
    let mut users = names(definitions, "users");
    users.retain(|user| exchanges.contains(&format!("{user}.events")));
    users
}

/// The committed objects and rights in a vhost of its own, without a service that runs.
pub(super) struct Broker {
    vhost: Vhost,
    definitions: Value,
    pub(super) queues: Vec<String>,
    pub(super) exchanges: Vec<String>,
}

impl Broker {
    pub(super) fn new() -> Self {
        let vhost = Vhost::new();
        let definitions = if vhost.broker().has_streams() { committed() } else { without_streams(committed()) };
        let objects = json!({
            "exchanges": definitions["exchanges"], "queues": definitions["queues"], "bindings": definitions["bindings"],
        });
        vhost.broker().management().post(&format!("definitions/{}", vhost.name()), &objects).expect("imported");
        let (queues, exchanges) = (names(&definitions, "queues"), names(&definitions, "exchanges"));
        let broker = Self { vhost, definitions, queues, exchanges };
        for service in services(&broker.definitions) {
            broker.vhost.user(&service);
            broker.grant(&service);
        }
        broker
    }

    /// Gives a service the committed rights.
    pub(super) fn grant(&self, service: &str) {
        let of_service = |kind: &str| -> Value {
            let rights = self.definitions[kind].as_array().expect("a list").iter();
            rights.filter(|right| right["user"] == service).cloned().collect()
        };
        let rights = json!({
            "permissions": of_service("permissions"), "topic_permissions": of_service("topic_permissions"),
        });
        self.vhost.grant(service, &rights);
    }

    /// What it has of the committed definitions.
    pub(super) fn definitions(&self) -> Value {
        self.definitions.clone()
    }

    pub(super) fn vhost(&self) -> &Vhost {
        &self.vhost
    }

    pub(super) async fn user(&self, service: &str) -> User {
        let raw = Raw::connect_to(&self.vhost.url_of(service, service)).await;
        User { name: service.to_owned(), raw }
    }
}

/// A foreign client with a service's name and password.
pub(super) struct User {
    name: String,
    raw: Raw,
}

/// What the broker said to an attempt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Allowed,
    Refused,
    /// Anything else, which nobody expects.
    Otherwise(String),
}

pub(super) fn expected(allowed: bool) -> Said {
    if allowed { Said::Allowed } else { Said::Refused }
}

/// Something that a user may or may not do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Attempt {
    Publish {
        exchange: String,
        key: String,
    },
    Get(String),
    Consume(String),
    Purge(String),
    /// A queue of this connection alone.
    DeclareQueue(String),
    DeclareExchange(String),
    DeleteQueue(String),
    DeleteExchange(String),
    Bind {
        queue: String,
        exchange: String,
        key: String,
    },
    Unbind {
        queue: String,
        exchange: String,
        key: String,
    },
    /// What comes to one exchange goes on to another one.
    BindExchange {
        from: String,
        to: String,
    },
    /// Declares a queue whose dead letters go to an exchange.
    DeadLetter {
        queue: String,
        to: String,
    },
    /// Declares an exchange that hands to another one what nobody takes.
    HandOn {
        exchange: String,
        to: String,
    },
}

impl Attempt {
    pub(super) fn publish(exchange: &str, key: &str) -> Self {
        Self::Publish { exchange: exchange.to_owned(), key: key.to_owned() }
    }

    pub(super) fn bind(queue: &str, exchange: &str, key: &str) -> Self {
        Self::Bind { queue: queue.to_owned(), exchange: exchange.to_owned(), key: key.to_owned() }
    }

    async fn on(&self, channel: &Channel) -> lapin::Result<()> {
        let none = FieldTable::default;
        match self {
            Self::Publish { exchange, key } => {
                channel.confirm_select(ConfirmSelectOptions::default()).await?;
                let (exchange, key) = (exchange.as_str().into(), key.as_str().into());
                let options = BasicPublishOptions::default();
                let confirm = channel.basic_publish(exchange, key, options, b"{}", BasicProperties::default()).await?;
                confirm.await.map(drop)
            }
            Self::Get(queue) => {
                channel.basic_get(queue.as_str().into(), BasicGetOptions { no_ack: true }).await.map(drop)
            }
            Self::Consume(queue) => {
                // A stream wants a bound.
                channel.basic_qos(1, BasicQosOptions::default()).await?;
                let options = BasicConsumeOptions::default();
                channel.basic_consume(queue.as_str().into(), "probe".into(), options, none()).await.map(drop)
            }
            Self::Purge(queue) => {
                channel.queue_purge(queue.as_str().into(), QueuePurgeOptions::default()).await.map(drop)
            }
            Self::DeclareQueue(queue) => {
                let options = QueueDeclareOptions::exclusive();
                channel.queue_declare(queue.as_str().into(), options, none()).await.map(drop)
            }
            Self::DeclareExchange(exchange) => declare_exchange(channel, exchange, none()).await,
            Self::DeleteQueue(queue) => {
                channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await.map(drop)
            }
            Self::DeleteExchange(exchange) => {
                channel.exchange_delete(exchange.as_str().into(), ExchangeDeleteOptions::default()).await
            }
            Self::Bind { queue, exchange, key } => {
                let (queue, exchange, key) = (queue.as_str().into(), exchange.as_str().into(), key.as_str().into());
                channel.queue_bind(queue, exchange, key, QueueBindOptions::default(), none()).await
            }
            Self::Unbind { queue, exchange, key } => {
                let (queue, exchange, key) = (queue.as_str().into(), exchange.as_str().into(), key.as_str().into());
                channel.queue_unbind(queue, exchange, key, none()).await
            }
            Self::BindExchange { from, to } => {
                let (from, to, options) = (from.as_str().into(), to.as_str().into(), ExchangeBindOptions::default());
                channel.exchange_bind(to, from, "#".into(), options, none()).await
            }
            Self::DeadLetter { queue, to } => {
                let arguments = named("x-dead-letter-exchange", to);
                let options = QueueDeclareOptions::exclusive();
                channel.queue_declare(queue.as_str().into(), options, arguments).await.map(drop)
            }
            Self::HandOn { exchange, to } => declare_exchange(channel, exchange, named("alternate-exchange", to)).await,
        }
    }
}

async fn declare_exchange(channel: &Channel, exchange: &str, arguments: FieldTable) -> lapin::Result<()> {
    let options = ExchangeDeclareOptions { auto_delete: true, ..Default::default() };
    channel.exchange_declare(exchange.into(), ExchangeKind::Topic, options, arguments).await
}

fn named(argument: &str, value: &str) -> FieldTable {
    let mut table = FieldTable::default();
    table.insert(argument.into(), AMQPValue::LongString(value.into()));
    table
}

impl User {
    /// Makes one attempt on a channel of its own, one after the other: a refusal costs the channel.
    pub(super) async fn attempts(&self, attempt: &Attempt) -> Said {
        let channel = match self.raw.connection().create_channel().await {
            Ok(channel) => channel,
            Err(error) => return Said::Otherwise(format!("no channel: {error}")),
        };
        match attempt.on(&channel).await {
            Ok(()) => channel
                .close(200, "done".into())
                .await
                .map_or_else(|error| Said::Otherwise(format!("then {error}")), |()| Said::Allowed),
            Err(error) => match error.kind() {
                ErrorKind::ProtocolError(problem)
                    if *problem.kind() == AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) =>
                {
                    Said::Refused
                }
                _ => Said::Otherwise(error.to_string()),
            },
        }
    }

    pub(super) async fn leaves(self) {
        self.raw.close().await;
    }

    pub(super) async fn publishes(&self, exchange: &str, key: &str) -> Said {
        self.attempts(&Attempt::publish(exchange, key)).await
    }

    /// Binds a queue of its own.
    pub(super) async fn binds(&self, exchange: &str, key: &str) -> Said {
        let queue = format!("{}.probe", self.name);
        assert_eq!(self.attempts(&Attempt::DeclareQueue(queue.clone())).await, Said::Allowed);
        self.attempts(&Attempt::bind(&queue, exchange, key)).await
    }
}
