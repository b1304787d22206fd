//! What the environment says. Nothing else in the library reads it.

use std::fmt::Display;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use crate::broker::{Address, Certificates};
use crate::retry::Ladder;
use crate::telemetry::{LogFormat, Traces, check_filter};

/// 64 MiB.
const PUBLISH_IN_FLIGHT_BYTES: u32 = 67_108_864;
const CA_FILE: &str = "AMQP_CA_FILE";
const CERT_FILE: &str = "AMQP_CERT_FILE";
const KEY_FILE: &str = "AMQP_KEY_FILE";

/// How a service runs. [`Settings::from_env`] reads it from the environment; every value but the address has a default.
///
/// | variable | meaning | default |
/// |---|---|---|
/// | `AMQP_URL` | the broker, `amqp://user:password@host:5672/%2f` or `amqps://…` | none |
/// | `AMQP_CA_FILE` | with `amqps://`: who may sign the broker's certificate, as PEM, and nobody else then | this machine's authorities |
/// | `AMQP_CERT_FILE` | with `amqps://`: the certificate that the service shows to the broker, as PEM; by it alone it logs in with `amqps://host/vhost?auth_mechanism=external` | none |
/// | `AMQP_KEY_FILE` | the key of that certificate, as PEM. When these files change, the service connects anew with them | none |
/// | `ADMIN_ADDR` | where `/livez`, `/readyz` and `/metrics` are served | `127.0.0.1:9464` |
/// | `INSTANCE` | names this replica in the management UI: at most 60 of a-z, A-Z, 0-9, `.`, `_`, `-` | `<host>-<process id>` |
/// | `DRAIN_SECONDS` | how long a stopping service may finish what it has begun, 1 to 3600; closing takes at most 15 s more | 25 |
/// | `PUBLISH_TIMEOUT_MS` | how long a confirm is waited for, 100 to 600000 | 10000 |
/// | `PUBLISH_IN_FLIGHT` | how many messages may wait for their confirms, 1 to 65536 | 1024 |
/// | `PUBLISH_IN_FLIGHT_BYTES` | how many bytes they may have together, 65536 to 2147483648; the AMQP client holds a copy of what it has taken | 67108864 |
/// | `REQUEST_TIMEOUT_MS` | how long a reply is waited for, 1 to 600000 | 5000 |
/// | `REQUESTS_IN_FLIGHT` | how many requests may wait for their replies, 1 to 65536 | 1024 |
/// | `INBOX_HOURS` | how long it is remembered that a message was handled, 1 to 8760; longer than a message may be under way | 168 |
/// | `RETRY_LADDER_MS` | the delays between attempts, rising: `1000,5000,30000` | the service's own |
/// | `LOG_FORMAT` | `text` or `json` | `text` |
/// | `RUST_LOG` | which log lines are written, such as `debug,lapin=off` | `info`, without the AMQP client's own |
/// | `OTEL_EXPORTER_OTLP_ENDPOINT` | the OpenTelemetry collector, `http://host:4318`; further `OTEL_` variables are in `docs/kubernetes.md` | none, and no traces |
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The broker.
    pub address: Address,
    /// Who the broker has to be, and who this service is, where the address asks for TLS.
    pub certificates: Certificates,
    /// Where health and metrics are served.
    pub admin_addr: SocketAddr,
    /// Names this replica.
    pub instance: String,
    /// How long a stopping service may finish what it has begun.
    pub drain: Duration,
    /// How long a confirm is waited for.
    pub publish_timeout: Duration,
    /// How many messages may wait for their confirms.
    pub publish_in_flight: usize,
    /// How many bytes of messages may wait for their confirms.
    pub publish_in_flight_bytes: u32,
    /// How long a reply is waited for.
    pub request_timeout: Duration,
    /// How many requests may wait for their replies.
    pub requests_in_flight: usize,
    /// How long it is remembered that a message was handled.
    pub inbox_memory: Duration,
    /// Replaces the service's own ladder.
    pub ladder: Option<Ladder>,
    /// The form of the log.
    pub log_format: LogFormat,
    /// Which log lines are written. `None` is the default.
    pub log_filter: Option<String>,
    /// Where traces go. `None` means that there are none.
    pub traces: Option<Traces>,
    /// Who the collector of the traces has to be, and who this service is to it, where its URL begins with `https://`.
    pub collector_certificates: Certificates,
    /// What the environment says about traces and makes no sense.
    pub(super) doubts: Vec<String>,
}

/// A variable of the environment that is missing or makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {problem}")]
pub struct SettingsFault {
    variable: &'static str,
    problem: String,
}

impl Settings {
    /// Defaults around an address. The admin endpoint gets any free port of the loopback.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self {
            address,
            certificates: Certificates::default(),
            admin_addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            instance: default_instance(),
            drain: Duration::from_secs(25),
            publish_timeout: Duration::from_secs(10),
            publish_in_flight: 1024,
            publish_in_flight_bytes: PUBLISH_IN_FLIGHT_BYTES,
            request_timeout: Duration::from_secs(5),
            requests_in_flight: 1024,
            inbox_memory: Duration::from_secs(168 * 3600),
            ladder: None,
            log_format: LogFormat::Text,
            log_filter: None,
            traces: None,
            collector_certificates: Certificates::default(),
            doubts: Vec::new(),
        }
    }

    /// Whether what is to be encrypted is.
    pub(super) fn check_encryption(&self) -> Result<(), SettingsFault> {
        if !self.address.is_encrypted() && !self.certificates.is_empty() {
            let problem =
                format!("has no TLS, for which {CA_FILE} or {CERT_FILE} is set; write amqps://…, or unset those");
            return Err(SettingsFault { variable: "AMQP_URL", problem });
        }
        if self.address.is_external() && !self.certificates.has_own() {
            let problem = "is not set; auth_mechanism=external in AMQP_URL logs in by this certificate".to_owned();
            return Err(SettingsFault { variable: CERT_FILE, problem });
        }
        Ok(())
    }

    /// Reads the environment.
    ///
    /// # Errors
    ///
    /// Names every variable that is missing or makes no sense, and what to write there. No secret is repeated.
    pub fn from_env() -> Result<Self, Vec<SettingsFault>> {
        // What is not UTF-8 is shown as such by the reader that cannot read it.
        Self::read(&|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    /// Where the service answers that runs in the same environment.
    pub(super) fn admin_addr_from_env() -> Result<SocketAddr, Vec<SettingsFault>> {
        let mut faults = Vec::new();
        let variable = |name: &str| std::env::var(name).ok();
        let address = Reader { variable: &variable, faults: &mut faults }.admin_addr();
        if faults.is_empty() { Ok(address) } else { Err(faults) }
    }

    fn read(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<SettingsFault>> {
        let mut faults = Vec::new();
        let mut read = Reader { variable, faults: &mut faults };
        let address =
            read.address("AMQP_URL", "the broker's address, for example amqp://user:password@localhost:5672/%2f");
        let certificates = read.certificates();
        let admin_addr = read.admin_addr();
        let instance = read.instance();
        let drain = read.number("DRAIN_SECONDS", 25, 1..=3600);
        let publish_timeout = read.number("PUBLISH_TIMEOUT_MS", 10_000, 100..=600_000);
        let publish_in_flight = read.number("PUBLISH_IN_FLIGHT", 1024, 1..=65_536);
        let bytes = u64::from(PUBLISH_IN_FLIGHT_BYTES);
        let bytes = read.number("PUBLISH_IN_FLIGHT_BYTES", bytes, 65_536..=2_147_483_648);
        let request_timeout = read.number("REQUEST_TIMEOUT_MS", 5_000, 1..=600_000);
        let requests_in_flight = read.number("REQUESTS_IN_FLIGHT", 1024, 1..=65_536);
        let inbox_hours = read.number("INBOX_HOURS", 168, 1..=8760);
        let ladder = read.ladder();
        let log_format = read.log_format();
        let log_filter = read.log_filter();
        let collector_certificates = read.collector_certificates();
        let (traces, doubts) = Traces::read(variable);
        let Some(address) = address.filter(|_| faults.is_empty()) else { return Err(faults) };
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let settings = Self {
            address,
            certificates,
            admin_addr,
            instance,
            drain: Duration::from_secs(drain),
            publish_timeout: Duration::from_millis(publish_timeout),
            publish_in_flight: count(publish_in_flight),
            publish_in_flight_bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
            request_timeout: Duration::from_millis(request_timeout),
            requests_in_flight: count(requests_in_flight),
            inbox_memory: Duration::from_secs(inbox_hours * 3600),
            ladder,
            log_format,
            log_filter,
            traces,
            collector_certificates,
            doubts,
        };
        settings.check_encryption().map_err(|fault| vec![fault])?;
        Ok(settings)
    }
}

struct Reader<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    faults: &'a mut Vec<SettingsFault>,
}

impl Reader<'_> {
    fn admin_addr(&mut self) -> SocketAddr {
        let usual = SocketAddr::from(([127, 0, 0, 1], 9464));
        self.parsed("ADMIN_ADDR", usual, "give address and port, such as 0.0.0.0:9464")
    }

    fn fault(&mut self, variable: &'static str, problem: impl Display) {
        self.faults.push(SettingsFault { variable, problem: problem.to_string() });
    }

    fn address(&mut self, name: &'static str, what: &str) -> Option<Address> {
        match (self.variable)(name) {
            None => self.fault(name, format!("is not set; give {what}")),
            Some(text) => match Address::parse(&text) {
                Ok(address) => return Some(address),
                Err(problem) => self.fault(name, problem),
            },
        }
        None
    }

    fn certificates(&mut self) -> Certificates {
        let [authorities, certificate, key] = [CA_FILE, CERT_FILE, KEY_FILE]
            .map(|name| (self.variable)(name).map(|path| path.trim().to_owned()).filter(|path| !path.is_empty()));
        let mut certificates = Certificates::default();
        if let Some(authorities) = authorities {
            certificates = certificates.signed_by(authorities);
        }
        match (certificate, key) {
            (Some(certificate), Some(key)) => certificates = certificates.own(certificate, key),
            (Some(_), None) => self.fault(KEY_FILE, format!("is not set; give the key of {CERT_FILE}")),
            (None, Some(_)) => self.fault(CERT_FILE, format!("is not set; give the certificate of {KEY_FILE}")),
            (None, None) => {}
        }
        certificates
    }

    fn collector_certificates(&self) -> Certificates {
        let [authorities, certificate, key] = [
            "OTEL_EXPORTER_OTLP_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
            "OTEL_EXPORTER_OTLP_CLIENT_KEY",
        ]
        .map(|name| Traces::variable(self.variable, name));
        let certificates = Certificates::default();
        let certificates = authorities.map_or(certificates.clone(), |file| certificates.signed_by(file));
        certificate.zip(key).map_or(certificates.clone(), |(certificate, key)| certificates.own(certificate, key))
    }

    fn parsed<T: FromStr>(&mut self, name: &'static str, default: T, rule: &str) -> T {
        let Some(text) = (self.variable)(name) else { return default };
        text.trim().parse().unwrap_or_else(|_| {
            self.fault(name, format!("{text:?} cannot be read; {rule}"));
            default
        })
    }

    fn number(&mut self, name: &'static str, default: u64, range: std::ops::RangeInclusive<u64>) -> u64 {
        let rule = format!("give a whole number from {} to {}", range.start(), range.end());
        let number = self.parsed(name, default, &rule);
        if !range.contains(&number) {
            self.fault(name, format!("{number} is out of range; {rule}"));
        }
        number
    }

    fn instance(&mut self) -> String {
        let instance = (self.variable)("INSTANCE").unwrap_or_else(default_instance);
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        if instance.is_empty() || instance.len() > 60 || !instance.bytes().all(plain) {
            self.fault(
                "INSTANCE",
                format!("{instance:?} cannot stand in a queue's name; use 1 to 60 of a-z, A-Z, 0-9, ., _, -"),
            );
        }
        instance
    }

    fn ladder(&mut self) -> Option<Ladder> {
        let text = (self.variable)("RETRY_LADDER_MS")?;
        let steps: Result<Vec<u64>, _> = text.split(',').map(|step| step.trim().parse()).collect();
        let Ok(steps) = steps else {
            self.fault(
                "RETRY_LADDER_MS",
                format!("{text:?} cannot be read; give milliseconds such as 1000,5000,30000"),
            );
            return None;
        };
        Ladder::new(steps.into_iter().map(Duration::from_millis))
            .map_err(|fault| self.fault("RETRY_LADDER_MS", fault))
            .ok()
    }

    fn log_filter(&mut self) -> Option<String> {
        let filter = (self.variable)("RUST_LOG").filter(|filter| !filter.is_empty())?;
        if let Err(problem) = check_filter(&filter) {
            self.fault(
                "RUST_LOG",
                format!("{filter:?} cannot be read ({problem}); give levels such as info,orders=debug"),
            );
        }
        Some(filter)
    }

    fn log_format(&mut self) -> LogFormat {
        match (self.variable)("LOG_FORMAT").as_deref() {
            None | Some("text") => LogFormat::Text,
            Some("json") => LogFormat::Json,
            Some(other) => {
                self.fault("LOG_FORMAT", format!("{other:?} is unknown; give text or json"));
                LogFormat::Text
            }
        }
    }
}

/// The pod's or the machine's name, and the process.
fn default_instance() -> String {
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let plain = |c: &char| c.is_ascii_alphanumeric() || "._-".contains(*c);
    let host: String = host.trim().chars().filter(plain).take(40).collect();
    let host = if host.is_empty() { "instance".to_owned() } else { host };
    format!("{host}-{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, String> {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Settings::read(&find).map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn only_the_address_is_required() {
        let settings = read(&[("AMQP_URL", "amqp://orders:orders@localhost")]).unwrap();
        assert_eq!((settings.publish_in_flight, settings.drain.as_secs()), (1024, 25));
        assert_eq!(settings.publish_in_flight_bytes, 64 * 1024 * 1024);
    }

    #[test]
    fn whoever_names_a_certificate_has_tls_or_is_refused() {
        let plain = ("AMQP_URL", "amqp://orders:orders@localhost");
        let faults = read(&[plain, ("AMQP_CA_FILE", "/tls/ca.crt")]).unwrap_err();
        assert!(faults.contains("AMQP_URL: has no TLS") && faults.contains("write amqps://"), "{faults}");
        let faults = read(&[plain, ("AMQP_CERT_FILE", "/tls/tls.crt"), ("AMQP_KEY_FILE", "/tls/tls.key")]).unwrap_err();
        assert!(faults.contains("AMQP_URL: has no TLS"), "{faults}");
        let encrypted = ("AMQP_URL", "amqps://orders:orders@localhost");
        let settings = read(&[encrypted, ("AMQP_CA_FILE", "/tls/ca.crt")]).unwrap();
        assert_eq!(settings.certificates, Certificates::default().signed_by("/tls/ca.crt"));
    }

    #[test]
    fn certificate_and_key_belong_together_and_a_login_by_certificate_needs_them() {
        let encrypted = ("AMQP_URL", "amqps://localhost?auth_mechanism=external");
        let faults = read(&[encrypted]).unwrap_err();
        assert!(
            faults.contains("AMQP_CERT_FILE: is not set") && faults.contains("auth_mechanism=external"),
            "{faults}"
        );
        let faults = read(&[encrypted, ("AMQP_CERT_FILE", "a")]).unwrap_err();
        assert!(faults.contains("AMQP_KEY_FILE: is not set"), "{faults}");
        let faults = read(&[encrypted, ("AMQP_KEY_FILE", "b")]).unwrap_err();
        assert!(faults.contains("AMQP_CERT_FILE: is not set; give the certificate"), "{faults}");
        let settings = read(&[encrypted, ("AMQP_CERT_FILE", "a"), ("AMQP_KEY_FILE", "b")]).unwrap();
        assert_eq!(settings.certificates, Certificates::default().own("a", "b"));
    }

    #[test]
    fn every_fault_is_named_with_what_to_write() {
        let faults = read(&[
            ("ADMIN_ADDR", "here"),
            ("INSTANCE", "a b"),
            ("DRAIN_SECONDS", "0"),
            ("RETRY_LADDER_MS", "5,1"),
            ("LOG_FORMAT", "xml"),
            ("RUST_LOG", "orders=loud"),
        ])
        .unwrap_err();
        for expected in [
            "AMQP_URL: is not set",
            "ADMIN_ADDR",
            "INSTANCE",
            "DRAIN_SECONDS: 0 is out of range",
            "RETRY_LADDER_MS",
            "LOG_FORMAT",
            "RUST_LOG",
        ] {
            assert!(faults.contains(expected), "{expected} is missing in:\n{faults}");
        }
    }
}
