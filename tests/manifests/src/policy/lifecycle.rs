//! How a module starts, is looked at, is replaced and ends.

use serde_json::{Value, json};

use crate::document::{is_module, list, number, pod_template, text, title};
use crate::render::Rendering;
use crate::sources::closing_seconds;

/// Between what a module may take to end and being killed.
const SPARE: i64 = 5;

pub(super) fn faults(rendering: &Rendering) -> Vec<String> {
    let documents: &[Value] = &rendering.documents;
    let mut found = Vec::new();
    for module in documents.iter().filter(|document| is_module(document)) {
        found.extend(of_module(module).into_iter().map(|fault| format!("{}: {fault}", title(module))));
    }
    found
}

fn of_module(module: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let template = pod_template(module).unwrap_or(&Value::Null);
    let services = list(template, "/spec/containers");
    let [container] = services else { return vec![format!("{} containers instead of one", services.len())] };
    if !list(container, "/ports").contains(&json!({ "name": "admin", "containerPort": 9464 })) {
        found.push("it has no port «admin»".to_owned());
    }
    // Whether the broker is there must not decide whether a process lives: all would restart at once, and none would be better for it.
    for (probe, path) in [("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")] {
        let wanted = json!({ "path": path, "port": "admin" });
        let asked = container.pointer(&format!("/{probe}/httpGet")).cloned().unwrap_or_default();
        if asked != wanted {
            found.push(format!("its {probe} asks {asked}, not {wanted}"));
        }
    }
    let budget = |probe: &str| {
        number(container, &format!("/{probe}/periodSeconds")).unwrap_or(10)
            * number(container, &format!("/{probe}/failureThreshold")).unwrap_or(3)
    };
    for (probe, range) in [("startupProbe", 60..=300), ("livenessProbe", 45..=300), ("readinessProbe", 5..=12)] {
        if !range.contains(&budget(probe)) {
            found.push(format!("its {probe} gives up after {} s, which should be within {range:?}", budget(probe)));
        }
    }
    for probe in ["livenessProbe", "readinessProbe"] {
        let timeout = number(container, &format!("/{probe}/timeoutSeconds")).unwrap_or(1);
        if !(2..=5).contains(&timeout) {
            found.push(format!("its {probe} waits {timeout} s for an answer, which should be 2 to 5 on a busy node"));
        }
    }
    let drain = list(container, "/env").iter().find(|one| one["name"] == "DRAIN_SECONDS");
    match drain.and_then(|one| text(one, "/value").parse::<i64>().ok()) {
        None => found.push("it does not say how long it drains".to_owned()),
        Some(drain) => {
            let before = number(container, "/lifecycle/preStop/sleep/seconds").unwrap_or(0);
            let least = before + drain + closing_seconds() + SPARE;
            let grace = number(template, "/spec/terminationGracePeriodSeconds").unwrap_or(30);
            if grace < least {
                found.push(format!("it is killed after {grace} s, though it may take {least}"));
            }
        }
    }
    if text(module, "/metadata/name") == "storefront" && container.pointer("/lifecycle/preStop/sleep").is_none() {
        found.push("it stops listening before proxies know".to_owned());
    }
    let mut expect = |path: &str, wanted: Value| {
        let is = module.pointer(path).cloned().unwrap_or_default();
        if is != wanted {
            found.push(format!("{path} is {is}, not {wanted}"));
        }
    };
    expect(
        "/spec/strategy",
        json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } }),
    );
    expect("/spec/minReadySeconds", json!(5));
    expect("/spec/progressDeadlineSeconds", json!(300));
    expect("/spec/revisionHistoryLimit", json!(5));
    found
}
