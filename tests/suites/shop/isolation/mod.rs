//! No service touches what is another one's: everything that one could do to another is tried as its user, for all of them. What is
//! tried follows from the committed definitions; what a service shall be able to do at all stands in `shop::rights`.

mod attempts;
mod contracts;

use futures_util::future::join_all;
use serde_json::json;

use super::probe::{Attempt, Broker, Said, committed, expected};
use contracts::Contracts;

/// The first attempts of a service that did not go as they shall, so many of them. A channel is open for one attempt at a time, and
/// a connection for as many as the client has numbers of channels for: where it uses one again, it may tell the error of old.
async fn surprises(broker: &Broker, service: &str, contracts: &Contracts, most: usize) -> Vec<(Attempt, Said)> {
    let mut surprises = Vec::new();
    for attempts in contracts.all_of(service) {
        let user = broker.user(service).await;
        for (attempt, allowed) in attempts {
            let said = user.attempts(&attempt).await;
            if said != expected(allowed) {
                surprises.push((attempt, said));
                if surprises.len() == most {
                    return surprises;
                }
            }
        }
        user.leaves().await;
    }
    surprises
}

#[test]
fn everything_is_tried_for_each_service_and_against_each_other_one() {
    let contracts = Contracts::of(committed());
    assert_eq!(contracts.services.len(), 8, "{:?}", contracts.services);
    for service in &contracts.services {
        let own = contracts.own_work(service);
        assert!(own.len() > 9, "{service} does nothing: {own:?}");
        for other in contracts.services.iter().filter(|other| *other != service) {
            let against = contracts.against(service, other);
            let refused = |is: fn(&Attempt) -> bool| against.iter().any(|(attempt, allowed)| !allowed && is(attempt));
            assert!(refused(|attempt| matches!(attempt, Attempt::Publish { .. })), "{service} publishes {other}'s");
            assert!(refused(|attempt| matches!(attempt, Attempt::DeclareQueue(_))), "{service} declares {other}'s");
            let reads = refused(|attempt| matches!(attempt, Attempt::Get(_)));
            assert_eq!(reads, !contracts.queues_of(other).is_empty(), "{service} reads {other}'s");
            // What one service wants of another is little beside what it could want.
            let allowed = against.iter().filter(|(_, allowed)| *allowed).count();
            assert!(allowed * 2 <= against.len(), "{service} may do {allowed} of {} to {other}", against.len());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_service_touches_what_is_another_ones_and_each_does_its_own_work() {
    let broker = Broker::new();
    let contracts = Contracts::of(broker.definitions());
    let (broker, contracts) = (&broker, &contracts);
    let found =
        join_all(contracts.services.iter().map(|service| {
            Box::pin(async move { (service, surprises(broker, service, contracts, usize::MAX).await) })
        }));
    let found: Vec<_> = found.await.into_iter().filter(|(_, surprises)| !surprises.is_empty()).collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_too_many_or_too_few_is_found() {
    let broker = Broker::new();
    let contracts = Contracts::of(broker.definitions());
    let first = || Box::pin(surprises(&broker, "shipping", &contracts, 1));
    let found = first().await;
    assert!(found.is_empty(), "{found:?}");
    let own = "^shipping\\..*$";
    let both = "^(shipping|payments)\\..*$";
    let hears = "^(orders\\.events|shipping\\..*)$";
    let management = broker.vhost().broker().management();
    let topics = format!("topic-permissions/{}/shipping", broker.vhost().name());
    let general = |configure: &str, write: &str, read: &str| broker.vhost().allow("shipping", configure, write, read);
    let topic = |exchange: &str, write: &str, read: &str| {
        let right = json!({"exchange": exchange, "write": write, "read": read});
        management.put(&topics, &right).expect("granted");
    };
    let changes: [(&str, &dyn Fn(), Said); 8] = [
        ("it configures another's", &|| general(both, own, hears), Said::Allowed),
        ("it writes to another's", &|| general(own, both, hears), Said::Allowed),
        ("it reads another's", &|| general(own, own, "^(orders\\.events|(shipping|payments)\\..*)$"), Said::Allowed),
        ("it says another's events", &|| topic("shipping.events", ".*", ".*"), Said::Allowed),
        ("it hears all of another's events", &|| topic("orders.events", "^$", ".*"), Said::Allowed),
        // Without a topic permission the broker lets every key through.
        ("its keys are not bounded", &|| management.delete(&topics).expect("taken away"), Said::Allowed),
        ("it says nothing", &|| topic("shipping.events", "^$", ".*"), Said::Refused),
        ("it declares nothing", &|| general("^$", own, hears), Said::Refused),
    ];
    for (what, change, said) in changes {
        change();
        let found = first().await;
        assert!(matches!(&found[..], [(_, first)] if *first == said), "{what}: {found:?}");
        broker.grant("shipping");
    }
}
