//! A NestJS client sends to a service of ours.

use super::programs::call;
use garenne::{Context, NestQueue, Options, Refusal, Request as _, Service};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::clerk::{clerk, declaring, nest_queue, topical, trusting};
use crate::library::bench::{Bench, Double, Seen, TooBig};

#[tokio::test]
async fn a_client_gets_the_value_whether_it_declares_the_queue_as_the_service_does_or_not_at_all() {
    let bench = Bench::new().await;
    let clerk = bench.start(clerk()).await;
    for options in [trusting(), declaring()] {
        let answered = call(&bench.vhost, options, json!([["send", "clerk.double", {"number": 21}]])).await;
        assert_eq!(answered, [json!({"values": [42]})]);
    }
    clerk.stop().await;
    assert_eq!(bench.seen.all(), ["clerk.double 21 attempt 1", "clerk.double 21 attempt 1"]);
    assert_eq!(bench.raw.ready("clerk.nest").await + bench.raw.ready("clerk.dlq").await, 0);
}

#[tokio::test]
async fn object_patterns_are_the_same_in_any_order_of_their_keys_and_numbers_are_their_text() {
    let bench = Bench::new().await;
    let clerk = bench.start(clerk()).await;
    let calls = json!([
        ["send", {"cmd": "sum"}, [1, 2, 3.5]],
        ["send", {"and": "nothing", "cmd": "sum"}, [1]],
        ["send", {"cmd": "sum", "and": "nothing"}, [2]],
        ["send", r#"{"cmd":"sum"}"#, []],
    ]);
    let answered = call(&bench.vhost, trusting(), calls).await;
    assert_eq!(answered, [json!([6.5]), json!([1]), json!([2]), json!([0])].map(|values| json!({"values": values})));
    clerk.stop().await;
    let one = r#"{"and":"nothing","cmd":"sum"}"#;
    assert_eq!(bench.seen.all(), [r#"{"cmd":"sum"}"#, one, one, r#"{"cmd":"sum"}"#]);
}

#[tokio::test]
async fn several_replies_are_the_values_of_an_observable_and_an_empty_reply_is_null() {
    let bench = Bench::new().await;
    let clerk = bench.start(clerk()).await;
    let calls = json!([
        ["send", "clerk.count", {"to": 3}],
        ["send", "clerk.count", {"to": 0}],
        ["send", "clerk.rest", {}],
        ["send", "clerk.count", {"to": 6}],
    ]);
    let mut answered = call(&bench.vhost, trusting(), calls).await;
    let broken_off = answered.pop().expect("four answers");
    assert_eq!(answered, [json!({"values": [1, 2, 3]}), json!({"values": []}), json!({"values": [null]})]);
    assert_eq!((&broken_off["values"], &broken_off["error"]["code"]), (&json!([1, 2, 3, 4, 5]), &json!("failed")));
    clerk.stop().await;
}

#[tokio::test]
async fn undefined_and_null_are_nothing_to_those_who_take_nothing() {
    let bench = Bench::new().await;
    let clerk = bench.start(clerk()).await;
    let calls = json!([
        ["send", "clerk.perhaps", 7],
        ["send", "clerk.perhaps", null],
        ["send", "clerk.perhaps"],
        ["send", "clerk.rest", null],
        ["send", "clerk.rest"],
        ["send", "clerk.double"],
    ]);
    let mut answered = call(&bench.vhost, trusting(), calls).await;
    let refused = answered.pop().expect("six answers");
    assert_eq!(
        answered,
        [json!([true]), json!([false]), json!([false]), json!([null]), json!([null])]
            .map(|values| json!({"values": values}))
    );
    assert_eq!(refused["error"]["code"], "malformed", "{refused}");
    clerk.stop().await;
}

#[tokio::test]
async fn errors_arrive_in_nestjss_own_form_and_say_nothing_that_only_the_log_may_say() {
    let bench = Bench::new().await;
    let clerk = bench.start(clerk()).await;
    let calls = json!([
        ["send", "clerk.double", {"number": 1001}],
        ["send", "clerk.double", {"number": 13}],
        ["send", "clerk.double", {"number": 14}],
        ["send", "clerk.double", {"nummer": 1}],
        ["send", "clerk.treble", {"number": 1}],
        ["send", "ticket.filed", {"number": 1}],
    ]);
    let answered = call(&bench.vhost, trusting(), calls).await;
    let error = |of: usize| &answered[of]["error"];
    let refused = json!({"status": "error", "message": "more than 1000", "code": "refused", "details": {"limit": 1000}, "retryable": false});
    assert_eq!(answered[0], json!({"values": [], "error": refused}));
    for (of, code, retryable) in [(1, "failed", true), (2, "failed", true), (3, "malformed", false)] {
        assert_eq!((&error(of)["code"], &error(of)["retryable"]), (&json!(code), &json!(retryable)), "{answered:?}");
    }
    assert!(!json!(answered).to_string().contains("hunter2"), "{answered:?}");
    assert!(error(3)["message"].as_str().unwrap_or_default().contains("missing field `number`"), "{answered:?}");
    // Also for a pattern that only events have: who sends waits for an answer.
    for of in [4, 5] {
        assert_eq!(*error(of), json!("There is no matching message handler defined in the remote service."));
    }
    clerk.stop().await;
    assert_eq!(bench.raw.ready("clerk.dlq").await, 0, "the callers have been told");
}

#[tokio::test]
async fn in_topic_mode_a_client_that_declares_the_exchange_reaches_every_pattern() {
    let bench = Bench::new().await;
    let clerk = bench.start(Service::new("clerk").nest(nest_queue().wildcards())).await;
    let calls = json!([
        ["send", "clerk.double", {"number": 21}],
        ["send", {"cmd": "sum"}, [1, 2]],
        ["send", {"and": "nothing", "cmd": "sum"}, [3]],
        ["send", "clerk.count", {"to": 2}],
        ["emit", "any.thing", {"a": 1}],
        ["send", "clerk.treble", {}, {"patience": 300}],
    ]);
    let answered = call(&bench.vhost, topical(), calls).await;
    let values = [json!([42]), json!([3]), json!([3]), json!([1, 2])];
    assert_eq!(answered[..4], values.map(|values| json!({"values": values})));
    assert_eq!(
        answered[5],
        json!({"values": [], "error": "TimeoutError"}),
        "nothing is bound for it, and nobody says so"
    );
    let seen = bench.seen.reaches(4).await;
    assert!(seen.contains(&r#"any any.thing {"a":1}"#.to_owned()), "{seen:?}");
    clerk.stop().await;
}

#[tokio::test]
async fn a_client_that_stops_waiting_is_no_fault_of_the_responder() {
    static GO_ON: Notify = Notify::const_new();

    async fn late(ask: Double, _: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
        GO_ON.notified().await;
        Ok(ask.number)
    }
    let bench = Bench::new().await;
    let queue = NestQueue::new("nest").answer(Double::NAME, late);
    let clerk = bench.start(Service::new("clerk").nest(queue)).await;
    let calls = json!([["send", "clerk.double", {"number": 1}, {"patience": 300}]]);
    let answered = call(&bench.vhost, trusting(), calls).await;
    assert_eq!(answered, [json!({"values": [], "error": "TimeoutError"})]);
    GO_ON.notify_one();
    clerk.stop().await;
    assert_eq!(bench.raw.ready("clerk.dlq").await + bench.raw.ready("clerk.nest").await, 0);
}

#[tokio::test]
async fn a_request_whose_responder_dies_is_answered_by_another_replica_to_nestjs() {
    async fn hang_at_first(ask: Double, ctx: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
        ctx.state().note(ctx.message().message_id().unwrap_or_default());
        if ctx.message().redelivered() { Ok(ask.number * 2) } else { std::future::pending().await }
    }
    let service = || {
        let queue = NestQueue::new("nest").answer(Double::NAME, hang_at_first);
        Service::new("clerk").nest(queue.options(Options::new().deadline(tests::PATIENCE)))
    };
    let bench = Bench::new().await;
    let first = bench.start(service()).await;
    let calls = json!([["send", "clerk.double", {"number": 4}]]);
    let vhost = &bench.vhost;
    let replaced = async {
        bench.seen.reaches(1).await;
        drop(first);
        bench.start(service()).await
    };
    let (answered, second) = tokio::join!(call(vhost, trusting(), calls), replaced);
    assert_eq!(answered, [json!({"values": [8]})]);
    second.stop().await;
    let seen = bench.seen.all();
    assert_eq!(seen.len(), 2);
    assert!(!seen[0].is_empty() && seen[0] == seen[1], "NestJS's id names the request: {seen:?}");
}

#[tokio::test]
async fn the_rights_that_follow_from_the_wiring_are_enough_and_a_client_needs_no_more_than_it_uses() {
    let bench = Bench::new().await;
    let service = Service::new("clerk").nest(nest_queue().wildcards());
    for user in ["nest-clerk", "nest-client"] {
        bench.vhost.user(user);
    }
    bench.vhost.grant("nest-clerk", &service.definitions());
    let settings = bench.settings_at(&bench.vhost.url_of("nest-clerk", "nest-clerk"));
    // What the client declares has to be allowed, though it is there.
    bench.vhost.allow("nest-client", "^clerk\\.nest$", "^clerk\\.nest$", "^$");
    let clerk = bench.start_with(service, settings).await;
    let mut options: Value = topical();
    options["urls"] = json!([bench.vhost.url_of("nest-client", "nest-client")]);
    let answered = call(&bench.vhost, options, json!([["send", "clerk.double", {"number": 4}]])).await;
    assert_eq!(answered, [json!({"values": [8]})]);
    clerk.stop().await;
}
