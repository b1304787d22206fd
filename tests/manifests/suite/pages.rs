//! What the pages tell to run is run, with everything that it talks to played: it makes what the shop needs, and speaks of what there is.

use std::collections::BTreeSet;

use manifests::document::{find, is_module, kind, list, name, of_kind, pod_template, text};
use manifests::page::{Played, play, section};
use manifests::project::read;
use manifests::{Rendering, network, policy, validate};
use serde_json::{Value, json};

use crate::amazon::of_an_account;
use crate::mutations::survivors;
use crate::renderings::overlay;

/// A page, the part of it that is run, and the overlay that it stands on.
const PAGES: [(&str, &str, &str); 3] = [
    ("docs/kubernetes.md", "On a desk", "local"),
    ("docs/kubernetes.md", "In production", "production"),
    ("docs/aws.md", "", "eks"),
];

fn played(text: &str, heading: &str) -> Result<Played, String> {
    play(if heading.is_empty() { text } else { section(text, heading) }, &of_an_account())
}

/// What came of each `kubectl apply -k`, as something to be judged.
fn renderings(played: &Played, on: &str) -> Vec<Rendering> {
    let below = overlay(on);
    let title = if on == "local" { below.title.clone() } else { format!("on overlay {on}") };
    let of = |documents: &Vec<Value>| Rendering { title: title.clone(), documents: documents.clone(), ..below.clone() };
    played.rendered.iter().map(of).collect()
}

/// What is wrong with a page.
fn faults(page: &str, heading: &str, on: &str) -> Vec<String> {
    let played = match played(page, heading) {
        Ok(played) => played,
        Err(error) => return vec![error],
    };
    let renderings = renderings(&played, on);
    let mut found = Vec::new();
    let Some(last) = renderings.last() else { return vec!["nothing is applied".to_owned()] };
    for rendering in &renderings {
        // Who builds images calls them as he likes.
        let of_images = |fault: &String| fault.contains("not one image for ever") || fault.contains("not this version");
        found.extend(policy::faults(rendering).into_iter().filter(|fault| !of_images(fault)));
    }
    found.extend(images(&played, on));
    found.extend(secrets(&played, &last.documents));
    let calls = played.calls.iter().filter(|call| call[0] == "kubectl");
    found.extend(calls.flat_map(|call| names(call, &played, &last.documents)));
    for rule in of_kind(&played.made, "Ingress").flat_map(|ingress| list(ingress, "/spec/rules")) {
        let backend = rule.pointer("/http/paths/0/backend/service").unwrap_or(&Value::Null);
        let ports =
            find(&last.documents, "Service", text(backend, "/name")).map_or(&[][..], |it| list(it, "/spec/ports"));
        if !ports.iter().any(|port| port["name"] == backend["port"]["name"]) {
            found.push(format!("the ingress leads to {backend}, which is not there"));
        }
    }
    // What everybody on a machine can list.
    let open = |word: &&String| word.starts_with("--from-literal") || word.starts_with("--command");
    found
        .extend(played.calls.iter().flatten().filter(open).map(|word| format!("a secret stands in a command: {word}")));
    let of_database = page.lines().filter(|line| line.contains("@$PGHOST") && !line.contains("?sslmode=verify-full\""));
    found.extend(of_database.map(|line| format!("any server is believed: {line}")));
    // The dearest last, and only where nothing is wrong yet.
    if found.is_empty() {
        found = validate(played.made.iter().chain(&last.documents)).expect("the validator runs");
    }
    found.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

/// Each image that a cluster is told to run was built, and is where the cluster gets it from.
fn images(played: &Played, on: &str) -> Vec<String> {
    let calls = |second: &'static str| played.calls.iter().filter(move |call| call[0] == "podman" && call[1] == second);
    let there: BTreeSet<&str> = match on {
        "local" => calls("save").map(|call| call[2].trim_start_matches("docker.io/")).collect(),
        _ => calls("push").map(|call| call[2].as_str()).collect(),
    };
    let mut found = Vec::new();
    for module in played.rendered.iter().flatten().filter(|document| is_module(document)) {
        let image = pod_template(module).map(|template| text(template, "/spec/containers/0/image")).unwrap_or_default();
        if !there.contains(image) {
            found.push(format!("{} runs {image}, which nobody brings", name(module)));
        }
    }
    for call in calls("build") {
        let word = |before: &str| call.iter().skip_while(|word| *word != before).nth(1).map_or("", String::as_str);
        let service = call.iter().find_map(|word| word.strip_prefix("SERVICE=")).unwrap_or_default();
        if !word("--tag").contains(&format!("/{service}:")) {
            found.push(format!("{service} is built as {}", word("--tag")));
        }
        if on != "local" && word("--platform") != "linux/amd64" {
            found.push(format!("{service} is built for the machine that builds it"));
        }
    }
    found
}

/// The keys of Secrets that a document reads.
fn read_by(value: &Value, found: &mut BTreeSet<(String, String)>) {
    let mut reads =
        |name: &str, keys: &[&str]| found.extend(keys.iter().map(|key| (name.to_owned(), (*key).to_owned())));
    if let Some(fields) = value.as_object() {
        let name = text(value, "/name");
        let keyed = fields.len() == 2 && !name.is_empty() && fields.contains_key("key");
        for (field, inner) in fields {
            let named = text(inner, "/name");
            match field.as_str() {
                "importCredentialsSecret" => reads(named, &["username", "password"]),
                "connectionSecret" => reads(named, &["uri", "username", "password"]),
                "secretKeyRef" => reads(named, &[text(inner, "/key")]),
                "username" | "password" if inner.is_object() => reads(named, &[text(inner, "/key")]),
                "secretTargetRef" => {
                    inner
                        .as_array()
                        .into_iter()
                        .flatten()
                        .for_each(|one| reads(text(one, "/name"), &[text(one, "/key")]));
                }
                "secret" if text(inner, "/secretName") == "postgres" => reads("postgres", &["superuser"]),
                "secret" if list(inner, "/items").is_empty() && keyed => reads(named, &[text(inner, "/key")]),
                "secret" => list(inner, "/items")
                    .iter()
                    .for_each(|item| reads(text(inner, "/secretName"), &[text(item, "/key")])),
                _ => {}
            }
        }
    }
    match value {
        Value::Object(fields) => fields.values().for_each(|inner| read_by(inner, found)),
        Value::Array(values) => values.iter().for_each(|inner| read_by(inner, found)),
        _ => {}
    }
}

/// Every key of a Secret that is read is made by somebody, and no Secret is made that nobody reads.
fn secrets(played: &Played, documents: &[Value]) -> Vec<String> {
    let mut wanted = BTreeSet::new();
    documents.iter().for_each(|document| read_by(document, &mut wanted));
    if wanted.contains(&("postgres".to_owned(), "superuser".to_owned())) {
        let keeps =
            |one: &&Value| is_module(one) && !text(one, "/spec/template/metadata/labels/shop~1database").is_empty();
        wanted.extend(documents.iter().filter(keeps).map(|module| ("postgres".to_owned(), name(module).to_owned())));
    }
    let mut there = BTreeSet::new();
    for secret in of_kind(&played.made, "Secret").chain(of_kind(documents, "Secret")) {
        let keys = ["/data", "/stringData"].iter().filter_map(|path| secret.pointer(path)?.as_object());
        there.extend(keys.flat_map(|keys| keys.keys()).map(|key| (name(secret).to_owned(), key.clone())));
    }
    for certificate in of_kind(documents, "Certificate") {
        let of = text(certificate, "/spec/secretName").to_owned();
        there.extend(["ca.crt", "tls.crt", "tls.key"].map(|key| (of.clone(), key.to_owned())));
    }
    let mut found: Vec<String> =
        wanted.difference(&there).map(|(name, key)| format!("nobody makes {key} of the Secret {name}")).collect();
    let read: BTreeSet<&str> = wanted.iter().map(|(name, _)| name.as_str()).collect();
    let own = |secret: &&Value| text(secret, "/metadata/namespace") == "shop";
    let idle = of_kind(&played.made, "Secret").filter(own).filter(|secret| !read.contains(name(secret)));
    found.extend(idle.map(|secret| format!("nobody reads the Secret {}", name(secret))));
    // Without it the topology operator reads none.
    let label = "rabbitmq.com/topology-operator";
    let of_operator = |one: &&Value| name(one).ends_with("-broker") || name(one) == "amazon-mq";
    let hidden = |one: &&Value| one["metadata"]["labels"][label] != "true";
    let hidden = of_kind(&played.made, "Secret").filter(of_operator).filter(hidden);
    found.extend(hidden.map(|secret| format!("the topology operator may not read the Secret {}", name(secret))));
    found
}

/// What a call of `kubectl` names is there.
fn names(call: &[String], played: &Played, documents: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    let words: Vec<&str> = call.iter().map(String::as_str).collect();
    let mut fault = |what: String| found.push(format!("{what}: {}", words.join(" ")));
    let all: Vec<Value> = documents.iter().chain(&played.made).cloned().collect();
    let namespace = words.iter().skip_while(|word| **word != "-n").nth(1).copied().unwrap_or_default();
    if namespace == "rabbitmq-system" {
        let named = |word: &&&str| word.contains("messaging-topology") || word.starts_with("deployment/");
        let other = |word: &&str| word.trim_start_matches("deployment/") != "messaging-topology-operator";
        words.iter().filter(named).copied().filter(other).for_each(|word| fault(format!("there is no {word}")));
    }
    if namespace != "shop" {
        return found;
    }
    let broker = of_kind(documents, "RabbitmqCluster").next();
    for (of, called) in words.iter().filter_map(|word| word.split_once('/')) {
        let wanted = match of {
            "deployment" => "Deployment",
            "statefulset" => "StatefulSet",
            "service" => "Service",
            "scaledobject" => "ScaledObject",
            "rabbitmqcluster" => "RabbitmqCluster",
            "ingress" => "Ingress",
            _ => continue,
        };
        let made_by_operator = wanted == "Service" && broker.is_some_and(|broker| name(broker) == called);
        let there = find(&all, wanted, called);
        if there.is_none() && !made_by_operator {
            fault(format!("there is no {of} {called}"));
        }
        if words.contains(&"scale") && find(documents, "ScaledObject", called).is_some() {
            fault("KEDA undoes it".to_owned());
        }
        if words.contains(&"port-forward") {
            let port =
                words.last().and_then(|ports| ports.rsplit(':').next()).and_then(|port| port.parse::<i64>().ok());
            let of_service = there.map_or(&[][..], |service| list(service, "/spec/ports")).iter();
            let encrypted = broker.is_some_and(|broker| broker.pointer("/spec/tls").is_some());
            let managed = made_by_operator && port == Some(if encrypted { 15671 } else { 15672 });
            if !managed && !of_service.clone().any(|one| one["port"].as_i64() == port) {
                fault(format!("{called} has no port {port:?}"));
            }
        }
    }
    if let Some(secret) = words.windows(3).find(|three| three[..2] == ["get", "secret"]).map(|three| three[2]) {
        let certificate = of_kind(documents, "Certificate").any(|one| text(one, "/spec/secretName") == secret);
        let administrator = broker.is_some_and(|broker| secret == format!("{}-default-user", name(broker)));
        if !certificate && !administrator && find(&all, "Secret", secret).is_none() {
            fault(format!("there is no Secret {secret}"));
        }
    }
    let of_operator =
        |one: &&Value| text(one, "/apiVersion").starts_with("rabbitmq.com/") && kind(one) != "RabbitmqCluster";
    let there: BTreeSet<String> =
        documents.iter().filter(of_operator).map(|one| format!("{}s.rabbitmq.com", kind(one).to_lowercase())).collect();
    let named = words.iter().flat_map(|word| word.split(',')).filter(|word| word.ends_with("s.rabbitmq.com"));
    let named: BTreeSet<String> = named.map(str::to_owned).collect();
    if !named.is_subset(&there) || words.contains(&"delete") && named != there {
        fault(format!("of {there:?} it names {named:?}"));
    }
    found
}

#[test]
fn what_the_pages_tell_to_run_makes_a_shop() {
    for (page, heading, on) in PAGES {
        assert_eq!(faults(&read(page), heading, on), Vec::<String>::new(), "{page} {heading}");
    }
}

#[test]
fn every_overlay_is_applied_by_a_page() {
    for (page, heading, on) in PAGES {
        let played = played(&read(page), heading).expect("it runs");
        let desk = on == "local";
        // Git and the other tests pass over what a reader makes.
        let ignored = read("k8s/overlays/.gitignore");
        for own in read(page).split("mkdir -p k8s/overlays/").skip(1).filter_map(|rest| rest.lines().next()) {
            assert!(ignored.lines().any(|line| line == format!("/{own}/")), "{page} makes {own}");
        }
        assert_eq!(played.rendered.len(), if on == "production" { 3 } else { 1 }, "{page} {heading}");
        let waits = |call: &&Vec<String>| call.iter().any(|word| word == "status") && call.contains(&"shop".to_owned());
        let waited = played.calls.iter().filter(waits).flat_map(|call| &call[5..]).filter(|word| word.contains('/'));
        let waited: BTreeSet<&str> = waited.filter_map(|word| word.rsplit('/').next()).collect();
        let runs = played.rendered[0].iter().filter(|document| pod_template(document).is_some());
        assert!(!desk || waited == runs.map(name).collect(), "{waited:?}");
    }
}

#[test]
fn the_topology_operator_is_given_the_authority_that_the_page_makes_a_secret_of() {
    let played = played(&read("docs/kubernetes.md"), "In production").expect("it runs");
    let secret = find(&played.made, "Secret", "rabbitmq-ca").expect("the authority's");
    assert_eq!(
        (text(secret, "/metadata/namespace"), &secret["data"]),
        ("rabbitmq-system", &json!({ "ca.crt": "Y2VydGlmaWNhdGU=" }))
    );
    let patch = manifests::document::parse(&read("k8s/components/tls/trust.yaml")).expect("YAML").remove(0);
    let pod = &patch["spec"]["template"]["spec"];
    assert_eq!(pod["volumes"], json!([{ "name": "rabbitmq-ca", "secret": { "secretName": "rabbitmq-ca" } }]));
    let mount = json!({
        "name": "rabbitmq-ca", "mountPath": "/etc/ssl/certs/rabbitmq-ca.crt", "subPath": "ca.crt", "readOnly": true,
    });
    assert_eq!(pod["containers"], json!([{ "name": "manager", "volumeMounts": [mount] }]));
    let steps: [&[&str]; 4] = [&["AllReplicasReady"], &["rabbitmq-ca"], &["patch"], &["wait", "queues."]];
    let order = steps.map(|words| played.place(words));
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn modules_are_started_anew_once_their_users_are_there_and_waited_for_then() {
    for (page, heading, _) in &PAGES[1..] {
        let played = played(&read(page), heading).expect("it runs");
        let steps: [&[&str]; 3] =
            [&["shop", "wait", "users."], &["shop", "restart", "deployment"], &["shop", "wait", "=Available"]];
        let order = steps.map(|words| played.place(words));
        assert!(order.is_sorted(), "{page}: {order:?}");
    }
}

#[test]
fn without_any_one_line_of_the_policy_for_traces_the_graph_is_another_one() {
    let played = played(&read("docs/kubernetes.md"), "In production").expect("it runs");
    let mut rendering = renderings(&played, "production").remove(1);
    rendering.documents.retain(|document| {
        !text(document, "/apiVersion").starts_with("rabbitmq.com/v1beta1") || kind(document) == "RabbitmqCluster"
    });
    let one = |document: &Value| name(document) == "modules-to-collector";
    let found = survivors(&rendering, one, |changed| network::faults(changed).is_empty());
    // TCP is what is meant without a word, and the other side is closed by `nothing-by-default` already.
    let meant: Vec<&String> =
        found.iter().filter(|path| !path.ends_with("/protocol") && !path.contains("/spec/policyTypes")).collect();
    assert!(
        meant.is_empty() && rendering.documents.iter().any(one),
        "nobody notices that these are missing: {meant:#?}"
    );
}

#[test]
fn a_page_that_is_wrong_is_found() {
    for (place, from, to, words) in [
        (1, "  namespace: shop\nspec:\n  podSelector", "spec:\n  podSelector", "is in namespace"),
        (1, "port: 4318}\nEND", "port: 4317}\nEND", "should be allowed"),
        (1, "\\ntls=enable", "", "nobody makes tls of the Secret keda-broker"),
        (
            1,
            "shoppers storefront scanner-1; do",
            "shoppers storefront; do",
            "nobody makes password of the Secret scanner-1-broker",
        ),
        (1, "newTag: \"0.1.0\"", "newTag: \"0.1.2\"", "which nobody brings"),
        (
            1,
            "scaledobject/payments autoscaling.keda.sh/paused-replicas=4",
            "scaledobject/storefront x/y=4",
            "there is no scaledobject",
        ),
        (1, "service/rabbitmq 15671:15671", "service/rabbitmq 15672:15672", "has no port"),
        (1, "k8s/components/tls/trust.yaml", "k8s/components/tls/trusted.yaml", "failed"),
        (1, "=storefront:http,tls", "=storefront:web,tls", "the ingress leads to"),
        (1, "--all bindings.rabbitmq.com,", "--all ", "it names"),
        (
            0,
            "deployment/inventory --replicas",
            "deployment/inventories --replicas",
            "there is no deployment inventories",
        ),
        (
            1,
            "secret notifications-smtp",
            "kubectl -n shop create secret generic notifications-smtp --from-literal=url=smtp://a:b@c",
            "a secret stands in a command",
        ),
        (1, "verify-full\" | secret $module", "require\" | secret $module", "any server is believed"),
        (2, "secret amazon-mq <<", "secret amazon-mp <<", "nobody makes uri of the Secret amazon-mq"),
        (2, "rabbitmq.com/topology-operator=true", "a=b", "may not read the Secret"),
        (2, "--platform linux/amd64 ", "", "for the machine that builds it"),
        (2, "-n shop scale deployment/shoppers", "-n shop scale deployment/payments", "KEDA undoes it"),
        (
            2,
            "secret notifications-smtp",
            "secret notifications-mail",
            "nobody makes url of the Secret notifications-smtp",
        ),
        (2, "mkdir -p k8s/overlays/here", "true", "failed"),
    ] {
        let (page, heading, on) = PAGES[place];
        let text = read(page);
        assert!(text.contains(from), "{page} has no {from}");
        let faults = faults(&text.replace(from, to), heading, on);
        assert!(faults.iter().any(|fault| fault.contains(words)), "{from} -> {to}: {faults:#?}");
    }
}
