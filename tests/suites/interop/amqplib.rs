//! `amqplib`.

use tests::ForeignClient;
use tests::books::audit;

use super::exchange::{is_answered_by, takes_part_in_the_shop};

const PEER: ForeignClient = ForeignClient::new("amqplib");

#[tokio::test]
async fn an_order_is_dispatched_and_a_question_is_answered_in_json_or_with_a_problem() {
    let shop = takes_part_in_the_shop(PEER, ["publish.mjs", "ask.mjs"]).await;
    audit(&shop, 1).await;
}

#[tokio::test]
async fn a_service_of_ours_is_answered_wherever_it_waits() {
    is_answered_by(PEER, "answer.mjs").await;
}
