//! What the pages say in numbers and settings is what the manifests say.

use std::collections::BTreeSet;

use manifests::document::{find, list, name, of_kind, parse, text};
use manifests::policy::OF_BROKER;
use manifests::project::read;
use serde_json::{Value, json};

use crate::renderings::overlay;

#[test]
fn the_numbers_that_the_pages_name_are_those_of_the_manifests() {
    let (kubernetes, aws) = (read("docs/kubernetes.md"), read("docs/aws.md"));
    let of_one = manifests::sources::connections_of_a_replica();
    let production = overlay("production").documents;
    let scaled: Vec<&Value> = of_kind(&production, "ScaledObject").collect();
    let most = scaled.iter().map(|one| one["spec"]["maxReplicaCount"].as_i64().unwrap_or(0) + 2).max().unwrap_or(0);
    let (limit, all) = (most * of_one, most * of_one * 6);
    assert_eq!(scaled.len(), 6);
    for page in [&kubernetes, &aws] {
        assert!(page.contains(&format!("{of_one} connections of each replica")), "{of_one}");
    }
    assert!(kubernetes.contains(&format!("LOGIN CONNECTION LIMIT {limit} ")), "{limit}");
    assert!(kubernetes.contains(&format!("{limit} of a module and {all} of all six")), "{limit}, {all}");
    assert!(read("k8s/components/postgres/databases.sh").contains(&format!("LOGIN CONNECTION LIMIT {limit} ")));
    let from_zero: Vec<&str> =
        of_kind(&production, "ScaledObject").filter(|one| one["spec"]["minReplicaCount"] == 0).map(name).collect();
    assert_eq!(from_zero, ["notifications"]);
    assert!(
        kubernetes.contains("Who starts from zero replicas, when the first message waits for it: `notifications`,")
    );
    let broker = find(&production, "RabbitmqCluster", "rabbitmq").expect("a broker");
    assert_eq!(broker["spec"]["resources"]["requests"], json!({ "cpu": "2", "memory": "4Gi" }));
    assert!(kubernetes.contains("each with 2 CPUs and 4 GiB free for RabbitMQ"));
}

#[test]
fn the_adapters_rule_on_the_page_serves_what_the_autoscalers_without_keda_ask_for() {
    let page = read("docs/kubernetes.md");
    let block = page.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block of YAML");
    let rules = parse(block).expect("YAML").remove(0);
    let [rule] = list(&rules, "/externalRules") else { panic!("{rules}") };
    let autoscalers = parse(&read("k8s/components/hpa/autoscalers.yaml")).expect("YAML");
    let metrics = autoscalers.iter().flat_map(|one| list(one, "/spec/metrics")).map(|one| &one["external"]["metric"]);
    let asked: BTreeSet<&str> = metrics.map(|metric| text(metric, "/name")).collect();
    let [metric] = asked.into_iter().collect::<Vec<_>>()[..] else { panic!("one metric") };
    assert!(OF_BROKER.contains(&metric), "{metric}");
    assert_eq!(text(rule, "/seriesQuery"), format!("{{__name__=\"{metric}\",queue!=\"\"}}"));
    // Each node of the broker tells of a queue; the sum of them would be too many replicas.
    assert_eq!(text(rule, "/metricsQuery"), "max by (queue) (<<.Series>>{<<.LabelMatchers>>})");
    assert_eq!(rule["resources"], json!({ "overrides": { "namespace": { "resource": "namespace" } } }));
}
