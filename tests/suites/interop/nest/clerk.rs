//! What both directions have in common: the service that NestJS calls, and what it is called with.

use std::time::Duration;

use garenne::{Context, Event, Failure, NestQueue, NoError, Options, Refusal, Replies, Request, Service};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::library::bench::{Double, Seen, TicketFiled, TooBig};

/// The sum of a list.
#[derive(Debug, Request, Serialize, Deserialize)]
#[request(name = "clerk.sum", reply = f64)]
pub(super) struct Sum(pub(super) Vec<f64>);

/// The numbers up to one.
#[derive(Debug, Request, Serialize, Deserialize)]
#[request(name = "clerk.count", reply = u32)]
pub(super) struct Count {
    to: u32,
}

/// Nothing at all.
#[derive(Debug, Request, Serialize, Deserialize)]
#[request(name = "clerk.rest", reply = ())]
pub(super) struct Rest {}

/// A number or nothing.
#[derive(Debug, Request, Serialize, Deserialize)]
#[request(name = "clerk.perhaps", reply = bool)]
pub(super) struct Perhaps(Option<u32>);

/// Any event.
#[derive(Debug, Event, Serialize, Deserialize)]
#[event(name = "desk.anything")]
pub(super) struct Anything(Value);

pub(super) async fn double(ask: Double, ctx: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
    ctx.state().note(format!("{} {} attempt {}", ctx.message().name(), ask.number, ctx.message().attempt()));
    match ask.number {
        13 => Err(Failure::retry("password hunter2 refused").into()),
        14 => panic!("hunter2 again"),
        1001.. => Err(Refusal::domain(TooBig { limit: 1000 })),
        number => Ok(number * 2),
    }
}

pub(super) async fn sum(Sum(numbers): Sum, ctx: Context<Seen>) -> Result<f64, Refusal<NoError>> {
    ctx.state().note(ctx.message().name());
    Ok(numbers.iter().sum())
}

async fn count(ask: Count, _: Context<Seen>, mut replies: Replies<u32>) -> Result<(), Refusal<NoError>> {
    for number in 1..=ask.to {
        if number > 5 {
            return Err(Refusal::retry("only five fingers"));
        }
        replies.send(&number).await?;
    }
    Ok(())
}

async fn rest(_: Rest, ctx: Context<Seen>) -> Result<(), Refusal<NoError>> {
    ctx.state().note("rest");
    Ok(())
}

async fn perhaps(Perhaps(number): Perhaps, _: Context<Seen>) -> Result<bool, Refusal<NoError>> {
    Ok(number.is_some())
}

pub(super) async fn file(ticket: TicketFiled, ctx: Context<Seen>) -> Result<(), Failure> {
    ctx.state().note(format!("{} {} attempt {}", ctx.message().name(), ticket.number, ctx.message().attempt()));
    if ticket.number == 13 { Err(Failure::retry("bad luck")) } else { Ok(()) }
}

async fn hear(Anything(body): Anything, ctx: Context<Seen>) -> Result<(), Failure> {
    ctx.state().note(format!("any {} {body}", ctx.message().name()));
    Ok(())
}

/// The queue `clerk.nest` with a handler of each kind.
pub(super) fn nest_queue() -> NestQueue<Seen> {
    NestQueue::new("nest")
        .options(Options::new().deadline(Duration::from_secs(20)))
        .answer(Double::NAME, double)
        .answer(json!({"cmd": "sum"}), sum)
        .answer(json!({"cmd": "sum", "and": "nothing"}), sum)
        .answer_many("clerk.count", count)
        .answer("clerk.rest", rest)
        .answer("clerk.perhaps", perhaps)
        .on("ticket.filed", file)
        .on("any.*", hear)
}

/// A clerk that answers services of this library and NestJS.
pub(super) fn clerk() -> Service<Seen> {
    Service::new("clerk").answer(double).nest(nest_queue())
}

/// The options of a client that does not declare the queue.
pub(super) fn trusting() -> Value {
    json!({"queue": "clerk.nest", "noAssert": true})
}

/// The options of a client in topic mode.
pub(super) fn topical() -> Value {
    json!({"queue": "clerk.nest", "wildcards": true})
}

/// The options of a client that declares the queue exactly as the service does.
pub(super) fn declaring() -> Value {
    let definitions = clerk().definitions();
    let queues = definitions["queues"].as_array().expect("queues");
    let queue = queues.iter().find(|queue| queue["name"] == "clerk.nest").expect("the queue is defined");
    json!({"queue": "clerk.nest", "queueOptions": {"durable": true, "arguments": queue["arguments"]}})
}
