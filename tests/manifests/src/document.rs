//! A manifest as a value, and the way to its parts.

use serde_json::Value;

/// Reads the documents of a stream of YAML.
///
/// # Errors
/// The parser's own words.
pub fn parse(text: &str) -> Result<Vec<Value>, String> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).map_err(|error| error.to_string())?;
    Ok(documents.into_iter().filter(|document| !document.is_null()).collect())
}

/// What a document is.
#[must_use]
pub fn kind(document: &Value) -> &str {
    text(document, "/kind")
}

/// Its name.
#[must_use]
pub fn name(document: &Value) -> &str {
    text(document, "/metadata/name")
}

/// Its kind and name, for a message.
#[must_use]
pub fn title(document: &Value) -> String {
    format!("{} {}", kind(document), name(document))
}

/// The documents of one kind.
pub fn of_kind<'a>(documents: &'a [Value], wanted: &str) -> impl Iterator<Item = &'a Value> {
    documents.iter().filter(move |document| kind(document) == wanted)
}

/// The document of this kind and name.
#[must_use]
pub fn find<'a>(documents: &'a [Value], wanted: &str, called: &str) -> Option<&'a Value> {
    of_kind(documents, wanted).find(|document| name(document) == called)
}

/// A text at a path, empty when there is none.
#[must_use]
pub fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

/// A number at a path.
#[must_use]
pub fn number(value: &Value, path: &str) -> Option<i64> {
    value.pointer(path).and_then(Value::as_i64)
}

/// A list at a path, empty when there is none.
#[must_use]
pub fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    value.pointer(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The path to the template of a document's pods, if it makes any.
#[must_use]
pub fn pod_template(document: &Value) -> Option<&Value> {
    match kind(document) {
        "Pod" => Some(document),
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => document.pointer("/spec/template"),
        "CronJob" => document.pointer("/spec/jobTemplate/spec/template"),
        _ => None,
    }
}

/// The containers of a pod, those that run before it among them.
pub fn containers(template: &Value) -> impl Iterator<Item = &Value> {
    ["/spec/containers", "/spec/initContainers", "/spec/ephemeralContainers"]
        .into_iter()
        .flat_map(|path| list(template, path))
}

/// Whether these are the pods of a module.
#[must_use]
pub fn is_module(document: &Value) -> bool {
    kind(document) == "Deployment" && text(document, "/metadata/labels/app.kubernetes.io~1component") == "module"
}
