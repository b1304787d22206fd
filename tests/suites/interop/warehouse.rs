//! A warehouse: `inventory`, and devices with the rights that `infra/rabbitmq/definitions.json` gives to one.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use tests::books::column;
use tests::{Raw, Shop, eventually};

/// The device whose rights the definitions have.
const KNOWN: &str = "scanner-1";

pub(super) struct Warehouse {
    pub(super) shop: Shop,
    pub(super) raw: Raw,
    pub(super) port: String,
}

impl Warehouse {
    /// Opens it with two scanners.
    pub(super) async fn open() -> Self {
        let port =
            std::env::var("TEST_MQTT_PORT").expect("TEST_MQTT_PORT is not set: run the suites with `cargo xtask test`");
        let mut shop = Shop::empty().await;
        shop.start("inventory");
        for scanner in [KNOWN, "scanner-2"] {
            shop.vhost().user(scanner);
            shop.vhost().grant(scanner, &rights());
        }
        // What the inventory is told about an order that nobody places needs its owner's exchange.
        let raw = Raw::connect(shop.vhost()).await;
        let options = lapin::options::ExchangeDeclareOptions { durable: true, ..Default::default() };
        let declare = raw.channel().exchange_declare(
            "orders.events".into(),
            lapin::ExchangeKind::Topic,
            options,
            Default::default(),
        );
        declare.await.expect("declared");
        shop.ready().await;
        Self { shop, raw, port }
    }

    /// The name with which a user of this vhost logs in over MQTT.
    pub(super) fn login(&self, user: &str) -> String {
        format!("{}:{user}", self.shop.vhost().name())
    }

    /// Publishes with `mosquitto_pub` at QoS 1, which waits until the broker has it: not for ever, since a broker may only
    /// hang up on what it does not take.
    pub(super) async fn publishes(&self, user: &str, topic: &str, message: &str) -> Output {
        let program = std::env::var("TEST_MOSQUITTO_PUB")
            .expect("TEST_MOSQUITTO_PUB is not set: run the suites with `cargo xtask test`");
        let login = self.login(user);
        let mut command = Command::new("timeout");
        command.args(["4", &program, "-h", "127.0.0.1", "-p", &self.port, "-u", &login, "-P", user]);
        command.args(["-q", "1", "-t", topic, "-m", message]);
        let run = tokio::task::spawn_blocking(move || command.output().expect("it starts"));
        run.await.expect("it is waited for")
    }

    /// Waits until there are so many blue mugs.
    pub(super) async fn has_mugs(&self, units: u32) {
        eventually(&format!("{units} mugs"), || async {
            let stock = "SELECT CAST(stock AS TEXT) FROM articles WHERE sku = 'MUG-BLUE'";
            let stock = column(&self.shop, "inventory", stock).await;
            if stock == [units.to_string()] { Ok(()) } else { Err(format!("{stock:?}")) }
        })
        .await;
    }

    /// The scanners whose counts were taken in, with the ids of those.
    pub(super) async fn counts(&self) -> Vec<String> {
        let query = "SELECT scanner || ' ' || count_id FROM counts ORDER BY scanner, count_id";
        column(&self.shop, "inventory", query).await
    }
}

/// A count made now.
pub(super) fn count(id: &str, sku: &str, units: u32) -> String {
    count_at(id, sku, units, &now())
}

pub(super) fn count_at(id: &str, sku: &str, units: u32, time: &str) -> String {
    json!({"count_id": id, "sku": sku, "units": units, "counted_at": time}).to_string()
}

fn now() -> String {
    let output = Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%S.%3NZ"]).output().expect("a clock");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// What the committed definitions allow to a scanner.
fn rights() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/rabbitmq/definitions.json");
    let all: Value =
        serde_json::from_slice(&std::fs::read(path).expect("the definitions are committed")).expect("JSON");
    let of_scanner = |kind: &str| {
        let rights: Vec<&Value> =
            all[kind].as_array().expect("a list").iter().filter(|right| right["user"] == KNOWN).collect();
        assert!(!rights.is_empty(), "{KNOWN} has {kind}");
        json!(rights)
    };
    json!({"permissions": of_scanner("permissions"), "topic_permissions": of_scanner("topic_permissions")})
}
