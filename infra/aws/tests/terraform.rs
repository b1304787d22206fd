//! What the Terraform files promise.

use std::collections::BTreeSet;

use aws_files::{attribute, block, blocks, configuration, files, folder, literal};
use hcl::{Body, Expression};

/// The text with every variable's own block left out.
fn text_without_variables() -> String {
    files().into_iter().filter(|(path, _)| !path.ends_with("variables.tf")).map(|(_, text)| text).collect()
}

fn variables(body: &Body) -> BTreeSet<&str> {
    blocks(body, "variable").map(|(labels, _)| labels[0]).collect()
}

fn is_exact(version: &str) -> bool {
    let parts: Vec<&str> = version.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[test]
fn every_provider_and_every_module_has_one_exact_version() {
    let body = configuration();
    let terraform = block(&body, "terraform", &[]);
    let wanted = attribute(terraform, "required_version").and_then(literal).expect("a range");
    assert!(wanted.contains(">= ") && wanted.contains("< 2.0.0"), "{wanted}");
    let providers = terraform.body().blocks().find(|block| block.identifier() == "required_providers");
    let mut count = 0;
    for provider in providers.expect("providers").body().attributes() {
        let Expression::Object(fields) = provider.expr() else { panic!("{} is an object", provider.key()) };
        let version = fields.iter().find(|(key, _)| key.to_string() == "version").and_then(|(_, value)| literal(value));
        assert!(version.is_some_and(is_exact), "{}: {version:?}", provider.key());
        count += 1;
    }
    for (labels, module) in blocks(&body, "module") {
        let version = attribute(module, "version").and_then(literal);
        assert!(version.is_some_and(is_exact), "{labels:?}: {version:?}");
        count += 1;
    }
    assert!(count >= 5, "{count} versions");
}

#[test]
fn every_variable_and_every_output_is_described_and_every_variable_is_used() {
    let body = configuration();
    for (labels, described) in blocks(&body, "variable").chain(blocks(&body, "output")) {
        let description = attribute(described, "description").and_then(literal).unwrap_or_default();
        assert!(description.ends_with('.') && description.len() > 20, "{labels:?}: {description:?}");
    }
    for (labels, variable) in blocks(&body, "variable") {
        assert!(attribute(variable, "type").is_some(), "{labels:?} has no type");
    }
    let text = text_without_variables();
    let named: BTreeSet<&str> = text
        .match_indices("var.")
        .map(|(at, word)| &text[at + word.len()..])
        .map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default())
        .collect();
    assert_eq!(named, variables(&body));
}

#[test]
fn no_secret_is_written_down() {
    let body = configuration();
    let secrets = ["password", "secret", "token", "private"];
    let is_secret = |name: &str| name.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| secrets.contains(&word));
    for (labels, variable) in blocks(&body, "variable").filter(|(labels, _)| is_secret(labels[0])) {
        assert_eq!(attribute(variable, "sensitive"), Some(&Expression::Bool(true)), "{labels:?}");
        assert!(attribute(variable, "default").is_none(), "{labels:?} has a default");
    }
    for (path, text) in files() {
        for line in text.lines() {
            let Some((name, value)) = line.split_once('=') else { continue };
            let literal = value.trim().starts_with('"') && !value.contains("${");
            assert!(!is_secret(name.trim()) || !literal, "{}: {line}", path.display());
            assert!(!line.contains("AKIA") && !line.contains("BEGIN "), "{}: {line}", path.display());
        }
    }
    for (labels, output) in blocks(&body, "output") {
        let value = format!("{:?}", attribute(output, "value"));
        assert!(!is_secret(&value), "{labels:?} tells a secret");
    }
    let ignored = std::fs::read_to_string(folder().join(".gitignore")).expect("it is there");
    for kind in ["*.tfvars", "*.tfstate", "*.tfstate.*", ".terraform/", "*.tfplan"] {
        assert!(ignored.lines().any(|line| line == kind), "git would take {kind}");
    }
}

#[test]
fn the_broker_is_a_cluster_that_is_reached_from_the_machines_of_kubernetes_and_from_nowhere_else() {
    let body = configuration();
    let broker = block(&body, "resource", &["aws_mq_broker", "broker"]);
    let text = |name: &str| attribute(broker, name).and_then(literal);
    assert_eq!((text("engine_type"), text("deployment_mode")), (Some("RabbitMQ"), Some("CLUSTER_MULTI_AZ")));
    assert_eq!(attribute(broker, "publicly_accessible"), Some(&Expression::Bool(false)));
    let mut rules = 0;
    for (labels, rule) in blocks(&body, "resource").filter(|(labels, _)| labels[0].contains("security_group_ingress")) {
        let from = attribute(rule, "referenced_security_group_id").map(|from| format!("{from:?}")).unwrap_or_default();
        assert!(from.contains("node_security_group_id"), "{labels:?}: {from}");
        assert!(attribute(rule, "cidr_ipv4").is_none() && attribute(rule, "cidr_ipv6").is_none(), "{labels:?}");
        rules += 1;
    }
    assert_eq!(rules, 1, "rules for the broker");
    let ports = format!(
        "{:?}",
        attribute(block(&body, "resource", &["aws_vpc_security_group_ingress_rule", "broker"]), "for_each")
    );
    let numbers: Vec<&str> = ports.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty()).collect();
    // Each node's metrics are at a port of its own.
    assert_eq!(numbers, ["5671", "5671", "443", "443", "16001", "16003"], "{ports}");
    for (labels, group) in blocks(&body, "resource").filter(|(labels, _)| labels[0] == "aws_security_group") {
        assert!(
            group.body().blocks().all(|inner| inner.identifier() == "lifecycle"),
            "{labels:?} has rules of its own"
        );
    }
}

#[test]
fn what_terraform_made_it_can_take_away_but_for_the_broker() {
    let body = configuration();
    let images = block(&body, "resource", &["aws_ecr_repository", "module"]);
    assert_eq!(attribute(images, "force_delete"), Some(&Expression::Bool(true)), "destroy stops at the images");
    let broker = block(&body, "resource", &["aws_mq_broker", "broker"]);
    let lifecycle = broker.body().blocks().find(|inner| inner.identifier() == "lifecycle").expect("a lifecycle");
    assert_eq!(attribute(lifecycle, "prevent_destroy"), Some(&Expression::Bool(true)), "messages would go with it");
}

#[test]
fn the_overlay_of_an_account_is_given_all_that_it_names() {
    let template = std::fs::read_to_string(folder().join("kustomization.yaml.tftpl")).expect("it is there");
    let names = template.split("${").skip(1).filter_map(|rest| rest.split('}').next()).filter(|name| *name != "module");
    let body = configuration();
    let given = format!("{:?}", attribute(block(&body, "output", &["kustomization"]), "value"));
    for name in names {
        assert!(given.contains(&format!("(Identifier(Identifier({name})),")), "nobody gives {name}: {given}");
    }
}

#[test]
fn network_policies_are_enforced() {
    let cluster = format!("{:?}", block(&configuration(), "module", &["cluster"]));
    assert!(cluster.contains("enableNetworkPolicy"), "policies would be stored and enforced by nobody");
}

#[test]
fn there_is_an_image_for_every_module_of_the_shop() {
    let body = configuration();
    let Some(Expression::Array(named)) = attribute(block(&body, "variable", &["modules"]), "default") else {
        panic!("a list of modules")
    };
    let named: BTreeSet<String> = named.iter().filter_map(literal).map(str::to_owned).collect();
    let root = folder().join("../..");
    let services: BTreeSet<String> = ["producers", "consumers"]
        .into_iter()
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).expect("services"))
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(named, services);
}
