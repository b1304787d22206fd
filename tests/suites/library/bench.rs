//! A service of one handler inside the test's process, in a vhost of its own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use garenne::{Address, Ladder, Running, Service, Settings};
use garenne_contract::{Event, Request};
use serde::{Deserialize, Serialize};
use tests::{Raw, Vhost};

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
        self.0.lock().unwrap().push(what.into());
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) async fn reaches(&self, count: usize) -> Vec<String> {
        tests::eventually(&format!("{count} notes"), || async {
            let all = self.all();
            if all.len() >= count { Ok(all) } else { Err(format!("{all:?}")) }
        })
        .await
    }
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
        let bench = Self { vhost, raw, seen: Seen::default() };
        bench.exchange("desk.events").await;
        bench
    }

    pub(crate) async fn exchange(&self, name: &str) {
        let options = lapin::options::ExchangeDeclareOptions { durable: true, ..Default::default() };
        let declare =
            self.raw.channel().exchange_declare(name.into(), lapin::ExchangeKind::Topic, options, Default::default());
        declare.await.expect("declared");
    }

    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings::new(Address::parse(&self.vhost.url()).expect("a URL"));
        settings.ladder = Some(Ladder::new([20, 60].map(Duration::from_millis)).expect("a ladder"));
        settings
    }

    /// Starts a service and waits until it is ready.
    pub(crate) async fn start(&self, service: Service<Seen>) -> Running<Seen> {
        let running = service.start(self.seen.clone(), self.settings()).await.expect("the service starts");
        tokio::time::timeout(tests::PATIENCE, running.ready()).await.expect("the service becomes ready");
        running
    }

    pub(crate) async fn file(&self, number: u32) {
        self.raw.publish("desk.events", "desk.ticket-filed", format!("{{\"number\":{number}}}")).await;
    }
}
