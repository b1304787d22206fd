//! Requests that nobody waits for.

use garenne::{AskError, Context, Failure, NestTarget, PublishError, Refusal, Service};
use tests::{PATIENCE, Raw};

use crate::library::bench::{Bench, Double, Seen, TicketClosed, TooBig};

async fn fail_twice(ask: Double, ctx: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
    ctx.state().note(format!("{} attempt {}", ask.number, ctx.message().attempt()));
    match (ask.number, ctx.message().attempt()) {
        (1, 1 | 2) => Err(Failure::retry("not yet").into()),
        (2, _) => Err(Refusal::domain(TooBig { limit: 1 })),
        _ => Ok(0),
    }
}

#[tokio::test]
async fn a_command_is_tried_again_on_the_ladder_by_whichever_replica_and_its_refusal_is_a_dead_letter() {
    let bench = Bench::new().await;
    let mut replicas = Vec::new();
    for _ in 0..2 {
        replicas.push(bench.start(Service::new("clerk").answer(fail_twice)).await);
    }
    let porter = bench.porter(PATIENCE).await;
    assert_eq!(porter.client().command(&Double { number: 1 }).await, Ok(()));
    assert_eq!(bench.seen.reaches(3).await, ["1 attempt 1", "1 attempt 2", "1 attempt 3"]);
    assert_eq!(porter.client().command(&Double { number: 2 }).await, Ok(()));
    let dead = bench.raw.take("clerk.dlq").await;
    assert_eq!(Raw::header(&dead, "garenne-error").as_deref(), Some("more than 1"));
    assert_eq!(dead.properties.reply_to(), &None);
    porter.stop().await;
    for replica in replicas {
        replica.stop().await;
    }
}

#[tokio::test]
async fn a_command_that_nobody_takes_or_that_is_not_declared_is_an_error() {
    let bench = Bench::new().await;
    let porter = bench.porter(PATIENCE).await;
    let missing = porter.client().command(&Double { number: 1 }).await;
    assert!(matches!(missing, Err(PublishError::NoExchange { .. })), "{missing:?}");
    bench.raw.exchange("clerk.requests").await;
    let nobody = porter.client().command(&Double { number: 1 }).await;
    assert_eq!(nobody, Err(PublishError::NobodyThere { message: "clerk.double".into() }));
    porter.stop().await;
    let silent = bench.start(Service::new("porter").publishes::<TicketClosed>()).await;
    let undeclared = silent.client().command(&Double { number: 1 }).await;
    assert!(matches!(undeclared, Err(PublishError::Undeclared { .. })), "{undeclared:?}");
    silent.stop().await;
}

#[tokio::test]
async fn what_a_nestjs_server_is_asked_is_no_command_and_has_no_several_replies_and_the_error_says_what_to_do() {
    let bench = Bench::new().await;
    let porter = bench.start(Service::new("porter").asks_nest::<Double>(NestTarget::queue("math_queue"))).await;
    let command = porter.client().command(&Double { number: 1 }).await.expect_err("nobody takes it");
    assert_eq!(command, PublishError::OnlyAsked { message: "clerk.double" });
    for word in ["`ask`", "every_value", ".publishes_to_nest"] {
        assert!(command.to_string().contains(word), "{command}");
    }
    let many = porter.client().ask_many(&Double { number: 1 }).await.map(drop);
    assert_eq!(many, Err(AskError::Publish(command)));
    porter.stop().await;
}
