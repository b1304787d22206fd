//! What the environment says about traces, by the rules and the names of the OpenTelemetry specification.

use std::collections::BTreeMap;
use std::time::Duration;

use hyper::Uri;
use hyper::header::{HeaderName, HeaderValue};

use super::sampler::Sampler;

/// How traces are exported: by OTLP over HTTP, to the collector at [`Traces::to`].
///
/// ```
/// use garenne::Traces;
///
/// let traces = Traces::to("http://localhost:4318/v1/traces").unwrap().with_resource("deployment.environment.name", "staging");
/// assert!(Traces::to("localhost:4318").is_err());
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Traces {
    pub(super) endpoint: Uri,
    /// Of every request. Their values are not shown, since they may hold a key.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// For one attempt.
    pub(super) timeout: Duration,
    pub(super) sampler: Sampler,
    /// What is known about who makes the spans, besides what the service knows itself.
    pub(super) resource: BTreeMap<String, String>,
    /// How long spans wait for others to go with.
    pub(super) delay: Duration,
    /// So many may wait.
    pub(super) limit: usize,
    /// So many go together.
    pub(super) batch: usize,
}

impl Traces {
    /// To the collector that takes traces at this URL, as `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` has it: `http://host:4318/v1/traces`.
    ///
    /// # Errors
    ///
    /// When it is no `http://` or `https://` URL.
    pub fn to(endpoint: &str) -> Result<Self, String> {
        let wrong =
            |reason: &str| format!("is no URL of a collector ({reason}); give one such as http://localhost:4318");
        let endpoint = endpoint.trim().parse::<Uri>().map_err(|error| wrong(&format!("{error}")))?;
        let authority = endpoint.authority().ok_or_else(|| wrong("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(wrong("a user and password go into OTEL_EXPORTER_OTLP_HEADERS, as authorization=Basic%20…"));
        }
        if !matches!(endpoint.scheme_str(), Some("http" | "https")) {
            return Err(wrong("it begins with neither http:// nor https://"));
        }
        Ok(Self {
            endpoint,
            headers: Vec::new(),
            timeout: Duration::from_secs(10),
            sampler: Sampler::default(),
            resource: BTreeMap::new(),
            delay: Duration::from_secs(5),
            limit: 2048,
            batch: 512,
        })
    }

    /// Says more about the service: an attribute of its resource.
    #[must_use]
    pub fn with_resource(mut self, attribute: impl Into<String>, value: impl Into<String>) -> Self {
        self.resource.insert(attribute.into(), value.into());
        self
    }

    /// Exports at least so often, 5 s if nothing is said.
    #[must_use]
    pub fn every(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// A variable of the exporter. What is said for traces alone goes before what is said for all signals.
    pub(crate) fn variable(variable: &dyn Fn(&str) -> Option<String>, name: &str) -> Option<String> {
        text(variable, &name.replacen("_OTLP_", "_OTLP_TRACES_", 1)).or_else(|| text(variable, name))
    }

    /// What these variables say. `None` when there shall be no traces. What makes no sense is told, and the default holds: by the
    /// specification no service fails over how it is observed.
    pub(crate) fn read(variable: &dyn Fn(&str) -> Option<String>) -> (Option<Self>, Vec<String>) {
        let mut reader = Reader { variable, doubts: Vec::new() };
        let traces = reader.traces();
        (traces, reader.doubts)
    }
}

/// An empty one is as none.
fn text(variable: &dyn Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    variable(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

struct Reader<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    doubts: Vec<String>,
}

impl Reader<'_> {
    fn traces(&mut self) -> Option<Traces> {
        if self.text("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true")) {
            return None;
        }
        let (name, endpoint) = match self.text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
            Some(endpoint) => ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint),
            None => {
                let base = self.text("OTEL_EXPORTER_OTLP_ENDPOINT")?;
                ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("{}/v1/traces", base.trim_end_matches('/')))
            }
        };
        match self.text("OTEL_TRACES_EXPORTER").as_deref() {
            None | Some("otlp") => {}
            Some("none") => return None,
            Some(other) => self.doubt("OTEL_TRACES_EXPORTER", other, "is unknown; otlp or none. otlp is used"),
        }
        let mut traces = match Traces::to(&endpoint) {
            Ok(traces) => traces,
            Err(problem) => {
                // It may hold a password or a key, so it is not shown.
                self.doubts.push(format!("{name}: {problem}. There are no traces"));
                return None;
            }
        };
        if let Some(other) =
            self.of_exporter("OTEL_EXPORTER_OTLP_PROTOCOL").filter(|protocol| protocol != "http/protobuf")
        {
            self.doubt(
                "OTEL_EXPORTER_OTLP_PROTOCOL",
                &other,
                "is not supported; http/protobuf is used, mostly at port 4318",
            );
        }
        if let Some(other) =
            self.of_exporter("OTEL_EXPORTER_OTLP_COMPRESSION").filter(|compression| compression != "none")
        {
            self.doubt("OTEL_EXPORTER_OTLP_COMPRESSION", &other, "is not supported; nothing is compressed");
        }
        if let Some(headers) = self.of_exporter("OTEL_EXPORTER_OTLP_HEADERS") {
            traces.headers = self.headers(&headers);
        }
        if let Some(timeout) = self.of_exporter("OTEL_EXPORTER_OTLP_TIMEOUT") {
            traces.timeout = self.milliseconds("OTEL_EXPORTER_OTLP_TIMEOUT", &timeout, traces.timeout);
        }
        if let Some(delay) = self.text("OTEL_BSP_SCHEDULE_DELAY") {
            traces.delay = self.milliseconds("OTEL_BSP_SCHEDULE_DELAY", &delay, traces.delay);
        }
        traces.limit = self.count("OTEL_BSP_MAX_QUEUE_SIZE", traces.limit);
        traces.batch = self.count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", traces.batch).min(traces.limit);
        traces.sampler = self.sampler();
        if let Some(attributes) = self.text("OTEL_RESOURCE_ATTRIBUTES") {
            traces.resource = self.pairs("OTEL_RESOURCE_ATTRIBUTES", &attributes).into_iter().collect();
        }
        if let Some(name) = self.text("OTEL_SERVICE_NAME") {
            traces = traces.with_resource("service.name", name);
        }
        Some(traces)
    }

    fn text(&self, name: &str) -> Option<String> {
        text(self.variable, name)
    }

    fn of_exporter(&self, name: &str) -> Option<String> {
        Traces::variable(self.variable, name)
    }

    fn doubt(&mut self, name: &str, text: &str, problem: &str) {
        self.doubts.push(format!("{name}: {text:?} {problem}"));
    }

    /// What is no header is told by its place: a key whose header was forgotten stands where the name belongs.
    fn headers(&mut self, text: &str) -> Vec<(HeaderName, HeaderValue)> {
        const NAME: &str = "OTEL_EXPORTER_OTLP_HEADERS";
        let mut headers = Vec::new();
        for (place, (name, value)) in (1..).zip(self.pairs(NAME, text)) {
            match (HeaderName::try_from(&name), HeaderValue::try_from(value)) {
                (Ok(name), Ok(mut value)) => {
                    value.set_sensitive(true);
                    headers.push((name, value));
                }
                _ => self.doubts.push(format!("{NAME}: number {place} is no header and is left out; give name=value")),
            }
        }
        headers
    }

    fn sampler(&mut self) -> Sampler {
        const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";
        let argument = self
            .text(ARGUMENT)
            .filter(|_| self.text("OTEL_TRACES_SAMPLER").is_some_and(|name| name.ends_with("ratio")));
        let ratio = argument.and_then(|text| {
            let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
            if ratio.is_none() {
                self.doubt(ARGUMENT, &text, "is no number from 0 to 1; 1 is used");
            }
            ratio
        });
        let Some(name) = self.text("OTEL_TRACES_SAMPLER") else { return Sampler::default() };
        Sampler::named(&name, ratio.unwrap_or(1.0)).unwrap_or_else(|| {
            let problem = format!("is unknown; give {}. parentbased_always_on is used", Sampler::NAMES);
            self.doubt("OTEL_TRACES_SAMPLER", &name, &problem);
            Sampler::default()
        })
    }

    fn milliseconds(&mut self, name: &str, text: &str, default: Duration) -> Duration {
        match text.parse().ok().filter(|milliseconds| (1..=3_600_000).contains(milliseconds)) {
            Some(milliseconds) => Duration::from_millis(milliseconds),
            None => {
                let problem =
                    format!("is no number of milliseconds from 1 to 3600000; {} is used", default.as_millis());
                self.doubt(name, text, &problem);
                default
            }
        }
    }

    fn count(&mut self, name: &str, default: usize) -> usize {
        let Some(text) = self.text(name) else { return default };
        text.parse().ok().filter(|count| (1..=65_536).contains(count)).unwrap_or_else(|| {
            self.doubt(name, &text, &format!("is no whole number from 1 to 65536; {default} is used"));
            default
        })
    }

    /// `name=value,name=value`, of which anything may be written as `%20`. By the specification all of it is left out when a part
    /// cannot be read; it may hold a key, so it is not shown.
    fn pairs(&mut self, name: &str, text: &str) -> Vec<(String, String)> {
        let pair = |part: &str| {
            let (key, value) = part.split_once('=')?;
            Some((plain(key.trim())?, plain(value.trim())?)).filter(|(key, _)| !key.is_empty())
        };
        let pairs: Option<Vec<_>> = text.split(',').filter(|part| !part.trim().is_empty()).map(pair).collect();
        pairs.unwrap_or_else(|| {
            self.doubts.push(format!(
                "{name}: cannot be read and is left out; give name=value,name=value, and write a comma as %2C"
            ));
            Vec::new()
        })
    }
}

/// Reads `%20` and its like.
fn plain(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        let digits = others.get(..2).filter(|_| *first == b'%');
        match digits {
            Some(digits) => {
                let digits =
                    std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                rest = &others[2..];
            }
            None if *first == b'%' => return None,
            None => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> (Option<Traces>, Vec<String>) {
        Traces::read(&|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");

    #[test]
    fn without_an_endpoint_there_are_no_traces_and_neither_when_they_are_switched_off() {
        assert_eq!(read(&[("OTEL_SERVICE_NAME", "orders")]), (None, Vec::new()));
        assert_eq!(read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]), (None, Vec::new()));
        assert_eq!(read(&[ENDPOINT, ("OTEL_SDK_DISABLED", "True")]), (None, Vec::new()));
        assert_eq!(read(&[ENDPOINT, ("OTEL_TRACES_EXPORTER", "none")]), (None, Vec::new()));
    }

    #[test]
    fn the_endpoint_of_all_signals_gets_a_path_and_that_of_traces_is_taken_as_it_is() {
        let endpoint = |variables: &[_]| read(variables).0.unwrap().endpoint.to_string();
        assert_eq!(endpoint(&[ENDPOINT]), "http://collector:4318/v1/traces");
        let of_traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://traces.example.org/in?key=1");
        assert_eq!(endpoint(&[ENDPOINT, of_traces]), of_traces.1);
    }

    #[test]
    fn every_variable_says_what_the_specification_says() {
        let (traces, doubts) = read(&[
            ENDPOINT,
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20YWRhOmFkYQ==, x-tenant = shop"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "250"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            ("OTEL_BSP_SCHEDULE_DELAY", "100"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "64"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "512"),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop,deployment.environment.name=a%2Cb"),
            ("OTEL_SERVICE_NAME", "orders"),
        ]);
        assert_eq!(doubts, Vec::<String>::new());
        let traces = traces.unwrap();
        let headers: Vec<_> = traces.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        assert_eq!(headers, [("authorization", b"Basic YWRhOmFkYQ==".as_slice()), ("x-tenant", b"shop")]);
        assert_eq!((traces.timeout.as_millis(), traces.delay.as_millis()), (250, 100));
        assert_eq!((traces.limit, traces.batch), (64, 64));
        assert_eq!(Some(traces.sampler), Sampler::named("parentbased_traceidratio", 0.25));
        assert_eq!(traces.resource["service.name"], "orders");
        assert_eq!(traces.resource["deployment.environment.name"], "a,b");
        assert!(!format!("{traces:?}").contains("YWRh"), "a key is not shown");
    }

    #[test]
    fn what_makes_no_sense_is_told_with_what_to_write_and_the_default_holds() {
        let (traces, doubts) = read(&[
            ENDPOINT,
            ("OTEL_TRACES_EXPORTER", "zipkin"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=%zz-secret"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "2"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name"),
        ]);
        let traces = traces.unwrap();
        let defaults = Traces::to("http://collector:4318/v1/traces").unwrap();
        assert_eq!(Traces { sampler: Sampler::default(), ..traces }, defaults);
        let doubts = doubts.join("\n");
        for expected in [
            "OTEL_TRACES_EXPORTER: \"zipkin\" is unknown",
            "OTEL_EXPORTER_OTLP_PROTOCOL: \"grpc\" is not supported; http/protobuf is used",
            "OTEL_EXPORTER_OTLP_COMPRESSION",
            "OTEL_EXPORTER_OTLP_HEADERS: cannot be read",
            "OTEL_EXPORTER_OTLP_TIMEOUT: \"soon\" is no number of milliseconds",
            "OTEL_BSP_MAX_QUEUE_SIZE: \"0\" is no whole number from 1",
            "OTEL_TRACES_SAMPLER_ARG: \"2\" is no number from 0 to 1",
            "OTEL_RESOURCE_ATTRIBUTES: cannot be read",
        ] {
            assert!(doubts.contains(expected), "{expected} is missing in:\n{doubts}");
        }
        assert!(!doubts.contains("secret"), "{doubts}");
        let (traces, doubts) = read(&[ENDPOINT, ("OTEL_TRACES_SAMPLER", "sometimes")]);
        assert_eq!(traces.unwrap().sampler, Sampler::default());
        assert!(doubts[0].contains("sometimes") && doubts[0].contains("parentbased_always_on"), "{doubts:?}");
    }

    #[test]
    fn an_address_that_is_none_is_told_without_the_password_or_key_that_it_may_hold() {
        let in_words = "http://ada:s3cret @collector";
        for wrong in
            ["s3cret@collector:4318", "ftp://collector?key=s3cret", "http://ada:s3cret@collector", in_words, "http://"]
        {
            for name in ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"] {
                let (traces, doubts) = read(&[(name, wrong)]);
                assert_eq!(traces, None);
                let [doubt] = doubts.as_slice() else { panic!("one for {wrong}: {doubts:?}") };
                assert!(doubt.starts_with(&format!("{name}: ")) && doubt.contains("There are no traces"), "{doubt}");
                assert!(!doubt.contains("s3cret"), "{doubt}");
            }
        }
    }

    #[test]
    fn a_key_that_stands_in_place_of_a_headers_name_is_not_shown() {
        for wrong in ["Basic s3cret==", "authorization: Basic s3cret=", "x-key=s3cret%0A"] {
            let (traces, doubts) = read(&[ENDPOINT, ("OTEL_EXPORTER_OTLP_HEADERS", &format!("x-tenant=shop,{wrong}"))]);
            assert_eq!(traces.unwrap().headers.len(), 1, "{wrong}");
            let [doubt] = doubts.as_slice() else { panic!("one for {wrong}: {doubts:?}") };
            assert!(doubt.contains("OTEL_EXPORTER_OTLP_HEADERS: number 2 is no header"), "{doubt}");
            assert!(!doubt.contains("s3cret"), "{doubt}");
        }
    }
}
