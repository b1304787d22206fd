//! What every AMQP peer does with the shop, and a service that asks it.

use std::time::Duration;

use garenne::{AskError, Client, NoError, Request, Running, Service};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tests::{ForeignClient, Shop, Vhost, courier, eventually, let_courier_reply_to_queues};

/// What a parcel costs. A peer answers.
#[derive(Debug, Clone, PartialEq, Request, Serialize, Deserialize)]
#[request(name = "courier.quote", reply = QuoteGiven)]
struct Quote {
    grams: u32,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct QuoteGiven {
    cents: u32,
    days: u32,
}

/// Places an order with a peer, asks with it, and looks whether the shop did its part. Gives the shop back.
pub(super) async fn takes_part_in_the_shop(peer: ForeignClient, [publish, ask]: [&str; 2]) -> Shop {
    let shop = Shop::open().await;
    let url = courier(shop.vhost());
    let id = peer.run(publish, &[&url]).await;
    assert_eq!(shop.reaches(&id, "dispatched").await["total"], json!({"amount": 2500, "currency": "EUR"}));

    let asked = async |sku: &str| {
        let printed = peer.run(ask, &[&url, sku]).await;
        let (content_type, body) = printed.split_once('\n').expect("a type and a body");
        (content_type.trim().to_owned(), serde_json::from_str::<Value>(body).expect("JSON"))
    };
    let (content_type, mug) = asked("MUG-BLUE").await;
    assert_eq!(content_type, "application/json");
    let price = json!({"amount": 1250, "currency": "EUR"});
    assert_eq!(mug, json!({"sku": "MUG-BLUE", "name": "Blue mug", "price": price, "available": 99_998}));
    let (content_type, problem) = asked("NO-SUCH-THING").await;
    assert_eq!(content_type, "application/problem+json");
    assert_eq!((&problem["type"], &problem["error"]["sku"]), (&json!("urn:garenne:refused"), &json!("NO-SUCH-THING")));
    let (_, problem) = asked("not an article number").await;
    assert_eq!(problem["type"], "urn:garenne:malformed");
    has_mailed(&shop, &id).await;
    shop
}

/// Waits until the customer knows that the order is confirmed and that it is on its way.
pub(super) async fn has_mailed(shop: &Shop, id: &str) {
    eventually("both mails", || async {
        let mails = shop.mails(id);
        if mails.len() == 2 { Ok(()) } else { Err(format!("{mails:?}")) }
    })
    .await;
    // The last mail and the last entry in the orders' book come from the same event.
    shop.reaches(id, "dispatched").await;
}

/// A service that asks a peer.
pub(super) struct Asker {
    pub(super) vhost: Vhost,
    service: Running<()>,
}

/// Where a service waits for its replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    /// At an exchange, which its requests name in a header.
    AtAnExchange,
    /// At the broker's direct reply-to. Its requests have no such header.
    AtAQueue,
}

impl Waits {
    pub(super) const EVERYWHERE: [Self; 2] = [Self::AtAnExchange, Self::AtAQueue];
}

/// Asks a peer from both places, with no more rights for the peer than each takes.
pub(super) async fn is_answered_by(peer: ForeignClient, answer: &str) {
    for waits in Waits::EVERYWHERE {
        let asker = Asker::new(waits).await;
        let url = courier(&asker.vhost);
        if waits == Waits::AtAQueue {
            let_courier_reply_to_queues(&asker.vhost);
        }
        let _answering = peer.start(answer, &[&url]);
        asker.gets_answers().await;
    }
}

impl Asker {
    pub(super) async fn new(waits: Waits) -> Self {
        let vhost = Vhost::new();
        let settings = vhost.settings();
        let service = Service::new("desk").asks::<Quote>();
        let service = if waits == Waits::AtAQueue { service.direct_replies() } else { service };
        let service = service.start((), settings).await.expect("the service starts");
        tokio::time::timeout(tests::PATIENCE, service.ready()).await.expect("the service becomes ready");
        Self { vhost, service }
    }

    /// Asks until somebody is there, then many times at once, and looks at each answer.
    pub(super) async fn gets_answers(self) {
        let client = self.service.client();
        eventually("an answer", || async {
            match ask(&client, 1000).await {
                Ok(quote) => {
                    assert_eq!(quote, QuoteGiven { cents: 490, days: 2 });
                    Ok(())
                }
                // Direct replies go with the channel, which a request to an exchange that is not there yet costs.
                Err(
                    error @ (AskError::NobodyThere { .. } | AskError::Timeout { .. } | AskError::Disconnected { .. }),
                ) => Err(error.to_string()),
                Err(error) => panic!("{error}"),
            }
        })
        .await;
        let all = (1..=50).map(|tens| {
            let client = client.clone();
            tokio::spawn(async move { (tens, ask(&client, tens * 10).await) })
        });
        for asked in all.collect::<Vec<_>>() {
            let (tens, quote) = asked.await.expect("no panic");
            assert_eq!(quote.expect("an answer").cents, 390 + tens);
        }
        self.service.stop().await;
    }
}

async fn ask(client: &Client<()>, grams: u32) -> Result<QuoteGiven, AskError<NoError>> {
    client.ask_within(&Quote { grams }, Duration::from_secs(20)).await
}
