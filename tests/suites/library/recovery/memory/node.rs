//! The broker is there and takes nothing.

use std::time::Instant;

use super::super::node::{broker, ready, start_with};
use super::{MIB, NovelWritten, alone, bounded, clerk, flood, outage};
use crate::library::bench::{Seen, metric};

#[test]
fn the_memory_of_a_service_whose_broker_is_short_of_memory_is_bounded_in_bytes_and_all_settles_after() {
    println!("{}", alone("library::recovery::memory::node::publishing_at_full_speed_to_a_broker_short_of_memory"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the_memory_of_a_service_whose_broker_is_short_of_memory_… runs it in a process of its own"]
async fn publishing_at_full_speed_to_a_broker_short_of_memory() {
    let broker = broker().await;
    let clerk = start_with(&broker, clerk(), Seen::default(), bounded).await;
    ready(&clerk).await;
    let novel = NovelWritten::of(MIB / 4);
    clerk.client().publish(&*novel).await.expect("all is well");
    broker.raise_alarm();
    let (ends, grown) = flood(&clerk.client()).await;
    println!("{:?} of messages of 256 KiB by 500 tasks: {} MiB more, {ends:?}", outage(), grown / MIB);
    assert!(ends["blocked"] > 0 && !ends.contains_key("disconnected"), "{ends:?}");
    broker.clear_alarm();
    let cleared = Instant::now();
    clerk.client().publish(&*novel).await.expect("the broker takes messages again");
    metric(&clerk, "garenne_publish_in_flight_bytes{} 0").await;
    println!("all is confirmed {:?} after the alarm", cleared.elapsed());
    clerk.stop().await;
}
