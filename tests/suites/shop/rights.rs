//! What each service's user may do, and above all what not: probed on the broker, with the rights that
//! `infra/rabbitmq/definitions.json` gives.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use tests::program;

use super::probe::{Attempt, Broker, Said, committed, expected};

/// A service as the shop wants it.
pub(super) struct Member {
    pub(super) name: &'static str,
    says: &'static [&'static str],
    hears: &'static [&'static str],
    asks: &'static [&'static str],
    answers: bool,
    /// Whether it hears everything that anybody says.
    observes: bool,
}

pub(super) const SHOP: [Member; 8] = [
    Member {
        name: "storefront",
        says: &["storefront.checkout-submitted"],
        hears: &[],
        asks: &["inventory.check-stock", "inventory.list-stock", "orders.get-order"],
        answers: false,
        observes: true,
    },
    Member {
        name: "shoppers",
        says: &["storefront.checkout-submitted"],
        hears: &[],
        asks: &["inventory.list-stock"],
        answers: false,
        observes: false,
    },
    Member {
        name: "orders",
        says: &["orders.order-placed", "orders.order-confirmed", "orders.order-cancelled"],
        hears: &[
            "storefront.checkout-submitted",
            "inventory.stock-reserved",
            "inventory.stock-rejected",
            "payments.payment-captured",
            "payments.payment-declined",
            "shipping.shipment-dispatched",
        ],
        asks: &[],
        answers: true,
        observes: false,
    },
    Member {
        name: "inventory",
        says: &["inventory.stock-reserved", "inventory.stock-rejected", "inventory.stock-released"],
        hears: &["orders.order-placed", "orders.order-cancelled"],
        asks: &[],
        answers: true,
        observes: false,
    },
    Member {
        name: "payments",
        says: &["payments.payment-captured", "payments.payment-declined"],
        hears: &["inventory.stock-reserved"],
        asks: &[],
        answers: false,
        observes: false,
    },
    Member {
        name: "shipping",
        says: &["shipping.shipment-dispatched"],
        hears: &["orders.order-confirmed"],
        asks: &[],
        answers: false,
        observes: false,
    },
    Member {
        name: "notifications",
        says: &[],
        hears: &["orders.order-confirmed", "orders.order-cancelled", "shipping.shipment-dispatched"],
        asks: &[],
        answers: false,
        observes: false,
    },
    // It binds the log to everything.
    Member { name: "analytics", says: &[], hears: &[], asks: &[], answers: true, observes: true },
];

/// What `analytics` keeps, under a name that is nobody's.
pub(super) const LOG: &str = "shop.log";

const REQUESTS: [&str; 5] =
    ["analytics.rebuild", "analytics.sales", "inventory.check-stock", "inventory.list-stock", "orders.get-order"];

impl Member {
    fn owns(&self, name: &str) -> bool {
        name.strip_prefix(self.name).is_some_and(|rest| rest.starts_with('.'))
    }
}

/// Every event of the shop, with what each consumer says about its own failures.
fn events() -> BTreeSet<String> {
    let said = SHOP.iter().flat_map(|member| member.says).map(|name| (*name).to_owned());
    let consumers = SHOP.iter().filter(|member| !member.hears.is_empty() || member.answers);
    let notices = consumers.flat_map(|member| {
        ["delivery-retried", "delivery-dead-lettered"].map(|notice| format!("{}.{notice}", member.name))
    });
    said.chain(notices).collect()
}

fn owner(name: &str) -> &str {
    name.split('.').next().unwrap_or_default()
}

#[test]
fn the_committed_rights_and_objects_are_those_that_the_services_ask_for_themselves() {
    let committed = committed();
    for kind in ["exchanges", "queues", "bindings", "permissions", "topic_permissions"] {
        let sorted = |list: &Value| -> BTreeSet<String> {
            list.as_array().into_iter().flatten().map(ToString::to_string).collect()
        };
        let asked: BTreeSet<String> = SHOP
            .iter()
            .flat_map(|member| {
                let output = Command::new(program(member.name)).arg("definitions").env_clear().output();
                let text = output.expect("it prints its definitions").stdout;
                sorted(&serde_json::from_slice::<Value>(&text).expect("JSON")[kind])
            })
            .collect();
        let is_ours = |text: &String| {
            // What a scanner may do stands beside what the services may.
            let of_service = SHOP.iter().any(|member| text.contains(&format!("\"{}", member.name)));
            (text.contains(LOG) || of_service) && !text.contains("\"scanner-1\"")
        };
        let given: BTreeSet<String> = sorted(&committed[kind]).into_iter().filter(is_ours).collect();
        let more: Vec<_> = given.difference(&asked).collect();
        let less: Vec<_> = asked.difference(&given).collect();
        assert!(more.is_empty() && less.is_empty(), "{kind}: committed only: {more:#?}; asked for only: {less:#?}");
    }
}

#[tokio::test]
async fn a_service_publishes_the_events_that_it_declares_and_nothing_else_of_its_own_or_anothers() {
    let broker = Broker::new();
    for member in &SHOP {
        let user = broker.user(member.name).await;
        for event in &events() {
            let notice = event.contains(".delivery-") && member.owns(event);
            let allowed = member.says.contains(&event.as_str()) || notice;
            let said = user.publishes(&format!("{}.events", owner(event)), event).await;
            assert_eq!(said, expected(allowed), "{} publishes {event}", member.name);
        }
        for undeclared in ["made-up", "", "checkout-submitted", "delivery-retried.more"] {
            let key = format!("{}.{undeclared}", member.name);
            let said = user.publishes(&format!("{}.events", member.name), &key).await;
            let declared = member.says.contains(&key.as_str());
            assert_eq!(said, expected(declared), "{} publishes {key}", member.name);
        }
    }
}

#[tokio::test]
async fn a_service_writes_to_no_exchange_of_another_except_to_ask_and_to_reply() {
    let broker = Broker::new();
    for member in &SHOP {
        let user = broker.user(member.name).await;
        for request in REQUESTS {
            let said = user.publishes(&format!("{}.requests", owner(request)), request).await;
            assert_eq!(said, expected(member.asks.contains(&request)), "{} asks {request}", member.name);
        }
        for exchange in broker.exchanges.iter().filter(|exchange| !member.owns(exchange)) {
            let replies = member.answers && exchange.ends_with(".replies");
            for key in ["made-up", "#", ""] {
                let said = user.publishes(exchange, key).await;
                assert_eq!(said, expected(replies), "{} publishes {key:?} to {exchange}", member.name);
            }
        }
        // Through the default exchange any queue could be reached. Who answers foreign clients does so with it.
        let said = user.publishes("", "orders.dlq").await;
        assert_eq!(
            said,
            expected(["inventory", "analytics"].contains(&member.name)),
            "{} uses the default exchange",
            member.name
        );
        // What comes back from the retry ladder is believed about attempts, and what comes from devices about its device.
        for own in ["redeliver", "devices"].map(|exchange| format!("{}.{exchange}", member.name)) {
            if broker.exchanges.contains(&own) {
                let said = user.publishes(&own, "50.made-up").await;
                assert_eq!(said, Said::Refused, "{} publishes to {own}", member.name);
            }
        }
    }
}

#[tokio::test]
async fn a_service_binds_only_to_what_it_subscribes_to() {
    let broker = Broker::new();
    for member in &SHOP {
        let user = broker.user(member.name).await;
        for event in &events() {
            // Nobody listens to what analytics says but the log.
            let observes = member.observes && owner(event) != "analytics";
            let allowed = observes || member.owns(event) || member.hears.contains(&event.as_str());
            let said = user.binds(&format!("{}.events", owner(event)), event).await;
            assert_eq!(said, expected(allowed), "{} binds to {event}", member.name);
        }
        for other in SHOP.iter().filter(|other| other.name != member.name && !other.says.is_empty()) {
            for wildcard in ["#", "*.*", &format!("{}.#", other.name)] {
                let allowed = member.observes && (other.name != "shoppers" || member.name == "analytics");
                let exchange = format!("{}.events", other.name);
                let said = user.binds(&exchange, wildcard).await;
                assert_eq!(said, expected(allowed), "{} binds to {wildcard} of {exchange}", member.name);
            }
        }
        for exchange in broker.exchanges.iter().filter(|name| !member.owns(name) && !name.ends_with(".events")) {
            assert_eq!(user.binds(exchange, "#").await, Said::Refused, "{} binds to {exchange}", member.name);
        }
    }
}

#[tokio::test]
async fn a_service_neither_reads_nor_empties_nor_deletes_the_queue_of_another() {
    let broker = Broker::new();
    for member in &SHOP {
        let user = broker.user(member.name).await;
        let keeps = member.name == "analytics";
        for queue in broker.queues.iter().filter(|queue| !queue.contains(".retry.") && (*queue != LOG || !keeps)) {
            let what = format!("{} and {queue}", member.name);
            assert_eq!(
                user.attempts(&Attempt::Get(queue.clone())).await,
                expected(member.owns(queue)),
                "reading: {what}"
            );
            if member.owns(queue) {
                continue;
            }
            for attempt in [Attempt::Purge(queue.clone()), Attempt::DeleteQueue(queue.clone())] {
                assert_eq!(user.attempts(&attempt).await, Said::Refused, "{}: {attempt:?}", member.name);
            }
        }
    }
}

#[tokio::test]
async fn a_service_declares_only_under_its_own_name() {
    let broker = Broker::new();
    for member in &SHOP {
        let user = broker.user(member.name).await;
        let declares = async |name: &str| {
            let attempts = [Attempt::DeclareQueue(name.to_owned()), Attempt::DeclareExchange(name.to_owned())];
            [user.attempts(&attempts[0]).await, user.attempts(&attempts[1]).await]
        };
        let own = format!("{}.probe", member.name);
        assert_eq!(declares(&own).await, [Said::Allowed, Said::Allowed]);
        let others = SHOP.iter().filter(|other| other.name != member.name).map(|other| format!("{}.probe", other.name));
        let near = ["probe".to_owned(), format!("x{own}"), format!("x.{own}"), member.name.to_owned() + "-probe"];
        for name in others.chain(near) {
            assert_eq!(declares(&name).await, [Said::Refused, Said::Refused], "{} declares {name}", member.name);
        }
    }
}
