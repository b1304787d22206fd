//! The edges that the shop needs, and no others.

use std::collections::BTreeSet;

use serde_json::Value;

use super::reach::Edge;
use crate::document::{find, is_module, list, of_kind, pod_template, text};
use crate::render::Rendering;

/// The distribution between nodes of RabbitMQ, and its command line tools. The ports between are not listed: the test looks at those beside
/// the ends of a range.
const AMONG_NODES: [i64; 5] = [4369, 25672, 35672, 35673, 35682];

/// What has to be allowed.
///
/// # Errors
/// The documents do not say where the broker is.
pub fn needs(rendering: &Rendering) -> Result<BTreeSet<Edge>, String> {
    let documents: &[Value] = &rendering.documents;
    let mut edges = BTreeSet::new();
    let mut need = |from: &str, to: &str, protocol: &'static str, port: i64| {
        edges.insert(Edge { from: from.into(), to: to.into(), protocol, port });
    };
    let settings = find(documents, "ConfigMap", "broker").ok_or("no ConfigMap says where the broker is")?;
    let address = text(settings, "/data/address");
    let amqp: i64 = match (text(settings, "/data/scheme"), address.rsplit(':').next().unwrap_or_default()) {
        ("amqp", "5672") => 5672,
        ("amqps", "5671") => 5671,
        (scheme, port) => return Err(format!("{scheme} at port {port}: plain is 5672, TLS is 5671")),
    };
    let tls = amqp == 5671;
    let broker_is_here =
        of_kind(documents, "RabbitmqCluster").next().is_some() || find(documents, "StatefulSet", "rabbitmq").is_some();
    let broker = if broker_is_here { "rabbitmq" } else { "network-of-the-broker" };
    let database = find(documents, "StatefulSet", "postgres").map(|_| "postgres");
    // An overlay without a database of its own has one outside.
    let database = database.or(rendering.is_overlay.then_some("private-network"));
    for module in documents.iter().filter(|document| is_module(document)) {
        let name = text(module, "/metadata/name");
        need(name, "dns", "UDP", 53);
        need(name, "dns", "TCP", 53);
        need(name, broker, "TCP", amqp);
        need("monitoring", name, "TCP", 9464);
        if let Some(database) = database.filter(|_| reads(module, "DATABASE_URL")) {
            need(name, database, "TCP", 5432);
        }
        if reads(module, "SMTP_URL") {
            need(name, "internet", "TCP", 587);
        }
        if reads(module, "OTEL_EXPORTER_OTLP_ENDPOINT") {
            need(name, "monitoring", "TCP", 4318);
        }
        if name == "storefront" {
            need("ingress", name, "TCP", 8080);
        }
    }
    if broker_is_here {
        need(broker, "dns", "UDP", 53);
        need(broker, "dns", "TCP", 53);
        AMONG_NODES.iter().for_each(|port| need(broker, broker, "TCP", *port));
        ["keda", "rabbitmq-system"].iter().for_each(|who| need(who, broker, "TCP", if tls { 15671 } else { 15672 }));
        need("monitoring", broker, "TCP", if tls { 15691 } else { 15692 });
    }
    Ok(edges)
}

/// Whether a module is given this variable.
fn reads(module: &Value, variable: &str) -> bool {
    let container = pod_template(module).map(|template| list(template, "/spec/containers")).and_then(<[Value]>::first);
    container.is_some_and(|container| list(container, "/env").iter().any(|one| text(one, "/name") == variable))
}
