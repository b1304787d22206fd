//! The command line.

use std::collections::BTreeMap;
use std::str::FromStr;

use lexopt::prelude::{Long, Short, Value};
use lexopt::{Error, Parser, ValueExt};
use rabbitmq_node::{BrokerChoice, Profile};

use crate::bench::{self, BenchOptions};
use crate::chaos::{self, ChaosOptions};
use crate::pods::{self, PodsOptions};
use crate::test::SuiteName;

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(crate) enum Task {
    Help,
    Up(UpOptions),
    Test(TestOptions),
    Chaos(ChaosOptions),
    Pods(PodsOptions),
    Bench(BenchOptions),
    Definitions { check: bool },
}

/// How `up` runs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct UpOptions {
    /// Services of which there is not exactly one.
    pub(crate) replicas: BTreeMap<String, usize>,
    /// 0 starts no shoppers.
    pub(crate) orders_per_second: f64,
    pub(crate) release: bool,
    pub(crate) keep_data: bool,
    pub(crate) broker_only: bool,
    /// `None` leaves it to `AMQP_URL`, then to this machine's package.
    pub(crate) broker: Option<BrokerChoice>,
}

/// What `test` runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TestOptions {
    /// Empty means every suite.
    pub(crate) only: Vec<SuiteName>,
    /// `None` is this machine's package, and in a pipeline the core of the suites on another release too.
    pub(crate) broker: Option<BrokerChoice>,
    /// Where a given broker's management API is, when it is not at its usual place.
    pub(crate) management_url: Option<String>,
    /// Whether end-to-end runs on three nodes instead of one.
    pub(crate) cluster: bool,
    /// Whose behaviour the node of end-to-end has.
    pub(crate) profile: Profile,
    /// For the test programs.
    pub(crate) arguments: Vec<String>,
}

impl Default for UpOptions {
    fn default() -> Self {
        Self {
            replicas: BTreeMap::new(),
            orders_per_second: 1.0,
            release: false,
            keep_data: false,
            broker_only: false,
            broker: None,
        }
    }
}

/// Reads the whole command line.
pub(crate) fn parse(mut parser: Parser) -> Result<Task, Error> {
    match parser.next()? {
        None | Some(Long("help") | Short('h')) => Ok(Task::Help),
        Some(Value(name)) => match name.string()?.as_str() {
            "help" => Ok(Task::Help),
            "up" => parse_up(parser),
            "test" => parse_test(parser),
            "chaos" => chaos::parse(parser),
            "pods" => pods::parse(parser),
            "bench" => bench::parse(parser),
            "definitions" => parse_definitions(parser),
            unknown => {
                Err(format!("there is no task `{unknown}`; tasks are up, test, chaos, pods, bench and definitions")
                    .into())
            }
        },
        Some(other) => Err(other.unexpected()),
    }
}

fn parse_up(mut parser: Parser) -> Result<Task, Error> {
    let mut options = UpOptions::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(Task::Help),
            Long("release") => options.release = true,
            Long("keep-data") => options.keep_data = true,
            Long("broker-only") => options.broker_only = true,
            Long("broker") => options.broker = Some(parser.value()?.parse_with(BrokerChoice::from_str)?),
            Long("orders-per-second") => options.orders_per_second = parser.value()?.parse_with(rate)?,
            Long("replicas") => {
                let (service, count) = parser.value()?.parse_with(replicas)?;
                options.replicas.insert(service, count);
            }
            other => return Err(other.unexpected()),
        }
    }
    Ok(Task::Up(options))
}

fn parse_test(mut parser: Parser) -> Result<Task, Error> {
    let mut options = TestOptions::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(Task::Help),
            Long("only") => options.only.push(parser.value()?.parse_with(SuiteName::from_str)?),
            Long("broker") => options.broker = Some(parser.value()?.parse_with(BrokerChoice::from_str)?),
            Long("cluster") => options.cluster = true,
            Long("profile") => options.profile = parser.value()?.parse_with(Profile::from_str)?,
            Long("management-url") => options.management_url = Some(parser.value()?.string()?),
            // The first free value stands behind `--`: no suite is named without `--only`.
            Value(first) => {
                options.arguments.push(first.string()?);
                for rest in parser.raw_args()? {
                    options.arguments.push(rest.string()?);
                }
            }
            other => return Err(other.unexpected()),
        }
    }
    let given = options.broker.as_ref().and_then(BrokerChoice::given).is_some();
    if options.management_url.is_some() && !given {
        return Err("--management-url belongs to --broker amqp://…: a node of our own is known".into());
    }
    check_cluster(options.cluster, options.broker.as_ref())?;
    if options.profile != Profile::Usual && (given || options.cluster) {
        return Err(
            "--profile belongs to a single node of our own: neither to --cluster nor to --broker amqp://…".into()
        );
    }
    Ok(Task::Test(options))
}

/// Whether the nodes of a cluster can be started.
pub(crate) fn check_cluster(cluster: bool, broker: Option<&BrokerChoice>) -> Result<(), Error> {
    if cluster && broker.is_some_and(|broker| broker.given().is_some()) {
        return Err("--cluster starts nodes of our own, and --broker amqp://… is somebody else's".into());
    }
    Ok(())
}

fn parse_definitions(mut parser: Parser) -> Result<Task, Error> {
    let mut check = false;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(Task::Help),
            Long("check") => check = true,
            other => return Err(other.unexpected()),
        }
    }
    Ok(Task::Definitions { check })
}

fn rate(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| *number == 0.0 || (0.01..=1000.0).contains(number));
    number.ok_or_else(|| format!("`{text}` is not a number from 0.01 to 1000, nor 0"))
}

fn replicas(text: &str) -> Result<(String, usize), String> {
    let parts = text.split_once('=').and_then(|(service, count)| Some((service, count.parse().ok()?)));
    match parts {
        Some((service, count)) if !service.is_empty() && (1..=20).contains(&count) => Ok((service.to_owned(), count)),
        _ => Err(format!("`{text}` is not <service>=<count from 1 to 20>, such as inventory=3")),
    }
}

#[cfg(test)]
mod tests {
    use rabbitmq_node::Profile;

    use super::{Task, TestOptions, UpOptions, parse};
    use crate::test::SuiteName;

    fn read(line: &str) -> Result<Task, String> {
        parse(lexopt::Parser::from_args(line.split_whitespace())).map_err(|error| error.to_string())
    }

    #[test]
    fn no_task_and_help_anywhere_are_help() {
        for line in [
            "",
            "--help",
            "help",
            "up --help",
            "test -h",
            "chaos --help",
            "pods -h",
            "bench --help",
            "definitions --help",
        ] {
            assert_eq!(read(line), Ok(Task::Help), "{line}");
        }
    }

    #[test]
    fn every_command_that_the_documents_name_is_understood() {
        let mut found = 0;
        for file in [
            "README.md",
            "ARCHITECTURE.md",
            "docs/aws.md",
            "docs/interop.md",
            "docs/kubernetes.md",
            "docs/reliability.md",
            "fuzz/README.md",
        ] {
            let text = std::fs::read_to_string(crate::workspace::root().join(file)).unwrap();
            for line in text.lines().flat_map(|line| line.split("cargo xtask ").skip(1)) {
                let command = line.split(['`', '#', ',', '|']).next().unwrap_or_default().trim().replace('…', "");
                assert!(read(&command).is_ok(), "{file}: cargo xtask {command}: {:?}", read(&command));
                found += 1;
            }
        }
        assert!(found >= 12, "{found} commands");
    }

    #[test]
    fn a_profile_is_of_a_single_node_of_our_own() {
        let options = TestOptions { profile: Profile::AmazonMq, ..TestOptions::default() };
        assert_eq!(read("test --profile amazon-mq"), Ok(Task::Test(options)));
        assert!(read("test --profile aws").unwrap_err().contains("amazon-mq"));
        for more in ["--cluster", "--broker amqp://there"] {
            let refused = read(&format!("test --profile amazon-mq {more}")).unwrap_err();
            assert!(refused.contains("--profile belongs to"), "{refused}");
        }
    }

    #[test]
    fn up_takes_replicas_and_a_rate() {
        let options = UpOptions {
            replicas: [("inventory".to_owned(), 3), ("orders".to_owned(), 2)].into(),
            orders_per_second: 0.0,
            keep_data: true,
            ..UpOptions::default()
        };
        let line = "up --replicas inventory=3 --replicas=orders=2 --orders-per-second 0 --keep-data";
        assert_eq!(read(line), Ok(Task::Up(options)));
    }

    #[test]
    fn test_takes_suites_and_hands_on_the_rest() {
        let options = TestOptions {
            only: vec![SuiteName::EndToEnd],
            arguments: vec!["chaos".to_owned(), "--nocapture".to_owned()],
            ..TestOptions::default()
        };
        assert_eq!(read("test --only end-to-end -- chaos --nocapture"), Ok(Task::Test(options)));
    }

    #[test]
    fn the_broker_is_a_release_or_an_address() {
        let options = UpOptions { broker: Some("4.0".parse().unwrap()), ..UpOptions::default() };
        assert_eq!(read("up --broker 4.0"), Ok(Task::Up(options)));
        let options = TestOptions {
            broker: Some("amqp://me:secret@there/%2f".parse().unwrap()),
            management_url: Some("http://there:8080".to_owned()),
            ..TestOptions::default()
        };
        let line = "test --broker amqp://me:secret@there/%2f --management-url http://there:8080";
        assert_eq!(read(line), Ok(Task::Test(options)));
    }

    #[test]
    fn the_suites_run_on_a_cluster_too() {
        let options = TestOptions { cluster: true, ..TestOptions::default() };
        assert_eq!(read("test --cluster"), Ok(Task::Test(options)));
    }

    #[test]
    fn mistakes_are_named() {
        for (line, words) in [
            ("fly", "no task `fly`"),
            ("up --fast", "--fast"),
            ("up --replicas inventory=0", "inventory=0"),
            ("up --replicas inventory", "such as inventory=3"),
            ("up --orders-per-second many", "`many` is not a number"),
            ("up --orders-per-second", "missing argument"),
            ("up --broker 5", "3.10, 4.0, 4.3"),
            ("test --only everything", "everything"),
            ("test --broker amqp://there --cluster", "--cluster"),
            ("test --broker 4.0 --management-url http://there:8080", "--management-url"),
            ("definitions --force", "--force"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(words), "{line}: {error}");
        }
    }
}
