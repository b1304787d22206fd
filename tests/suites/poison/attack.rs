//! The suite: a service among malformed messages.

use std::time::{Duration, Instant};

use tests::{PATIENCE, Raw, ServiceProcess, Vhost, Wire, eventually, exposition, http, resident};

use super::draft::{Draft, Expected, REPLY_TO};
use super::kinds;
use super::ledger::Ledger;

/// Messages that may be under way at once.
const UNDER_WAY: usize = 1_000;
/// Messages that are sent before their confirms are looked at.
const BATCH: u32 = 50;
/// What the service agrees with the broker, so that a message can be larger.
const FRAME_MAX: u32 = 65_536;
/// The service's prefetch, for both of its queues: so many are delivered again when it loses its connection.
const PREFETCH: usize = 64;

fn number_of(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number")))
}

/// A service under attack, and those who attack it.
struct Attack {
    seed: u64,
    bulk: Wire,
    /// For what the broker may close the channel or the connection over.
    careful: Wire,
    collector: Wire,
    replies: Vec<u8>,
    vhost: Vhost,
    ledger: Ledger,
}

impl Attack {
    /// Sends these messages and returns when each has its outcome.
    fn send(&mut self, numbers: std::ops::Range<u32>) {
        for number in numbers {
            let (kind, draft) = kinds::message(self.seed, number);
            self.ledger.enter(kind, draft.expected);
            self.publish(draft, kind);
            if number % BATCH == 0 {
                self.bulk.settle().unwrap_or_else(|refusal| panic!("around {number}: {refusal:?}"));
                self.collect(UNDER_WAY);
            }
        }
        self.bulk.settle().unwrap_or_else(|refusal| panic!("{refusal:?}"));
        self.collect(0);
    }

    fn publish(&mut self, mut draft: Draft, kind: &str) {
        if draft.expected == Expected::Answered {
            let replies = self.replies.clone();
            draft.text(REPLY_TO, &replies);
        }
        let sent = draft.sent();
        if !draft.refusable {
            self.bulk.publish(&sent).unwrap_or_else(|refusal| panic!("{kind}: {refusal:?}"));
        } else if let Err(refusal) = self.careful.publish(&sent).and_then(|()| self.careful.settle()) {
            self.ledger.refused(draft.number, refusal.code);
            self.careful = Wire::connect(&self.vhost);
        }
    }

    /// Takes in outcomes until at most so many are missing.
    fn collect(&mut self, missing: usize) {
        let mut progress = Instant::now();
        while self.ledger.outstanding() > missing {
            match self.collector.next(Duration::from_millis(50)) {
                Some(received) => {
                    self.ledger.received(&received);
                    progress = Instant::now();
                }
                None => assert!(
                    progress.elapsed() < PATIENCE,
                    "{} messages have no outcome: {}",
                    self.ledger.outstanding(),
                    self.ledger.missing()
                ),
            }
        }
    }
}

/// What the service has counted under this name and these labels.
async fn counted(admin: u16, name: &str, labels: &str) -> usize {
    let text = http::get(&format!("http://127.0.0.1:{admin}/metrics")).await.expect("the service answers").text;
    let count = exposition::sum(&text, name, labels).unwrap_or_default();
    usize::try_from(count).expect("a count")
}

async fn answers(admin: u16) -> usize {
    counted(admin, "garenne_confirmed_total", "message=\"clerk.double.reply\"").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_sent_to_a_service_is_handled_or_dead_for_a_reason_and_the_service_lives_on() {
    let messages = u32::try_from(number_of("POISON_MESSAGES", 3_000)).expect("a number of messages");
    let seed = number_of("POISON_SEED", 20_261_124);
    let vhost = Vhost::new();
    let raw = Raw::connect(&vhost).await;
    raw.exchange("desk.events").await;
    let folder = tempfile::tempdir().expect("a folder");
    let admin = machine::ports::free().expect("a free port");
    let environment = [
        ("AMQP_URL", format!("{}?frame_max={FRAME_MAX}", vhost.url())),
        ("ADMIN_ADDR", format!("127.0.0.1:{admin}")),
        ("INSTANCE", "poisoned".to_owned()),
        ("RETRY_LADDER_MS", "20,60".to_owned()),
        // Handlers panic here by the hundred, and reading the symbols for the first would count as growth.
        ("RUST_BACKTRACE", "0".to_owned()),
    ];
    let mut clerk = ServiceProcess::start("poison-clerk", "poison-clerk", folder.path(), &environment);
    eventually("the service is ready", || async {
        let ready = http::get(&format!("http://127.0.0.1:{admin}/readyz")).await.map(|answer| answer.status);
        if ready == Ok(200) { Ok(()) } else { Err(format!("{ready:?}\n{}", clerk.log())) }
    })
    .await;
    raw.queue("spy", "clerk.events", "clerk.ticket-closed").await;

    let started = Instant::now();
    let (process, quarter) = (clerk.id(), messages / 4);
    let attack = move || {
        let mut collector = Wire::connect(&vhost);
        // Whatever the routing key, it shall come to the service.
        collector.bind("clerk.desk.ticket-filed", "desk.events", "desk.#");
        let replies = collector.own_queue();
        for (queue, tag) in [(&b"spy"[..], "handled"), (b"clerk.dlq", "dead"), (&replies, "answered")] {
            collector.consume(queue, tag);
        }
        let (bulk, careful) = (Wire::connect(&vhost), Wire::connect(&vhost));
        let mut attack = Attack { seed, bulk, careful, collector, replies, vhost, ledger: Ledger::default() };
        attack.send(0..quarter);
        let warm = resident(process);
        attack.send(quarter..messages);
        // The last word has a good message, and a good request.
        for number in [messages, messages + 1] {
            let mut good = Draft::event(number);
            if number > messages {
                (good.exchange, good.key, good.expected) =
                    ("clerk.requests", b"clerk.double".to_vec(), Expected::Answered);
                good.text(super::draft::CORRELATION_ID, &good.id());
            }
            attack.ledger.enter("good at the end", good.expected);
            attack.publish(good, "good at the end");
        }
        attack.collect(0);
        (attack, warm)
    };
    let (attack, warm) = tokio::task::spawn_blocking(attack).await.expect("the attack ends");
    let took = started.elapsed();
    let Attack { ledger, vhost, .. } = attack;

    // What nobody hears was confirmed all the same.
    let asked = ledger.expected(Expected::Answered) + ledger.expected(Expected::Unheard);
    eventually("every request is answered", || async {
        let answers = answers(admin).await;
        if answers >= asked { Ok(()) } else { Err(format!("{answers} of {asked}")) }
    })
    .await;
    for queue in ["clerk.desk.ticket-filed", "clerk.clerk.double", "clerk.retry.20", "clerk.retry.60", "clerk.dlq"] {
        eventually(&format!("{queue} is empty"), || async {
            let state = vhost.get("queues", queue);
            if state["messages"] == 0 { Ok(()) } else { Err(state.to_string()) }
        })
        .await;
    }
    let end = resident(process);
    let reconnects = counted(admin, "garenne_reconnects_total", "connection=\"consume\"").await;
    let publishing = counted(admin, "garenne_reconnects_total", "connection=\"publish\"").await;
    let consumed = counted(admin, "garenne_consumed_total", "").await;
    let retried = counted(admin, "garenne_retried_total", "").await;
    // What had no confirm when a reply that went astray cost its neighbours their channel.
    let sent_again = counted(admin, "garenne_sent_again_total", "").await;
    let answers = answers(admin).await;
    let breakers = ledger.expected(Expected::Dead("delivery_limit"));
    println!(
        "seed {seed}, {} s\n{}handler calls {consumed}, retries {retried}, outcomes doubled {}, reconnects {reconnects} of consumers \
         and {publishing} of the publisher for {breakers} messages that break the connection\nmemory {warm} KiB after {quarter} \
         messages, {end} KiB at the end",
        took.as_secs(),
        ledger.table(),
        ledger.doubled(),
    );

    let wrong = ledger.wrong();
    assert!(wrong.is_empty(), "{} messages ended otherwise:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
    assert_eq!(ledger.strange, Vec::<String>::new(), "nothing comes that nobody has sent");
    // Neither connections nor handlers run hot.
    assert!(reconnects <= 21 * breakers, "{reconnects} reconnects for {breakers} messages");
    // A reply to an exchange that does not exist costs a channel, and now and then the client gives up the connection with it.
    let astray = ledger.expected(Expected::Dead("permanent"));
    assert!(publishing <= astray, "{publishing} reconnects of the publisher for {astray} replies that went astray");
    // All that is under way is delivered again once; from then on one at a time is.
    let again = PREFETCH * breakers + reconnects;
    assert!(answers <= asked + again, "{answers} answers to {asked} requests");
    let sent = usize::try_from(messages).expect("a number of messages") + 2;
    let again = again + sent_again;
    assert!(consumed <= sent + retried + again, "{consumed} calls for {sent} messages and {retried} retries");
    assert!(ledger.doubled() <= again, "{} doubled, {again} may be", ledger.doubled());
    // The allocator keeps what the largest messages needed; a quarter of a short run is over before it has met them.
    let allowed = if messages < 20_000 { warm * 2 } else { warm + warm / 10 };
    assert!(end <= allowed, "resident memory grew from {warm} KiB to {end} KiB");
    clerk.terminate();
    assert!(clerk.ended().await.success(), "the service drains");
}
