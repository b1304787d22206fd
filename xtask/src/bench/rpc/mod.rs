//! `cargo xtask bench rpc`: what a request and its reply cost by the library, and by the AMQP client alone.
//!
//! Both sides of each way are processes of the program `rpc-peer` (`tests/peer`), built optimised, on one private node, each way
//! with a virtual host of its own. They are loaded in turns, so that whatever else the machine does hits both alike. Each round has
//! processes of its own, since two of the same program may differ by several percent for as long as they live.

mod peer;
mod table;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use lexopt::prelude::{Long, Short};
use lexopt::{Error, Parser, ValueExt};
use rabbitmq_node::{ADMINISTRATOR, BrokerChoice, Node, NodeOptions};
use serde_json::json;

use super::own_broker;
use crate::claim::Claim;
use crate::failure::Failure;
use crate::{build, workspace};
use peer::{Load, Pair};
use table::{Round, Table};

/// Calls under way at once.
const IN_FLIGHT: [u32; 2] = [1, 64];
/// By the library; directly, with the same messages and connections; and directly with one connection and messages that have no
/// property but those that the exchange needs.
const WAYS: [&str; 3] = ["library", "direct", "bare"];

/// In which order they take turns.
const ORDERS: [[usize; WAYS.len()]; 6] = [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1], [2, 0, 1], [1, 0, 2]];
/// In seconds.
const WARM_UP: f64 = 0.5;

/// What is measured, and for how long.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RpcOptions {
    pub(crate) rounds: u32,
    /// Of each way in each round.
    pub(crate) seconds: f64,
    pub(crate) broker: BrokerChoice,
}

impl Default for RpcOptions {
    fn default() -> Self {
        Self { rounds: 12, seconds: 2.0, broker: BrokerChoice::default() }
    }
}

/// Reads what stands after `bench rpc`. `None` asks for help.
pub(super) fn parse(mut parser: Parser) -> Result<Option<RpcOptions>, Error> {
    let mut options = RpcOptions::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(None),
            Long("rounds") => options.rounds = parser.value()?.parse_with(|text| number(text, 1, 1000))?,
            Long("seconds") => options.seconds = parser.value()?.parse_with(|text| number(text, 1, 600))?.into(),
            Long("broker") => options.broker = parser.value()?.parse_with(own_broker)?,
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(options))
}

/// Measures, and prints a table.
pub(crate) fn run(options: &RpcOptions) -> Result<ExitCode, Failure> {
    let installation = options.broker.installation(&workspace::brokers(), &mut |line| println!("{line}"))?;
    build::run(&mut build::cargo(&["build", "--release", "--package", "tests", "--bin", "rpc-peer"]))?;
    let claim = Claim::take(&workspace::target().join("bench"))?;
    let logs = claim.path().join("logs");
    fs::create_dir_all(&logs).map_err(Failure::because(format!("cannot create {}", logs.display())))?;
    let mut node = Node::start(&installation, &NodeOptions::new(claim.path().join("broker")))?;
    let measured = measure(options, &node, &logs);
    node.stop()?;
    let table = measured?;
    let version = installation.version().unwrap_or_default();
    let (rounds, seconds) = (options.rounds, options.seconds);
    println!("\nRabbitMQ {version}, {rounds} rounds of {seconds} s for each way, in turns; medians\n\n{table}");
    Ok(ExitCode::SUCCESS)
}

fn measure(options: &RpcOptions, node: &Node, logs: &Path) -> Result<Table, Failure> {
    let (user, password) = ADMINISTRATOR;
    for way in WAYS {
        let management = node.management();
        management.put(&format!("vhosts/{way}"), &json!({}))?;
        let everything = json!({"configure": ".*", "write": ".*", "read": ".*"});
        management.put(&format!("permissions/{way}/{user}"), &everything)?;
    }
    let mut table = Table::default();
    for number in 0..options.rounds {
        let start = |way| Pair::start(way, &node.amqp_url(user, password, way), logs);
        let mut pairs = WAYS.into_iter().map(start).collect::<Result<Vec<_>, _>>()?;
        for in_flight in IN_FLIGHT {
            for pair in &mut pairs {
                pair.load(Load { in_flight, seconds: WARM_UP })?;
            }
            let mut round = Round { in_flight, ..Round::default() };
            // It matters who comes first, and after whom.
            let order = ORDERS[number as usize % ORDERS.len()];
            for way in order {
                round.costs[way] = pairs[way].load(Load { in_flight, seconds: options.seconds })?;
            }
            println!("{round}");
            table.rounds.push(round);
        }
    }
    Ok(table)
}

fn number(text: &str, least: u32, most: u32) -> Result<u32, String> {
    let number = text.parse::<u32>().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("`{text}` is not a whole number from {least} to {most}"))
}

#[cfg(test)]
mod tests {
    use super::{RpcOptions, parse};

    fn read(line: &str) -> Result<Option<RpcOptions>, String> {
        parse(lexopt::Parser::from_args(line.split_whitespace())).map_err(|error| error.to_string())
    }

    #[test]
    fn rounds_their_length_and_the_broker_are_chosen() {
        let options = RpcOptions { rounds: 2, seconds: 10.0, broker: "4.0".parse().unwrap() };
        assert_eq!(read("--rounds 2 --seconds 10 --broker 4.0"), Ok(Some(options)));
        assert_eq!(read("--help"), Ok(None));
    }

    #[test]
    fn mistakes_are_named() {
        for (line, words) in [
            ("--rounds 0", "`0` is not a whole number from 1 to 1000"),
            ("--broker amqp://there", "of its own"),
            ("rpc", "rpc"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(words), "{line}: {error}");
        }
    }
}
