//! The broker that the cluster operator runs: as the tests know it, on three machines, and spoken to by nobody in the clear.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::document::{find, list, name, number, of_kind, text};
use crate::project::read;
use crate::render::Rendering;

/// What `infra/rabbitmq` says of one machine: where its definitions lie, and how much memory and disk it has.
const OF_A_MACHINE: [&str; 3] = ["definitions.", "vm_memory", "disk_free_limit"];
/// What a node of a cluster says instead. Its memory is that of its limit, as the operator says.
const OF_A_NODE: (&str, &str) = ("disk_free_limit.relative", "1.5");
/// The plugins that the operator brings by itself.
const OF_OPERATOR: [&str; 2] = ["rabbitmq_management", "rabbitmq_prometheus"];

pub(super) fn faults(rendering: &Rendering) -> Vec<String> {
    let documents: &[Value] = &rendering.documents;
    let clusters: Vec<&Value> = of_kind(documents, "RabbitmqCluster").collect();
    let [cluster] = clusters[..] else {
        let wanted = usize::from(rendering.has("broker-cluster"));
        let is = clusters.len();
        return if is == wanted { Vec::new() } else { vec![format!("there are {is} brokers, not {wanted}")] };
    };
    let mut found = nodes(cluster);
    found.extend(configuration(cluster));
    let tls = cluster.pointer("/spec/tls").unwrap_or(&Value::Null);
    let wanted = if rendering.has("tls") {
        json!({ "secretName": "rabbitmq-tls", "disableNonTLSListeners": true })
    } else {
        Value::Null
    };
    if *tls != wanted {
        found.push(format!("the broker's TLS is {tls}, not {wanted}"));
    }
    if rendering.has("tls") {
        found.extend(certificates(documents, cluster));
    }
    found
}

fn nodes(cluster: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if number(cluster, "/spec/replicas") != Some(3) {
        found.push("a quorum takes three nodes".to_owned());
    }
    let patience = number(cluster, "/spec/terminationGracePeriodSeconds");
    if patience.is_none_or(|seconds| !(600..=7200).contains(&seconds)) {
        found.push(format!("a node that stops has {patience:?} seconds for its queues to find another majority"));
    }
    let apart = json!({ "podAntiAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": [{
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": { "matchLabels": { "app.kubernetes.io/name": name(cluster) } },
    }] } });
    if cluster["spec"]["affinity"] != apart {
        found.push("two nodes of the broker may be on one machine".to_owned());
    }
    // RabbitMQ blocks publishers by a share of its limit, which has to be there.
    let [requested, limit] = ["requests", "limits"].map(|of| text(cluster, &format!("/spec/resources/{of}/memory")));
    if requested.is_empty() || requested != limit || text(cluster, "/spec/resources/requests/cpu").is_empty() {
        found.push(format!("a node of the broker has {requested:?} of memory, and may take {limit:?}"));
    }
    if text(cluster, "/spec/persistence/storage").is_empty() {
        found.push("nobody says how large the broker's disks are".to_owned());
    }
    found
}

fn configuration(cluster: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let file = read("infra/rabbitmq/rabbitmq.conf");
    let mut wanted = settings(&file);
    wanted.retain(|key, _| !OF_A_MACHINE.iter().any(|start| key.starts_with(start)));
    wanted.insert(OF_A_NODE.0, OF_A_NODE.1);
    let is = settings(text(cluster, "/spec/rabbitmq/additionalConfig"));
    if is != wanted {
        found.push(format!("the broker is told {is:?}, and infra/rabbitmq says {wanted:?}"));
    }
    let plugins = read("infra/rabbitmq/enabled_plugins");
    let plugins: BTreeSet<&str> =
        plugins.trim().trim_matches(['[', ']', '.']).split(',').filter(|one| !OF_OPERATOR.contains(one)).collect();
    let added = list(cluster, "/spec/rabbitmq/additionalPlugins").iter().filter_map(Value::as_str);
    let added: BTreeSet<&str> = added.collect();
    if added != plugins {
        found.push(format!("the broker's plugins are {added:?}, and infra/rabbitmq says {plugins:?}"));
    }
    found
}

fn settings(file: &str) -> BTreeMap<&str, &str> {
    let lines = file.lines().filter(|line| !line.trim_start().starts_with('#'));
    lines.filter_map(|line| line.split_once('=')).map(|(key, value)| (key.trim(), value.trim())).collect()
}

/// The broker's certificate is for the name by which it is called, is renewed in time, and is signed by an authority that is one.
fn certificates(documents: &[Value], cluster: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let of = |secret: &str| of_kind(documents, "Certificate").find(|one| text(one, "/spec/secretName") == secret);
    let secret = text(cluster, "/spec/tls/secretName");
    let Some(certificate) = of(secret) else { return vec![format!("nobody makes the certificate {secret}")] };
    let address = find(documents, "ConfigMap", "broker").map_or("", |broker| text(broker, "/data/address"));
    let host = address.rsplit_once(':').map_or("", |(host, _)| host);
    // The nodes call each other, and the operators call the Service by its whole name.
    let whole = format!("{host}.cluster.local");
    let (service, rest) = whole.split_once('.').unwrap_or_default();
    let nodes = format!("*.{service}-nodes.{rest}");
    let names: Vec<&str> = list(certificate, "/spec/dnsNames").iter().filter_map(Value::as_str).collect();
    if names != [host, &*whole, &*nodes] {
        found.push(format!("the broker is called {host}, and its certificate is for {names:?}"));
    }
    let days = |path: &str| text(certificate, path).strip_suffix('h').and_then(|hours| hours.parse::<i64>().ok());
    let (Some(lives), Some(before)) = (days("/spec/duration"), days("/spec/renewBefore")) else {
        return [found, vec!["nobody says when the broker's certificate is renewed".to_owned()]].concat();
    };
    if before * 3 < lives || before >= lives {
        found.push(format!("of {lives} hours the broker's certificate is renewed {before} before their end"));
    }
    let mut signed = certificate;
    for (is_authority, rotation) in [(false, "Always"), (true, "")] {
        let key = &signed["spec"]["privateKey"];
        if text(key, "/algorithm") != "ECDSA" || number(key, "/size") != Some(256) {
            found.push(format!("the key of {} is {key}", name(signed)));
        }
        // An authority's key stays: whoever believes it would have to be told of another one.
        if text(key, "/rotationPolicy") != rotation {
            found.push(format!("the key of {} is made anew: {:?}", name(signed), text(key, "/rotationPolicy")));
        }
        let issuer = find(documents, text(signed, "/spec/issuerRef/kind"), text(signed, "/spec/issuerRef/name"));
        let Some(issuer) = issuer else { return [found, vec![format!("nobody signs {}", name(signed))]].concat() };
        let by = text(issuer, "/spec/ca/secretName");
        match (is_authority, of(by)) {
            (false, Some(authority)) => signed = authority,
            (true, _) if issuer.pointer("/spec/selfSigned").is_some() => {}
            _ => return [found, vec![format!("{} is signed by {by:?}", name(signed))]].concat(),
        }
        let spec = &signed["spec"];
        // Without a name, what it signs names nobody as its issuer, and is believed by nobody.
        if spec["isCA"] != true || text(spec, "/commonName").is_empty() || text(spec, "/duration") != "87600h" {
            found.push(format!("{} is no authority for ten years: {spec}", name(signed)));
        }
    }
    found
}
