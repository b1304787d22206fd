//! Requests that are answered with several replies.

use std::time::Duration;

use garenne::{Answers, AskError, Context, Failure, Options, Refusal, Replies, Service};
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use tests::{PATIENCE, Raw, eventually};

use super::double;
use crate::library::bench::{Bench, Double, Seen, TooBig, metric};

/// As many replies as the number says; then a number beyond 100 is refused, one beyond 1,000 panics.
async fn count(ask: Double, ctx: Context<Seen>, mut replies: Replies<u32>) -> Result<(), Refusal<TooBig>> {
    ctx.state().note(format!("{} attempt {}", ask.number, ctx.message().attempt()));
    for number in 1..=ask.number % 100 {
        replies.send(&number).await?;
    }
    match ask.number {
        ..100 => Ok(()),
        100..1000 => Err(Refusal::domain(TooBig { limit: 100 })),
        _ => panic!("hunter2"),
    }
}

pub(super) type Read = (Vec<u32>, Option<AskError<TooBig>>);

/// All replies, and the error at their end if there is one.
pub(super) async fn read(mut answers: Answers<Double>) -> Read {
    let mut values = Vec::new();
    loop {
        match answers.next().await {
            Some(Ok(value)) => values.push(value),
            Some(Err(error)) => {
                assert!(answers.next().await.is_none(), "an error is the last word");
                return (values, Some(error));
            }
            None => return (values, None),
        }
    }
}

#[tokio::test]
async fn all_replies_come_in_order_and_their_end_is_told() {
    let bench = Bench::new().await;
    let mut replicas = Vec::new();
    for _ in 0..2 {
        replicas.push(bench.start(Service::new("clerk").answer_many(count)).await);
    }
    let porter = bench.porter(PATIENCE).await;
    let client = porter.client();
    let (fifty, none) = (Double { number: 50 }, Double { number: 0 });
    let (fifty, none) = tokio::join!(client.ask_many(&fifty), client.ask_many(&none));
    let (fifty, none) = tokio::join!(read(fifty.expect("sent")), read(none.expect("sent")));
    assert_eq!((fifty, none), (((1..=50).collect(), None), (Vec::new(), None)));
    metric(&porter, "garenne_rpc_waiting{} 0").await;
    porter.stop().await;
    for replica in replicas {
        replica.stop().await;
    }
}

#[tokio::test]
async fn a_refusal_or_a_panic_ends_the_replies_that_came_before_it() {
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").answer_many(count)).await;
    let porter = bench.porter(PATIENCE).await;
    let answers = porter.client().ask_many(&Double { number: 103 }).await.expect("sent");
    assert_eq!(read(answers).await, (vec![1, 2, 3], Some(AskError::Remote(TooBig { limit: 100 }))));
    let answers = porter.client().ask_many(&Double { number: 1002 }).await.expect("sent");
    let (values, error) = read(answers).await;
    let Some(AskError::Problem(problem)) = error else { panic!("{error:?}") };
    assert_eq!((values, problem.kind.as_str()), (vec![1, 2], "urn:garenne:failed"));
    assert!(!format!("{problem:?}").contains("hunter2"), "{problem:?}");
    porter.stop().await;
    clerk.stop().await;
}

#[tokio::test]
async fn who_asks_for_many_gets_the_one_and_who_asks_for_one_gets_the_first() {
    let bench = Bench::new().await;
    let porter = bench.porter(PATIENCE).await;
    let clerk = bench.start(Service::new("clerk").answer(double)).await;
    let answers = porter.client().ask_many(&Double { number: 4 }).await.expect("sent");
    assert_eq!(read(answers).await, (vec![8], None));
    let answers = porter.client().ask_many(&Double { number: 1001 }).await.expect("sent");
    assert_eq!(read(answers).await, (Vec::new(), Some(AskError::Remote(TooBig { limit: 1000 }))));
    clerk.stop().await;
    let clerk = bench.start(Service::new("clerk").answer_many(count)).await;
    assert_eq!(porter.client().ask(&Double { number: 3 }).await, Ok(1));
    metric(&porter, "garenne_rpc_late_replies_total{} 3").await;
    porter.stop().await;
    clerk.stop().await;
}

#[tokio::test]
async fn the_deadline_is_for_all_replies_together_and_the_responder_learns_of_it() {
    async fn go_on_for_ever(_: Double, ctx: Context<Seen>, mut replies: Replies<u32>) -> Result<(), Refusal<TooBig>> {
        for number in 1.. {
            if let Err(failure) = replies.send(&number).await {
                ctx.state().note(failure.to_string());
                return Err(failure.into());
            }
        }
        Ok(())
    }
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").answer_many(go_on_for_ever)).await;
    let porter = bench.porter(PATIENCE).await;
    let patience = Duration::from_millis(600);
    let answers = porter.client().ask_many_within(&Double { number: 1 }, patience).await.expect("sent");
    let (values, error) = read(answers).await;
    let timeout = matches!(error, Some(AskError::Timeout { waited, .. }) if waited == patience);
    let refused = matches!(&error, Some(AskError::Problem(problem)) if problem.kind == "urn:garenne:expired");
    assert!(timeout || refused, "{error:?}");
    assert!(!values.is_empty() && values.windows(2).all(|two| two[0] + 1 == two[1]), "{values:?}");
    assert_eq!(bench.seen.reaches(1).await, ["the caller has stopped waiting"]);
    porter.stop().await;
    clerk.stop().await;
}

#[tokio::test]
async fn replies_that_come_faster_than_they_are_read_are_given_no_longer_than_to_the_deadline() {
    let bench = Bench::new().await;
    bench.raw.exchange("clerk.requests").await;
    bench.raw.queue("courier.double", "clerk.requests", "clerk.double").await;
    let porter = bench.porter(PATIENCE).await;
    let patience = Duration::from_millis(300);
    let mut answers = porter.client().ask_many_within(&Double { number: 1 }, patience).await.expect("sent");
    let request = bench.raw.take("courier.double").await;
    let exchange = Raw::header(&request, "garenne-reply-exchange").expect("an exchange");
    let address = request.properties.reply_to().clone().expect("an address");
    let id = request.properties.correlation_id().clone().expect("an id");
    let (mut given, mut read) = (0_i64, 0_i64);
    let error = loop {
        for _ in 0..2 {
            given += 1;
            let mut headers = FieldTable::default();
            headers.insert("garenne-reply-run".into(), AMQPValue::LongString("r".into()));
            headers.insert("garenne-reply-number".into(), AMQPValue::LongLongInt(given));
            let properties = BasicProperties::default().with_correlation_id(id.clone()).with_headers(headers);
            bench.raw.publish_with(&exchange, address.as_str(), given.to_string(), properties).await;
        }
        match answers.next().await.expect("no end before its error") {
            Ok(value) => read += i64::from(value == u32::try_from(read + 1).expect("few")),
            Err(error) => break error,
        }
    };
    assert_eq!(error, AskError::Timeout { request: "clerk.double", waited: patience });
    assert!(read > 0 && read < given, "{read} of {given}");
    porter.stop().await;
}

#[tokio::test]
async fn replies_of_a_replica_that_died_in_the_middle_are_not_mixed_with_those_of_another_one() {
    async fn hang_in_the_middle(
        ask: Double,
        ctx: Context<Seen>,
        mut replies: Replies<u32>,
    ) -> Result<(), Refusal<TooBig>> {
        let first = !ctx.message().redelivered();
        for number in 1..=5 {
            if first && number > ask.number {
                ctx.state().note("hangs");
                std::future::pending::<()>().await;
            }
            replies.send(&number).await?;
        }
        Ok(())
    }
    let bench = Bench::new().await;
    for (before, expected) in [
        (2, (vec![1, 2], Some(AskError::Interrupted { request: "clerk.double", received: 2 }))),
        // Nothing of the first one was heard.
        (0, (vec![1, 2, 3, 4, 5], None)),
    ] {
        let hung = bench.seen.all().len();
        let first = bench.start(Service::new("clerk").answer_many(hang_in_the_middle)).await;
        let porter = bench.porter(PATIENCE).await;
        let answers = porter.client().ask_many(&Double { number: before }).await.expect("sent");
        bench.seen.reaches(hung + 1).await;
        drop(first);
        let second = bench.start(Service::new("clerk").answer_many(hang_in_the_middle)).await;
        assert_eq!(read(answers).await, expected);
        porter.stop().await;
        second.stop().await;
    }
}

#[tokio::test]
async fn replies_that_are_not_read_hold_up_nobody() {
    async fn pour(_: Double, _: Context<Seen>, mut replies: Replies<u32>) -> Result<(), Refusal<TooBig>> {
        for number in 1..=1_200 {
            replies.send(&number).await?;
        }
        Ok(())
    }
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").answer_many(pour)).await;
    let porter = bench.porter(PATIENCE).await;
    let answers = porter.client().ask_many(&Double { number: 1 }).await.expect("sent");
    // It waits no longer once more replies have come than may wait to be read.
    metric(&porter, "garenne_rpc_waiting{} 0").await;
    let (values, error) = read(answers).await;
    assert_eq!((values.len(), error), (1024, Some(AskError::Overrun { request: "clerk.double", limit: 1024 })));
    porter.stop().await;
    clerk.stop().await;
}

#[tokio::test]
async fn replies_end_when_their_connection_is_lost_and_a_call_that_is_dropped_is_forgotten() {
    async fn hang(_: Double, ctx: Context<Seen>, mut replies: Replies<u32>) -> Result<(), Refusal<TooBig>> {
        replies.send(&1).await?;
        ctx.state().note("sent");
        std::future::pending().await
    }
    let bench = Bench::new().await;
    let service = Service::new("clerk").answer_many_with(hang, Options::new().deadline(PATIENCE));
    let clerk = bench.start(service).await;
    let porter = bench.porter(PATIENCE * 4).await;
    let answers = porter.client().ask_many(&Double { number: 1 }).await.expect("sent");
    bench.seen.reaches(1).await;
    bench.cut("porter", "consume").await;
    let read = tokio::time::timeout(PATIENCE, read(answers)).await.expect("at once");
    assert_eq!(read.1, Some(AskError::Disconnected { request: "clerk.double" }));
    let answers = porter.client().ask_many(&Double { number: 1 }).await.expect("sent");
    metric(&porter, "garenne_rpc_waiting{} 1").await;
    drop(answers);
    metric(&porter, "garenne_rpc_waiting{} 0").await;
    drop((porter, clerk));
}

#[tokio::test]
async fn a_command_is_carried_out_by_such_a_handler_too_and_climbs_the_ladder() {
    async fn fail(ask: Double, ctx: Context<Seen>, mut replies: Replies<u32>) -> Result<(), Refusal<TooBig>> {
        replies.send(&ask.number).await?;
        ctx.state().note(format!("attempt {}", ctx.message().attempt()));
        Err(Failure::retry("not yet").into())
    }
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").answer_many(fail)).await;
    bench.raw.publish("clerk.requests", "clerk.double", r#"{"number":4}"#).await;
    bench.raw.take("clerk.dlq").await;
    assert_eq!(bench.seen.all(), ["attempt 1", "attempt 2", "attempt 3"]);
    clerk.stop().await;
}

#[tokio::test]
async fn a_foreign_client_can_tell_the_replies_and_their_end_by_headers() {
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").answer_many(count).answers_foreign_clients()).await;
    let replies = bench.raw.replies().await;
    let properties =
        BasicProperties::default().with_reply_to(replies.as_str().into()).with_correlation_id("mine".into());
    bench.raw.publish_with("clerk.requests", "clerk.double", r#"{"number":2}"#, properties).await;
    let mut heard = Vec::new();
    for _ in 0..3 {
        let reply = bench.raw.take(&replies).await;
        let number = Raw::header(&reply, "garenne-reply-number").unwrap_or_default();
        let count = Raw::header(&reply, "garenne-reply-count").unwrap_or_default();
        heard.push((String::from_utf8(reply.data).expect("text"), number, count));
    }
    let expected = [("1", "1", ""), ("2", "2", ""), ("", "", "2")];
    assert_eq!(heard, expected.map(|(body, number, count)| (body.into(), number.into(), count.into())));
    clerk.stop().await;
    eventually("an empty queue", || async {
        let left = bench.raw.ready("clerk.clerk.double").await;
        if left == 0 { Ok(()) } else { Err(left.to_string()) }
    })
    .await;
}
