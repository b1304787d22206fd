//! What a module is told by its environment, it reads; and it is told all that it needs.

use serde_json::Value;

use super::ON_A_DESK;
use crate::document::{find, is_module, list, number, of_kind, pod_template, text, title};
use crate::render::Rendering;
use crate::sources::{own_settings_of, settings_of};

const MEBIBYTE: i64 = 1_048_576;

pub(super) fn faults(rendering: &Rendering) -> Vec<String> {
    let documents: &[Value] = &rendering.documents;
    let mut found = Vec::new();
    let encrypted =
        find(documents, "ConfigMap", "broker").is_some_and(|broker| text(broker, "/data/scheme") == "amqps");
    for module in documents.iter().filter(|document| is_module(document)) {
        // Of all authorities one may say who the broker is; and a module that is told of it refuses to speak in the clear.
        let told = variables(module).1.iter().any(|one| text(one, "/name") == "AMQP_CA_FILE");
        if encrypted != told {
            found.push(format!(
                "{}: its broker is encrypted: {encrypted}; it is told by whose authority: {told}",
                title(module)
            ));
        }
    }
    let is_used = rendering.is_overlay && !ON_A_DESK.contains(&rendering.title.as_str());
    for module in documents.iter().filter(|document| is_module(document)) {
        if is_used && variables(module).1.iter().any(|one| text(one, "/name") == "MAIL_DIR") {
            found.push(format!("{}: mail to customers ends in a folder, which is gone with its pod", title(module)));
        }
        found.extend(of_module(module).into_iter().map(|fault| format!("{}: {fault}", title(module))));
        found.extend(references(module, documents).into_iter().map(|fault| format!("{}: {fault}", title(module))));
    }
    found
}

fn variables(module: &Value) -> (&Value, &[Value]) {
    let container = pod_template(module).map(|template| list(template, "/spec/containers")).and_then(<[Value]>::first);
    let container = container.unwrap_or(&Value::Null);
    (container, list(container, "/env"))
}

fn of_module(module: &Value) -> Vec<String> {
    let name = text(module, "/metadata/name");
    let (container, variables) = variables(module);
    let known = settings_of(name);
    let value = |wanted: &str| variables.iter().find(|one| text(one, "/name") == wanted).map(|one| text(one, "/value"));
    let mut found = Vec::new();
    for (place, variable) in variables.iter().enumerate() {
        let called = text(variable, "/name");
        // Kubernetes puts it in for `$(…)` where it is named, if it was told before.
        let used = variables[place + 1..].iter().any(|later| text(later, "/value").contains(&format!("$({called})")));
        if !known.contains(called) && !used {
            found.push(format!("nothing reads {called}"));
        }
        if !has_source(variable) {
            found.push(format!("{called} is told nothing"));
        }
        for part in text(variable, "/value").split("$(").skip(1) {
            let inner = part.split(')').next().unwrap_or_default();
            if !variables[..place].iter().any(|before| text(before, "/name") == inner) {
                found.push(format!("{called} names $({inner}), which does not stand before it"));
            }
        }
        if variables[..place].iter().any(|before| text(before, "/name") == called) {
            found.push(format!("{called} is told twice"));
        }
    }
    let needed = ["AMQP_URL", "INSTANCE", "ADMIN_ADDR", "LOG_FORMAT", "PUBLISH_IN_FLIGHT_BYTES"].map(str::to_owned);
    let own = own_settings_of(name).iter().filter(|own| ["DATABASE_URL", "HTTP_ADDR"].contains(&own.as_str())).cloned();
    for needed in needed.into_iter().chain(own) {
        if !variables.iter().any(|one| text(one, "/name") == needed) {
            found.push(format!("it is not told {needed}"));
        }
    }
    if value("ADMIN_ADDR").is_some_and(|address| address != "0.0.0.0:9464") {
        found.push("its admin endpoint is not where the probes look".to_owned());
    }
    if value("HTTP_ADDR").is_some_and(|address| address != "0.0.0.0:8080") {
        found.push("its page is not where the Service looks".to_owned());
    }
    if value("LOG_FORMAT").is_some_and(|format| format != "json") {
        found.push("its log is not in JSON".to_owned());
    }
    let mounts = list(container, "/volumeMounts");
    for variable in variables.iter().filter(|one| text(one, "/value").starts_with('/')) {
        if !mounts.iter().any(|mount| text(variable, "/value").starts_with(text(mount, "/mountPath"))) {
            found.push(format!("nothing is mounted where {} says", text(variable, "/name")));
        }
    }
    for mount in mounts {
        let volumes = pod_template(module).map_or(&[][..], |template| list(template, "/spec/volumes"));
        if !volumes.iter().any(|volume| volume["name"] == mount["name"]) {
            found.push(format!("there is no volume {}", mount["name"]));
        }
        let used = variables.iter().any(|one| text(one, "/value").starts_with(text(mount, "/mountPath")));
        if !used {
            found.push(format!("nothing reads {}", text(mount, "/mountPath")));
        }
    }
    // What may wait for the broker is there twice, and the process has to live on.
    let waiting = value("PUBLISH_IN_FLIGHT_BYTES").and_then(|bytes| bytes.parse::<i64>().ok()).unwrap_or(64 * MEBIBYTE);
    let limit =
        text(container, "/resources/limits/memory").strip_suffix("Mi").and_then(|mebi| mebi.parse::<i64>().ok());
    if limit.is_none_or(|mebi| mebi * MEBIBYTE < 2 * waiting + 96 * MEBIBYTE) {
        found.push(format!("a memory limit of {limit:?} MiB is too small for {waiting} bytes in flight"));
    }
    if number(container, "/resources/limits/cpu").is_some() || !text(container, "/resources/limits/cpu").is_empty() {
        found.push("it is throttled: a limit on CPU makes a drain longer than its grace".to_owned());
    }
    found
}

/// Whether a variable has a value, or names one place from which it comes.
fn has_source(variable: &Value) -> bool {
    let whole = |kind: &str| {
        let path = format!("/valueFrom/{kind}");
        !text(variable, &format!("{path}/name")).is_empty() && !text(variable, &format!("{path}/key")).is_empty()
    };
    !text(variable, "/value").is_empty()
        || whole("secretKeyRef")
        || whole("configMapKeyRef")
        || text(variable, "/valueFrom/fieldRef/fieldPath") == "metadata.name"
}

/// A module has its own credentials, and what is named of a rendering's own is there.
fn references(module: &Value, documents: &[Value]) -> Vec<String> {
    let name = text(module, "/metadata/name");
    let mut found = Vec::new();
    for variable in variables(module).1 {
        let secret = text(variable, "/valueFrom/secretKeyRef/name");
        if !secret.is_empty() && !secret.starts_with(&format!("{name}-")) {
            found.push(format!("it reads the Secret {secret}, which is not its own"));
        }
        let key = text(variable, "/valueFrom/secretKeyRef/key");
        let made = of_kind(documents, "Secret").any(|one| text(one, "/metadata/name") == secret);
        let has = of_kind(documents, "Secret")
            .filter(|one| text(one, "/metadata/name") == secret)
            .any(|one| one.pointer(&format!("/data/{key}")).is_some());
        if made && !has {
            found.push(format!("the Secret {secret} has no {key}"));
        }
        let map = text(variable, "/valueFrom/configMapKeyRef/name");
        let key = text(variable, "/valueFrom/configMapKeyRef/key");
        let has = of_kind(documents, "ConfigMap")
            .filter(|one| text(one, "/metadata/name") == map)
            .any(|one| !text(one, &format!("/data/{key}")).is_empty());
        if !map.is_empty() && !has {
            found.push(format!("there is no ConfigMap {map} with {key}"));
        }
    }
    found
}
