//! Certificates that are replaced under a running service.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use garenne::{Certificates, Context, Refusal, Service};
use rabbitmq_node::Authority;
use serde_json::Value;
use tests::{eventually, lasting};

use super::{broker, clerk, connections, desk, ready, ready_at, start, told};
use crate::library::bench::{Double, Seen, TicketFiled, TooBig};

/// Longer than the time between two looks at the files.
const TWO_LOOKS: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_certificates_are_renewed_without_a_restart_and_no_message_is_lost_or_comes_twice() {
    let broker = broker().await;
    for name in ["desk", "before", "after"] {
        broker.user(name);
    }
    let seen = Seen::default();
    let desk = start(desk(), &seen, broker.settings(&broker.certificate("desk", "desk"))).await;
    let settings = broker.settings(&broker.certificate("before", "clerk"));
    let clerk = start(clerk(), &seen, settings).await;
    let users = |all: Vec<Value>| -> BTreeSet<String> {
        all.iter().filter_map(|connection| connection["user"].as_str().map(str::to_owned)).collect()
    };
    assert_eq!(users(connections(&broker, "clerk", 2).await), BTreeSet::from(["before".to_owned()]));

    let client = desk.client();
    let filing = tokio::spawn(async move {
        for ten in 0..100 {
            let filed = (0..10).map(|one| {
                let (client, ticket) = (client.clone(), TicketFiled { number: ten * 10 + one });
                async move { client.publish(&ticket).await.expect("it is confirmed") }
            });
            join_all(filed).await;
            lasting(Duration::from_millis(80)).await;
        }
    });
    seen.reaches(100).await;
    let renewed = broker.certificate("after", "clerk");
    assert!(renewed.key.is_file());
    eventually("both connections are the new user's", || async {
        let now = users(connections(&broker, "clerk", 2).await);
        if now == BTreeSet::from(["after".to_owned()]) { Ok(()) } else { Err(format!("{now:?}")) }
    })
    .await;
    filing.await.expect("every ticket is filed");
    let mut numbers: Vec<u32> =
        seen.reaches(1000).await.iter().map(|number| number.parse().expect("a number")).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..1000).collect::<Vec<_>>(), "each once");
    ready(&clerk).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_do_not_belong_together_leave_the_connection_as_it_is_until_they_do() {
    let broker = broker().await;
    for name in ["before", "after"] {
        broker.user(name);
    }
    let files = broker.certificate("before", "clerk");
    let clerk = start(clerk(), &Seen::default(), broker.settings(&files)).await;
    let next = broker.certificate("after", "next");
    std::fs::rename(&next.certificate, &files.certificate).expect("the certificate is replaced");
    lasting(TWO_LOOKS).await;
    for connection in connections(&broker, "clerk", 2).await {
        assert_eq!(connection["user"], "before", "{connection}");
    }
    ready(&clerk).await;
    std::fs::rename(&next.key, &files.key).expect("the key is replaced");
    eventually("both connections are the new user's", || async {
        let all = connections(&broker, "clerk", 2).await;
        if all.iter().all(|connection| connection["user"] == "after") { Ok(()) } else { Err(format!("{all:?}")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_connection_is_given_up_for_certificates_with_which_the_next_one_would_fail() {
    let broker = broker().await;
    broker.user("clerk");
    let files = broker.certificate("clerk", "clerk");
    let folder = tempfile::tempdir().expect("a folder");
    let trusted = folder.path().join("ca.crt");
    let right = std::fs::read(broker.authorities()).expect("the authority is read");
    std::fs::write(&trusted, &right).expect("it is written");
    let settings = broker.settings_at("localhost", Certificates::default().signed_by(&trusted), Some(&files));
    let clerk = start(clerk(), &Seen::default(), settings).await;
    // A name says by which port a connection has come: no two that follow each other have the same one.
    let names = |all: Vec<Value>| -> BTreeSet<String> {
        let stays = |connection: &&Value| {
            let name = connection["client_properties"]["connection_name"].as_str().unwrap_or_default();
            !name.ends_with(" renew")
        };
        all.iter().filter(stays).filter_map(|connection| connection["name"].as_str().map(str::to_owned)).collect()
    };
    let first = names(connections(&broker, "clerk", 2).await);
    let untouched = async |since: &BTreeSet<String>, why: &str| {
        let deadline = Instant::now() + TWO_LOOKS;
        while Instant::now() < deadline {
            lasting(Duration::from_millis(100)).await;
            let now = names(connections(&broker, "clerk", 2).await);
            assert_eq!(now, *since, "{why}");
            ready(&clerk).await;
        }
    };
    let stranger = Authority::new("somebody else's").expect("an authority");

    stranger.write(&trusted).expect("it is written");
    untouched(&first, "the new authority has not signed the broker's certificate").await;

    // Both of them, as while an authority is replaced.
    let both = [std::fs::read(&trusted).expect("it is read"), right].concat();
    std::fs::write(&trusted, both).expect("it is written");
    let renewed = async |since: &BTreeSet<String>| {
        eventually("both connections are new ones", || async {
            let now = names(connections(&broker, "clerk", 2).await);
            if now.len() == 2 && now.is_disjoint(since) { Ok(now) } else { Err(format!("{now:?}")) }
        })
        .await
    };
    let second = renewed(&first).await;
    ready(&clerk).await;

    let theirs = stranger.client("clerk").expect("a certificate").write(&folder.path().join("theirs"));
    let theirs = theirs.expect("it is written");
    for (from, to) in [(&theirs.certificate, &files.certificate), (&theirs.key, &files.key)] {
        std::fs::rename(from, to).expect("it is replaced");
    }
    untouched(&second, "the broker's authority has not signed the new certificate").await;

    assert!(broker.certificate("clerk", "clerk").key.is_file());
    renewed(&second).await;
    ready(&clerk).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_outlives_the_authority_when_broker_and_service_get_another_one() {
    let mut broker = broker().await;
    broker.user("clerk");
    let settings = broker.settings(&broker.certificate("clerk", "clerk"));
    let mut clerk = start(clerk(), &Seen::default(), settings).await;
    let broker = tokio::task::spawn_blocking(move || {
        broker.change_authority();
        broker
    });
    let broker = broker.await.expect("it restarts");
    // The new authority has not signed what the service shows still.
    let page = format!("http://{}/readyz", clerk.admin_addr());
    told(&page, "accept this service's certificate").await;
    let renewed = broker.certificate("clerk", "clerk");
    assert!(renewed.certificate.is_file());
    ready_at(&page).await;
    tokio::select! {
        biased;
        error = clerk.failed() => panic!("{error}"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_certificates_are_renewed_no_call_fails_by_whichever_way_its_reply_comes() {
    let broker = broker().await;
    for name in ["clerk", "before", "after"] {
        broker.user(name);
    }
    let clerk = Service::new("clerk").answer(double).answers_foreign_clients();
    let _clerk = start(clerk, &Seen::default(), broker.settings(&broker.certificate("clerk", "clerk"))).await;
    for way in ["queue", "direct"] {
        let porter = Service::new("porter").asks::<Double>();
        let porter = if way == "direct" { porter.direct_replies() } else { porter };
        let settings = broker.settings(&broker.certificate("before", way));
        let porter = start(porter, &Seen::default(), settings).await;
        let renewed = AtomicBool::new(false);
        let calling = async {
            for number in 0_u32.. {
                assert_eq!(porter.client().ask(&Double { number }).await, Ok(number * 2), "{way}");
                if renewed.load(Ordering::SeqCst) {
                    return number;
                }
            }
            unreachable!("numbers end later")
        };
        let renewing = async {
            let first = connections(&broker, "porter", 2).await;
            assert!(first.iter().all(|connection| connection["user"] == "before"), "{first:?}");
            let files = broker.certificate("after", way);
            assert!(files.key.is_file());
            eventually("both connections are the new user's", || async {
                let all = connections(&broker, "porter", 2).await;
                if all.iter().all(|connection| connection["user"] == "after") {
                    Ok(())
                } else {
                    Err(format!("{all:?}"))
                }
            })
            .await;
            renewed.store(true, Ordering::SeqCst);
        };
        let (calls, ()) = tokio::join!(calling, renewing);
        assert!(calls > 10, "{way}: {calls} calls");
        porter.stop().await;
    }
}

/// Takes its time, so that there is always a call under way.
async fn double(ask: Double, _: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
    lasting(Duration::from_millis(20)).await;
    Ok(ask.number * 2)
}
