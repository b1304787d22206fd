//! Who may do what with the log.

use std::collections::BTreeSet;

use lapin::Channel;
use lapin::options::{BasicConsumeOptions, BasicQosOptions, QueueBindOptions};
use lapin::types::FieldTable;

use super::rights::{Broker, LOG, SHOP, committed, expected};

#[tokio::test]
async fn everything_that_anybody_says_is_bound_to_the_log_and_nobody_but_its_keeper_binds_or_reads_it() {
    let broker = Broker::new().await;
    let exchanges = || broker.exchanges.iter().filter(|exchange| exchange.ends_with(".events"));
    let bindings = committed()["bindings"].as_array().expect("a list").clone();
    let bound: BTreeSet<&str> = bindings
        .iter()
        .filter(|binding| binding["destination"] == LOG && binding["routing_key"] == "#")
        .filter_map(|binding| binding["source"].as_str())
        .collect();
    assert_eq!(bound, exchanges().map(String::as_str).collect());
    for member in &SHOP {
        let user = broker.user(member).await;
        let keeps = member.name == "analytics";
        for exchange in exchanges() {
            let binds = async |channel: Channel| {
                let options = QueueBindOptions::default();
                channel
                    .queue_bind(LOG.into(), exchange.as_str().into(), "#".into(), options, FieldTable::default())
                    .await
            };
            assert_eq!(user.attempts(binds).await, expected(keeps), "{} binds the log to {exchange}", member.name);
        }
        let reads = async |channel: Channel| {
            channel.basic_qos(1, BasicQosOptions::default()).await?;
            let options = BasicConsumeOptions::default();
            channel.basic_consume(LOG.into(), "probe".into(), options, FieldTable::default()).await.map(drop)
        };
        assert_eq!(user.attempts(reads).await, expected(keeps), "{} reads the log", member.name);
    }
}
