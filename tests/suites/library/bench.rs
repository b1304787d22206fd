//! A service of one handler inside the test's process, in a vhost of its own.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use garenne::{Address, Ladder, Running, Service, Settings};
use garenne_contract::{Event, Request};
use lapin::options::{QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use rabbitmq_node::Management;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tests::http::{self, Answer};
use tests::{Proxy, Raw, Vhost};

/// Something to react to; owned by a service that no test starts.
#[derive(Debug, Clone, PartialEq, Event, Serialize, Deserialize)]
#[event(name = "desk.ticket-filed")]
pub(crate) struct TicketFiled {
    pub(crate) number: u32,
}

/// Something to say.
#[derive(Debug, Clone, PartialEq, Event, Serialize, Deserialize)]
#[event(name = "clerk.ticket-closed")]
pub(crate) struct TicketClosed {
    pub(crate) number: u32,
}

/// Something to ask.
#[derive(Debug, Clone, PartialEq, Request, Serialize, Deserialize)]
#[request(name = "clerk.double", reply = u32, error = TooBig)]
pub(crate) struct Double {
    pub(crate) number: u32,
}

/// A refusal of the contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct TooBig {
    pub(crate) limit: u32,
}

impl std::fmt::Display for TooBig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "more than {}", self.limit)
    }
}

/// What handlers saw, in the order in which they saw it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.lock().expect("no handler panics while it notes").push(what.into());
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().expect("no handler panics while it notes").clone()
    }

    pub(crate) async fn reaches(&self, count: usize) -> Vec<String> {
        tests::eventually(&format!("{count} notes"), || async {
            let all = self.all();
            if all.len() >= count { Ok(all) } else { Err(format!("{all:?}")) }
        })
        .await
    }
}

fn with_a_short_ladder(mut settings: Settings) -> Settings {
    settings.ladder = Some(Ladder::new([20, 60].map(Duration::from_millis)).expect("a ladder"));
    settings
}

/// A vhost with a foreign client in it, and the exchange that `desk` would own.
pub(crate) struct Bench {
    pub(crate) vhost: Vhost,
    pub(crate) raw: Raw,
    pub(crate) seen: Seen,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let vhost = Vhost::new();
        let raw = Raw::connect(&vhost).await;
        raw.exchange("desk.events").await;
        Self { vhost, raw, seen: Seen::default() }
    }

    pub(crate) fn settings(&self) -> Settings {
        with_a_short_ladder(self.vhost.settings())
    }

    /// Settings with an address of the test's own, which is not encrypted.
    pub(crate) fn settings_at(&self, url: &str) -> Settings {
        with_a_short_ladder(Settings::new(Address::parse(url).expect("a URL")))
    }

    /// Settings with which a service reaches the broker through a proxy.
    pub(crate) fn settings_through(&self, proxy: &Proxy) -> Settings {
        self.settings_at(&proxy.url(&self.vhost))
    }

    /// Starts a service and waits until it is ready.
    pub(crate) async fn start(&self, service: Service<Seen>) -> Running<Seen> {
        self.start_with(service, self.settings()).await
    }

    /// Starts a service with settings of its own and waits until it is ready.
    pub(crate) async fn start_with(&self, service: Service<Seen>, settings: Settings) -> Running<Seen> {
        let running = service.start(self.seen.clone(), settings).await.expect("the service starts");
        tokio::time::timeout(tests::PATIENCE, running.ready()).await.expect("the service becomes ready");
        running
    }

    /// A service that only asks, with this deadline for each call.
    pub(crate) async fn porter(&self, patience: Duration) -> Running<Seen> {
        let mut settings = self.settings();
        settings.request_timeout = patience;
        self.start_with(Service::new("porter").asks::<Double>(), settings).await
    }

    /// Declares a queue that has room for one message and rejects all others, and binds it. It is a classic one also where that is not
    /// the default: quorum queues take a few more before they notice.
    pub(crate) async fn queue_for_one(&self, name: &str, exchange: &str, key: &str) {
        let mut arguments = FieldTable::default();
        arguments.insert("x-queue-type".into(), AMQPValue::LongString("classic".into()));
        arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(1));
        arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
        let channel = self.raw.channel();
        let declare = channel.queue_declare(name.into(), QueueDeclareOptions::durable(), arguments);
        declare.await.expect("declared");
        let (options, none) = (QueueBindOptions::default(), FieldTable::default());
        let bind = channel.queue_bind(name.into(), exchange.into(), key.into(), options, none);
        bind.await.expect("bound");
    }

    /// Files a ticket.
    pub(crate) async fn file(&self, number: u32) {
        self.raw.publish("desk.events", "desk.ticket-filed", format!("{{\"number\":{number}}}")).await;
    }

    /// Closes a service's connection of this role (`consume` or `publish`), as an operator may do in the management UI.
    pub(crate) async fn cut(&self, service: &str, role: &str) {
        let management = self.vhost.broker().management();
        let path = format!("vhosts/{}/connections", self.vhost.name());
        let (begin, end) = (format!("{service}/"), format!(" {role}"));
        tests::eventually(&format!("the end of the connection {begin}…{end}"), || async {
            let all = management.get(&path).map_err(|error| error.to_string())?;
            let called = |connection: &Value| {
                let name = connection["client_properties"]["connection_name"].as_str().unwrap_or_default().to_owned();
                name.starts_with(&begin) && name.ends_with(&end)
            };
            let found = all.as_array().into_iter().flatten().find(|connection| called(connection));
            let found = found.and_then(|connection| connection["name"].as_str()).ok_or_else(|| all.to_string())?;
            // The list may still show one that was closed before.
            let close = management.delete(&format!("connections/{}", Management::segment(found)));
            close.map_err(|error| error.to_string())
        })
        .await;
    }

    /// Waits until so many deliveries of a queue are under way to its consumers.
    pub(crate) async fn delivers(&self, queue: &str, count: u64) {
        tests::eventually(&format!("{count} deliveries of {queue}"), || async {
            let state = self.vhost.get("queues", queue);
            if state["messages_unacknowledged"] == count { Ok(()) } else { Err(state.to_string()) }
        })
        .await;
    }

    /// Waits until a queue holds so many messages that wait for a consumer.
    pub(crate) async fn waits(&self, queue: &str, count: u32) {
        tests::eventually(&format!("{count} messages in {queue}"), || async {
            let ready = self.raw.ready(queue).await;
            if ready == count { Ok(()) } else { Err(ready.to_string()) }
        })
        .await;
    }
}

/// The state of a service's admin endpoint.
pub(crate) async fn admin(running: &Running<Seen>, path: &str) -> Answer {
    http::get(&format!("http://{}{path}", running.admin_addr())).await.expect("the admin endpoint answers")
}

/// Waits until a sample stands in the exposition as given here, without the label that names the service.
pub(crate) async fn metric(running: &Running<Seen>, sample: &str) {
    metric_at(running.admin_addr(), sample).await;
}

/// The same of a service with any state.
pub(crate) async fn metric_at(admin: SocketAddr, sample: &str) {
    tests::eventually(sample, || async {
        let text = http::get(&format!("http://{admin}/metrics")).await.expect("the admin endpoint answers").text;
        let found = text.lines().any(|line| {
            let (before, after) = line.split_once("service=\"").unwrap_or((line, ""));
            let (_, after) = after.split_once('"').unwrap_or_default();
            format!("{before}{}", after.trim_start_matches(',')) == sample
        });
        if found { Ok(()) } else { Err(text) }
    })
    .await;
}
