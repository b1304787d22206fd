//! What Prometheus sees of the shop and of its broker is what alerts and the dashboard may speak of.

use std::collections::BTreeSet;

use manifests::policy::{FAMILIES, OF_BROKER};
use manifests::sources;
use tests::collector::Collector;
use tests::{CONSUMERS, Shop, eventually, http};

/// What counts trouble, of which there is none here, is not told before there is some.
const OF_TROUBLE: [&str; 10] = [
    "garenne_dead_lettered_total",
    "garenne_duplicates_total",
    "garenne_failed_attempts_total",
    "garenne_paused_total",
    "garenne_reconnects_total",
    "garenne_retried_total",
    "garenne_rpc_expired_total",
    "garenne_rpc_timeouts_total",
    "garenne_spans_dropped_total",
    "garenne_unrouted_total",
];

/// The names of the samples.
fn names(exposition: &str) -> BTreeSet<String> {
    let samples = exposition.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    samples.filter_map(|line| line.split(['{', ' ']).next()).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_names_of_the_metrics_that_the_manifests_know_are_those_that_services_and_broker_export() {
    let collector = Collector::start().await;
    let mut shop = Shop::empty().await;
    // Without streams nobody reads a log, and some names are not to be seen.
    let streams = shop.vhost().broker().has_streams();
    let services: Vec<&str> =
        CONSUMERS.into_iter().filter(|service| streams || *service != "analytics").chain(["storefront"]).collect();
    for service in &services {
        shop.start_with(service, &[("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())]);
    }
    shop.ready().await;
    let order = shop.buy("MUG-BLUE", 1, "tok_ok").await;
    shop.reaches(&order, "dispatched").await;

    let mut seen = BTreeSet::new();
    for service in &services {
        seen.extend(shop.metrics(service).await.iter().flat_map(|text| names(text)));
    }
    let of_library: BTreeSet<String> = seen.into_iter().filter(|name| name.starts_with("garenne_")).collect();
    let known = sources::metrics();
    let unknown: Vec<&String> = of_library.difference(known).collect();
    let expected = |name: &&String| streams && !OF_TROUBLE.contains(&name.as_str());
    let unseen: Vec<&String> = known.difference(&of_library).filter(expected).collect();
    assert_eq!((unknown, unseen), (Vec::new(), Vec::new()));

    let overview = shop.vhost().broker().management().get("overview").expect("the broker answers");
    let listeners = overview["listeners"].as_array().expect("the broker has listeners");
    let port = listeners.iter().find(|one| one["protocol"] == "http/prometheus").expect("it listens for Prometheus");
    let url = format!("http://127.0.0.1:{}/metrics", port["port"]);
    let families: Vec<String> = FAMILIES.iter().map(|family| format!("family={family}")).collect();
    let detailed = format!("{url}/detailed?{}", families.join("&"));
    // The broker counts from time to time.
    eventually("the broker's metrics", || async {
        let mut seen = names(&http::get(&url).await?.text);
        seen.extend(names(&http::get(&detailed).await?.text));
        let unseen: Vec<&&str> = OF_BROKER.iter().filter(|name| !seen.contains(**name)).collect();
        if unseen.is_empty() { Ok(()) } else { Err(format!("{unseen:?} are not exported")) }
    })
    .await;
}
