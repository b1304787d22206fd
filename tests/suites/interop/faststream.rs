//! FastStream: its publisher, its subscriber, its `request()`.

use tests::books::audit;
use tests::{ForeignClient, courier, eventually, let_courier_reply_to_queues};

use super::exchange::{Asker, Waits, has_mailed, takes_part_in_the_shop};

const PEER: ForeignClient = ForeignClient::new("faststream");

#[tokio::test]
async fn an_order_is_dispatched_a_question_is_answered_and_a_subscriber_hears_of_the_next_order() {
    let shop = takes_part_in_the_shop(PEER, ["publish.py", "ask.py"]).await;
    let url = courier(shop.vhost());
    let hearing = PEER.start("hear.py", &[&url]);
    eventually("the subscription", || async {
        let management = shop.vhost().broker().management();
        let queue = management.get(&format!("queues/{}/courier.orders.order-confirmed", shop.vhost().name()));
        let queue = queue.map_err(|error| error.to_string())?;
        if queue["consumers"] == 1 { Ok(()) } else { Err(queue.to_string()) }
    })
    .await;
    let id = shop.buy("TEA-MINT", 1, "tok_ok").await;
    eventually("what the subscriber printed", || async {
        let log = hearing.log();
        if log.lines().any(|line| line == id) { Ok(()) } else { Err(log) }
    })
    .await;
    has_mailed(&shop, &id).await;
    audit(&shop, 2).await;
}

#[tokio::test]
async fn a_service_of_ours_is_answered_wherever_it_waits() {
    for waits in Waits::EVERYWHERE {
        let asker = Asker::new(waits).await;
        let url = courier(&asker.vhost);
        // It replies to the queue that `reply_to` names, as most frameworks do.
        let_courier_reply_to_queues(&asker.vhost);
        let _answering = PEER.start("answer.py", &[&url]);
        asker.gets_answers().await;
    }
}
