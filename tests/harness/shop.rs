//! The whole shop: every service as a process, with its least rights, in a vhost of its own.

use std::path::Path;
use std::process::Command;

use machine::ports;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::{get, post};
use crate::service::program;
use crate::{ServiceProcess, Vhost, eventually};

/// The services that react. Each has a database.
pub const CONSUMERS: [&str; 6] = ["orders", "inventory", "payments", "shipping", "notifications", "analytics"];

/// A running shop.
#[derive(Debug)]
pub struct Shop {
    // In the order in which they go: a service that ends still has its vhost, and its log can still be read.
    services: Vec<Replica>,
    vhost: Vhost,
    folder: TempDir,
    http: u16,
}

#[derive(Debug)]
struct Replica {
    service: String,
    admin: u16,
    process: ServiceProcess,
}

impl Shop {
    /// Starts the storefront and one replica of each consumer that the broker has what it needs for, and waits until all are ready.
    ///
    /// # Panics
    ///
    /// When one of them does not become ready.
    pub async fn open() -> Self {
        let mut shop = Self::empty().await;
        let streams = shop.vhost.broker().has_streams();
        for service in CONSUMERS.into_iter().filter(|service| streams || *service != "analytics") {
            shop.start(service);
        }
        shop.start("storefront");
        shop.ready().await;
        shop
    }

    /// A vhost with the rights of every service, and no service.
    ///
    /// # Panics
    ///
    /// When the broker refuses.
    pub async fn empty() -> Self {
        let vhost = Vhost::new();
        for service in CONSUMERS.iter().chain(&["storefront", "shoppers"]) {
            grant(&vhost, service);
        }
        exchanges(&vhost, "shoppers");
        let folder = tempfile::Builder::new().prefix("shop-").tempdir().expect("a folder");
        Self { vhost, folder, services: Vec::new(), http: ports::free().expect("a free port") }
    }

    /// Starts another replica of a service.
    pub fn start(&mut self, service: &str) {
        self.start_with(service, &[]);
    }

    /// Starts another replica of a service, with more environment.
    pub fn start_with(&mut self, service: &str, more: &[(&str, &str)]) {
        let count = self.services.iter().filter(|replica| replica.service == service).count();
        let name = format!("{service}-{}", count + 1);
        let admin = ports::free().expect("a free port");
        let folder = self.folder.path();
        // An address of the test's own may lead through what does not encrypt.
        let way = if more.iter().any(|(name, _)| *name == "AMQP_URL") {
            Vec::new()
        } else {
            self.vhost.environment(service, service)
        };
        let mut environment = vec![
            ("ADMIN_ADDR", format!("127.0.0.1:{admin}")),
            ("INSTANCE", name.clone()),
            ("DATABASE_URL", format!("sqlite://{}?mode=rwc", folder.join(format!("{service}.db")).display())),
            ("MAIL_DIR", folder.join("mail").display().to_string()),
            ("HTTP_ADDR", format!("127.0.0.1:{}", self.http)),
            ("RETRY_LADDER_MS", "50,150,300,600".to_owned()),
        ];
        environment.extend(way);
        environment.extend(more.iter().map(|(key, value)| (*key, (*value).to_owned())));
        let process = ServiceProcess::start(service, &name, folder, &environment);
        self.services.push(Replica { service: service.to_owned(), admin, process });
    }

    /// Waits until every replica that runs is ready.
    ///
    /// # Panics
    ///
    /// When one of them is not ready in time.
    pub async fn ready(&self) {
        for Replica { process, admin, .. } in &self.services {
            eventually("readiness", || async {
                match get(&format!("http://127.0.0.1:{admin}/readyz")).await {
                    Ok(answer) if answer.status == 200 => Ok(()),
                    Ok(answer) => Err(answer.text),
                    Err(error) => Err(format!("{error}; {}", process.log().lines().last().unwrap_or_default())),
                }
            })
            .await;
        }
    }

    /// The replicas of a service, in the order of their start.
    pub fn replicas(&mut self, service: &str) -> impl Iterator<Item = &mut ServiceProcess> {
        self.services.iter_mut().filter(move |replica| replica.service == service).map(|replica| &mut replica.process)
    }

    /// Counts a replica that has ended no longer among the shop's.
    pub fn forget_first(&mut self, service: &str) {
        if let Some(index) = self.services.iter().position(|replica| replica.service == service) {
            self.services.remove(index);
        }
    }

    /// Kills this one of the replicas of a service, counted from 0 in the order of their start, and counts it no longer.
    ///
    /// # Panics
    ///
    /// When there are fewer.
    pub fn crash(&mut self, service: &str, number: usize) {
        let mut of_service = self.services.iter().enumerate().filter(|(_, replica)| replica.service == service);
        let (index, _) = of_service.nth(number).expect("so many replicas");
        self.services.remove(index).process.kill();
    }

    /// What Prometheus would scrape from each replica of a service.
    ///
    /// # Panics
    ///
    /// When one of them does not answer.
    pub async fn metrics(&self, service: &str) -> Vec<String> {
        let mut all = Vec::new();
        for replica in self.services.iter().filter(|replica| replica.service == service) {
            all.push(get(&format!("http://127.0.0.1:{}/metrics", replica.admin)).await.expect("it answers").text);
        }
        all
    }

    /// The shop's vhost.
    #[must_use]
    pub fn vhost(&self) -> &Vhost {
        &self.vhost
    }

    /// Where databases, mail and logs are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A URL of the storefront.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.http)
    }

    /// Submits a checkout over HTTP and gives the order's id.
    ///
    /// # Panics
    ///
    /// When the storefront does not accept it.
    pub async fn buy(&self, sku: &str, quantity: u32, card: &str) -> String {
        let answer = post(&self.url("/api/checkouts"), &checkout(sku, quantity, card)).await.expect("it answers");
        assert_eq!(answer.status, 202, "{}", answer.text);
        answer.json()["order_id"].as_str().expect("an order's id").to_owned()
    }

    /// The order as the storefront tells it, which asks `orders`.
    ///
    /// # Errors
    ///
    /// What the storefront says instead.
    pub async fn order(&self, id: &str) -> Result<Value, String> {
        let answer = get(&self.url(&format!("/api/orders/{id}"))).await?;
        if answer.status == 200 { Ok(answer.json()) } else { Err(answer.text) }
    }

    /// Waits until an order has come to this status.
    ///
    /// # Panics
    ///
    /// When it does not in time.
    pub async fn reaches(&self, id: &str, status: &str) -> Value {
        eventually(&format!("order {id} {status}"), || async {
            let order = self.order(id).await?;
            if order["status"] == status { Ok(order) } else { Err(order.to_string()) }
        })
        .await
    }

    /// The names of the mails that were sent about an order, sorted.
    #[must_use]
    pub fn mails(&self, id: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.folder.path().join("mail")) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.contains(id) && name.ends_with(".eml"))
            .collect();
        names.sort();
        names
    }
}

/// A checkout of one article.
#[must_use]
pub fn checkout(sku: &str, quantity: u32, card: &str) -> Value {
    json!({
        "customer": {"name": "Ada Lovelace", "email": "ada@example.org"},
        "lines": [{"sku": sku, "quantity": quantity}],
        "card": card,
    })
}

/// Makes the exchanges that a service would declare if it were started. The log waits for those of everybody.
///
/// # Panics
///
/// When the broker refuses.
pub fn exchanges(vhost: &Vhost, service: &str) {
    let management = vhost.broker().management();
    for exchange in list(&definitions(service), "exchanges") {
        let name = exchange["name"].as_str().expect("an exchange has a name");
        management.put(&format!("exchanges/{}/{name}", vhost.name()), &exchange).expect("the exchange is made");
    }
}

/// Gives the service's user the rights that the service itself says it needs, and no more.
///
/// # Panics
///
/// When the broker refuses.
pub fn grant(vhost: &Vhost, service: &str) {
    vhost.user(service);
    vhost.grant(service, &definitions(service));
}

/// What the service says that it needs on the broker.
fn definitions(service: &str) -> Value {
    let output = Command::new(program(service)).arg("definitions").output().expect("it prints its definitions");
    serde_json::from_slice(&output.stdout).expect("its definitions are JSON")
}

fn list(definitions: &Value, key: &str) -> Vec<Value> {
    definitions[key].as_array().cloned().unwrap_or_default()
}
