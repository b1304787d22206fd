//! What the services know: their settings and their metrics, read from their sources.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use crate::project::{MODULES, crate_of, read};

/// The variables that every service reads.
const SETTINGS: &str = "framework/garenne/src/service/settings.rs";
const TRACES: &str = "framework/garenne/src/telemetry/traces.rs";
/// Where metrics are registered.
const METRICS: [&str; 3] = [
    "framework/garenne/src/telemetry/metrics.rs",
    "framework/garenne/src/telemetry/reading.rs",
    "framework/garenne/src/telemetry/spans.rs",
];

/// The variables of the environment that a module reads.
#[must_use]
pub fn settings_of(module: &str) -> BTreeSet<String> {
    static OF_LIBRARY: OnceLock<BTreeSet<String>> = OnceLock::new();
    let of_library =
        OF_LIBRARY.get_or_init(|| [SETTINGS, TRACES].iter().flat_map(|path| variables(&read(path))).collect());
    of_library.union(own_settings_of(module)).cloned().collect()
}

/// The variables of its own that a module reads.
///
/// # Panics
/// When there is no such module.
#[must_use]
pub fn own_settings_of(module: &str) -> &'static BTreeSet<String> {
    static OF_MODULES: OnceLock<BTreeMap<&str, BTreeSet<String>>> = OnceLock::new();
    let of = |module| (module, variables(&read(&format!("{}/src/config.rs", crate_of(module)))));
    &OF_MODULES.get_or_init(|| MODULES.into_iter().map(of).collect())[module]
}

/// How many seconds closing may take once the drain is over.
///
/// # Panics
/// When the library no longer says it.
#[must_use]
pub fn closing_seconds() -> i64 {
    let text = read("framework/garenne/src/service/running.rs");
    let (_, rest) = text.split_once("const GRACE: Duration = Duration::from_secs(").expect("the time for closing");
    rest.split(')').next().and_then(|number| number.parse().ok()).expect("a number of seconds")
}

/// How many connections the pool of one replica may open to a database server.
///
/// # Panics
/// When the library no longer says it.
#[must_use]
pub fn connections_of_a_replica() -> i64 {
    let text = read("framework/garenne/src/store/store.rs");
    let (_, rest) = text.split_once("const SERVER_CONNECTIONS: u32 = ").expect("the store says how many connections");
    rest.split(';').next().and_then(|number| number.parse().ok()).expect("a number of connections")
}

/// The names under which Prometheus has the library's metrics.
///
/// # Panics
/// When a registration cannot be read.
#[must_use]
pub fn metrics() -> &'static BTreeSet<String> {
    static FOUND: OnceLock<BTreeSet<String>> = OnceLock::new();
    FOUND.get_or_init(|| METRICS.iter().flat_map(|path| metrics_in(&read(path))).collect())
}

fn metrics_in(text: &str) -> Vec<String> {
    let text: String = text.split("#[cfg(test)]").next().unwrap_or_default().split_whitespace().collect();
    let mut types = BTreeMap::new();
    for field in text.split([',', '{', '(']) {
        if let Some((name, kind)) = field.split_once(':') {
            for known in ["Counter", "Gauge", "Histogram"] {
                // A family's kind of metric is its second word, after the comma.
                if kind == known {
                    types.insert(name.to_owned(), known);
                }
            }
        }
    }
    for family in text.split(":Family<").collect::<Vec<_>>().windows(2) {
        let name = family[0].rsplit([',', '{']).next().unwrap_or_default().to_owned();
        let kind = family[1].split([',', '>']).nth(1).unwrap_or_default();
        for known in ["Counter", "Gauge", "Histogram"] {
            if kind == known {
                types.insert(name.clone(), known);
            }
        }
    }
    let mut found = Vec::new();
    for registration in text.split("registry.register").skip(1).filter(|part| !part.starts_with("(registry")) {
        let (call, _) = registration.split_once(");").expect("a call ends");
        let name = call.split('"').nth(1).unwrap_or_default();
        let unit = [("Unit::Seconds", "_seconds"), ("Unit::Bytes", "_bytes")];
        let unit = unit.iter().find(|(word, _)| call.contains(word)).map_or("", |(_, suffix)| suffix);
        let argument = call.rsplit(',').next().unwrap_or_default().trim_end_matches(".clone()");
        let field = argument.rsplit('.').next().unwrap_or_default();
        // A clone that stands before the call under a name of its own.
        let let_bound = text.split(&format!("let{field}=")).nth(1).and_then(|rest| rest.split(".clone()").next());
        let field = let_bound
            .filter(|_| !argument.contains('.'))
            .map_or(field, |whole| whole.rsplit('.').next().unwrap_or_default());
        let base = format!("garenne_{name}{unit}");
        match types.get(field) {
            Some(&"Counter") => found.push(format!("{base}_total")),
            Some(&"Gauge") => found.push(base),
            Some(_) => found.extend(["_bucket", "_count", "_sum"].map(|part| format!("{base}{part}"))),
            None => panic!("what kind of metric is {name}? Its registration ends with {argument}"),
        }
    }
    found
}

fn variables(text: &str) -> BTreeSet<String> {
    strings(text).into_iter().filter(|text| is_variable(text)).collect()
}

/// What stands between quotation marks.
fn strings(text: &str) -> Vec<String> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split('"').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

fn is_variable(text: &str) -> bool {
    text.len() > 3 && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_of_a_module_are_the_librarys_and_its_own() {
        let storefront = settings_of("storefront");
        for name in ["AMQP_URL", "DRAIN_SECONDS", "HTTP_ADDR"] {
            assert!(storefront.contains(name), "{name} is missing in {storefront:?}");
        }
        assert!(!settings_of("orders").contains("HTTP_ADDR") && !storefront.contains("DATABASE_URL"));
        assert!(own_settings_of("notifications").contains("SMTP_URL"));
    }

    #[test]
    fn what_is_told_of_the_time_for_closing_is_what_a_service_takes() {
        let told = format!("closing takes at most {} s more", closing_seconds());
        assert!(read(SETTINGS).contains(&told), "nobody is told that {told}");
        let told = format!("`DRAIN_SECONDS`, {} s for closing", closing_seconds());
        assert!(read("docs/kubernetes.md").contains(&told), "nobody is told of {told}");
    }

    #[test]
    fn metrics_have_the_names_that_prometheus_sees() {
        let metrics = metrics();
        for name in [
            "garenne_published_total",
            "garenne_handler_seconds_bucket",
            "garenne_in_flight",
            "garenne_outbox_age_seconds",
            "garenne_publish_in_flight_bytes",
            "garenne_sent_again_total",
            "garenne_log_age_seconds",
        ] {
            assert!(metrics.contains(name), "{name} is missing in {metrics:#?}");
        }
        assert!(!metrics.contains("garenne_published"), "a counter ends with _total");
        assert!(metrics.len() > 30, "{metrics:?}");
    }
}
