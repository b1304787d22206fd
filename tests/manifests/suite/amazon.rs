//! The shop on EKS with Amazon MQ: what is asked of a broker that has neither streams nor MQTT, and the overlay of one account.

use manifests::document::{find, is_module, kind, list, name, pod_template, text};
use manifests::{Rendering, policy, render_on, validate};
use serde_json::{Value, json};

use crate::renderings::overlay;

/// The first document of a kind, changed.
fn with(rendering: &Rendering, wanted: (&str, &str), change: impl FnOnce(&mut Value)) -> Rendering {
    let mut changed = rendering.clone();
    let found = changed.documents.iter_mut().find(|document| kind(document) == wanted.0 && name(document) == wanted.1);
    change(found.unwrap_or_else(|| panic!("there is a {wanted:?}")));
    changed
}

fn says(rendering: &Rendering, words: &str) {
    let faults = policy::faults(rendering);
    assert!(faults.iter().any(|fault| fault.contains(words)), "{words}: {faults:#?}");
}

#[test]
fn what_amazon_mq_has_not_is_found_where_it_is_asked_for() {
    let eks = overlay("eks");
    assert_eq!(policy::faults(&eks), Vec::<String>::new());
    let dead = ("Queue", "orders.dlq");
    says(&with(&eks, dead, |queue| queue["spec"]["type"] = json!("stream")), "Amazon MQ has no streams");
    let cluster = json!({ "name": "rabbitmq" });
    says(&with(&eks, dead, |queue| queue["spec"]["rabbitmqClusterReference"] = cluster), "there is no such broker");
    let broker = ("ConfigMap", "broker");
    says(&with(&eks, broker, |broker| broker["data"]["scheme"] = json!("amqp")), "takes nothing but amqps");
    let untold = with(&eks, ("Deployment", "orders"), |orders| {
        let variables = orders.pointer_mut("/spec/template/spec/containers/0/env").and_then(Value::as_array_mut);
        variables.expect("variables").retain(|variable| text(variable, "/name") != "AMQP_CA_FILE");
    });
    says(&untold, "Deployment orders: its broker is encrypted: true; it is told by whose authority: false");
    for (name, path) in [("broker", "/metrics"), ("broker-queues", "/metrics/detailed")] {
        let scrape = ("ScrapeConfig", name);
        let elsewhere = json!([{ "targets": ["broker.example.org:16001"] }]);
        let fault = format!("{path} of the broker broker.invalid is scraped at");
        says(&with(&eks, scrape, |scrape| scrape["spec"]["staticConfigs"] = elsewhere), &fault);
        for field in ["scheme", "basicAuth"] {
            let fault = format!("{path} of the broker is asked for as");
            says(&with(&eks, scrape, |scrape| drop(scrape["spec"].as_object_mut().unwrap().remove(field))), &fault);
        }
    }
    says(&with(&eks, ("ScrapeConfig", "broker-queues"), |scrape| scrape["spec"]["params"] = json!({})), "asked for as");
    let folder = |one: &mut Value| {
        let variables = one.pointer_mut("/spec/template/spec/containers/0/env").and_then(Value::as_array_mut);
        variables.expect("variables").push(json!({ "name": "MAIL_DIR", "value": "/mail" }));
    };
    says(&with(&eks, ("Deployment", "notifications"), folder), "mail to customers ends in a folder");
    let customers = ("Deployment", "shoppers");
    says(&with(&eks, customers, |one| one["spec"]["replicas"] = json!(1)), "shoppers: replicas are Some(1)");
    let wide = |policy: &mut Value| policy["spec"]["egress"][0]["to"][0]["ipBlock"]["cidr"] = json!("10.20.0.0/16");
    says(&with(&eks, ("NetworkPolicy", "modules-to-broker"), wide), "beside-the-broker");
    let narrow = |policy: &mut Value| policy["spec"]["egress"][0]["to"][0]["ipBlock"]["cidr"] = json!("10.20.52.0/22");
    says(&with(&eks, ("NetworkPolicy", "modules-to-broker"), narrow), "network-of-the-broker");
}

#[test]
fn a_postgresql_that_has_not_a_connection_for_all_that_may_come_is_found() {
    let eks = overlay("eks");
    for (arguments, fault) in
        [(json!(["-c", "max_connections=482"]), "and 483 may come"), (json!([]), "started with []")]
    {
        let server = ("StatefulSet", "postgres");
        let path = "/spec/template/spec/containers/0/args";
        says(&with(&eks, server, |one| *one.pointer_mut(path).unwrap() = arguments), fault);
    }
    let script = eks.documents.iter().find(|one| kind(one) == "ConfigMap" && name(one).starts_with("postgres-"));
    let script = script.map(name).expect("a script").to_owned();
    for (limit, fault) in [("", "may take every connection"), ("CONNECTION LIMIT 95 ", "may open 95 connections")] {
        let change = |map: &mut Value| {
            let text = text(map, "/data/databases.sh").replace("CONNECTION LIMIT 96 ", limit);
            map["data"]["databases.sh"] = json!(text);
        };
        says(&with(&eks, ("ConfigMap", &script), change), fault);
    }
    let small = |server: &mut Value| {
        *server.pointer_mut("/spec/template/spec/containers/0/resources/limits/memory").unwrap() = json!("1Gi");
    };
    says(&with(&eks, ("StatefulSet", "postgres"), small), "is too small for 600 connections");
}

/// What Terraform would write, with the words of some account.
pub(crate) fn of_an_account() -> String {
    let template = include_str!("../../../infra/aws/kustomization.yaml.tftpl");
    let (before, rest) = template.split_once("%{ for module in modules ~}\n").expect("a loop");
    let (line, after) = rest.split_once("%{ endfor ~}\n").expect("its end");
    let images: String = manifests::project::MODULES.iter().map(|module| line.replace("${module}", module)).collect();
    let mut text = format!("{before}{images}{after}");
    for (name, value) in [
        ("registry", "123456789012.dkr.ecr.eu-central-1.amazonaws.com"),
        ("name", "shop"),
        ("tag", "4f2c1e0"),
        ("broker_address", "b-1234.mq.eu-central-1.on.aws:5671"),
        ("broker_metrics", r#"["b-1234.mq.eu-central-1.on.aws:16001","b-1234.mq.eu-central-1.on.aws:16002"]"#),
        ("broker_network", "10.20.48.0/22"),
    ] {
        text = text.replace(&format!("${{{name}}}"), value);
    }
    assert!(!text.contains("${") && !text.contains("%{"), "{text}");
    text
}

#[test]
fn the_overlay_that_terraform_writes_for_an_account_says_where_its_images_and_its_broker_are() {
    let here = render_on("eks", &of_an_account()).unwrap();
    // An account calls its images as it likes; its registry lets none of them change.
    let of_images = |fault: &&String| fault.contains("not one image for ever") || fault.contains("not this version");
    let faults = policy::faults(&here);
    assert_eq!(faults.iter().filter(|fault| !of_images(fault)).collect::<Vec<_>>(), Vec::<&String>::new());
    let broker = find(&here.documents, "ConfigMap", "broker").expect("it is there");
    assert_eq!(text(broker, "/data/address"), "b-1234.mq.eu-central-1.on.aws:5671");
    for module in here.documents.iter().filter(|document| is_module(document)) {
        let containers = pod_template(module).map(|template| list(template, "/spec/containers")).expect("containers");
        let image = format!("123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/{}:4f2c1e0", name(module));
        assert_eq!(text(&containers[0], "/image"), image);
    }
    assert_eq!(validate(here.documents.iter()).unwrap(), Vec::<String>::new());
}
