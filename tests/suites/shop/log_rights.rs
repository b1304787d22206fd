//! Who may do what with the log.

use std::collections::BTreeSet;

use super::probe::{Attempt, Broker, committed, expected};
use super::rights::{LOG, SHOP};

#[tokio::test]
async fn everything_that_anybody_says_is_bound_to_the_log_and_nobody_but_its_keeper_binds_or_reads_it() {
    let broker = Broker::new();
    let exchanges = || broker.exchanges.iter().filter(|exchange| exchange.ends_with(".events"));
    let bindings = committed()["bindings"].as_array().expect("a list").clone();
    let bound: BTreeSet<&str> = bindings
        .iter()
        .filter(|binding| binding["destination"] == LOG && binding["routing_key"] == "#")
        .filter_map(|binding| binding["source"].as_str())
        .collect();
    assert_eq!(bound, exchanges().map(String::as_str).collect());
    for member in &SHOP {
        let user = broker.user(member.name).await;
        let keeps = member.name == "analytics";
        for exchange in exchanges() {
            let said = user.attempts(&Attempt::bind(LOG, exchange, "#")).await;
            assert_eq!(said, expected(keeps), "{} binds the log to {exchange}", member.name);
        }
        let said = user.attempts(&Attempt::Consume(LOG.to_owned())).await;
        assert_eq!(said, expected(keeps), "{} reads the log", member.name);
    }
}
