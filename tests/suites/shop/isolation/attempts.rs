//! What is tried, and whether it shall be allowed.

use super::super::probe::Attempt;
use super::contracts::Contracts;

/// Exchanges that are in every vhost. A service has no use for them, and what lies there is for anybody to take.
const NOBODYS: [&str; 5] = ["amq.direct", "amq.fanout", "amq.headers", "amq.match", "amq.topic"];

/// Attempts of one connection, each with whether it shall be allowed.
pub(super) type Attempts = Vec<(Attempt, bool)>;

impl Contracts {
    /// All that a service tries, its own work first.
    pub(super) fn all_of(&self, service: &str) -> Vec<Attempts> {
        let own = self.own_work(service).into_iter().map(|attempt| (attempt, true)).collect();
        let others = self.services.iter().filter(|other| *other != service);
        let against = others.map(|other| self.against(service, other));
        let mut all: Vec<Attempts> = std::iter::once(own).chain(against).chain([self.outside(service)]).collect();
        // The queue that is bound where it may be and where not ends with its connection.
        all.iter_mut().for_each(|attempts| attempts.insert(0, (Attempt::DeclareQueue(probe(service)), true)));
        all
    }

    /// All that a service does: without this, a user without any right would pass.
    pub(super) fn own_work(&self, service: &str) -> Vec<Attempt> {
        let (probe, passing, events) = (probe(service), format!("{service}.passing"), format!("{service}.events"));
        let mut attempts = vec![
            Attempt::DeclareExchange(probe.clone()),
            Attempt::BindExchange { from: events.clone(), to: probe.clone() },
            Attempt::DeclareQueue(passing.clone()),
            Attempt::DeleteQueue(passing.clone()),
            Attempt::DeclareExchange(passing.clone()),
            Attempt::DeleteExchange(passing),
            dead_letter(service, &events),
            hand_on(service, &events),
        ];
        attempts.extend(self.said_by(service).iter().map(|[exchange, name]| Attempt::publish(exchange, name)));
        attempts.extend(self.heard_by(service).iter().map(|[exchange, key]| Attempt::bind(&probe, exchange, key)));
        for queue in self.queues_of(service) {
            if !self.is_stream(&queue) {
                attempts.extend([Attempt::Get(queue.clone()), Attempt::Purge(queue.clone())]);
            }
            attempts.push(Attempt::Consume(queue));
        }
        for [queue, exchange, key] in self.bindings_of(service) {
            attempts.push(Attempt::Bind { queue, exchange, key });
        }
        attempts
    }

    /// All that a service could do to another one.
    pub(super) fn against(&self, service: &str, other: &str) -> Attempts {
        let (probe, events) = (probe(service), format!("{service}.events"));
        let mut attempts = Vec::from(declare(&format!("{other}.probe")).map(|attempt| (attempt, false)));
        for exchange in self.exchanges_of(other) {
            for name in self.names_at(&exchange) {
                attempts.push((Attempt::publish(&exchange, &name), self.says(service, &exchange, &name)));
                attempts.push((Attempt::publish(&events, &name), self.says(service, &events, &name)));
                attempts.push((Attempt::bind(&probe, &exchange, &name), self.hears(service, &exchange, &name)));
            }
            let all = self.hears(service, &exchange, "#");
            attempts.push((Attempt::bind(&probe, &exchange, "#"), all));
            attempts.push((Attempt::BindExchange { from: exchange.clone(), to: probe.clone() }, all));
            // Who may write to an exchange may also lead something else there; the broker makes no difference.
            let speaks = self.speaks_at(service, &exchange);
            attempts.push((Attempt::BindExchange { from: events.clone(), to: exchange.clone() }, speaks));
            attempts.push((dead_letter(service, &exchange), speaks));
            attempts.push((hand_on(service, &exchange), speaks));
            attempts.push((Attempt::DeleteExchange(exchange), false));
        }
        let queues = self.queues_of(other);
        let by_name = queues.first().map(|queue| (Attempt::publish("", queue), self.writes_to_queues(service)));
        attempts.extend(by_name);
        for [queue, exchange, key] in self.bindings_of(other) {
            attempts.push((Attempt::Unbind { queue, exchange, key }, false));
        }
        for queue in queues {
            let stuff = Attempt::bind(&queue, &events, "#");
            let [get, consume] = [Attempt::Get(queue.clone()), Attempt::Consume(queue.clone())];
            let [purge, delete] = [Attempt::Purge(queue.clone()), Attempt::DeleteQueue(queue)];
            attempts.extend([stuff, get, consume, purge, delete].map(|attempt| (attempt, false)));
        }
        attempts
    }

    /// What is neither a service's own nor another one's. A queue without a name gets one that begins with `amq.gen-`.
    pub(super) fn outside(&self, service: &str) -> Attempts {
        let (probe, events) = (probe(service), format!("{service}.events"));
        let mut attempts = vec![Attempt::DeclareQueue(String::new())];
        for name in ["probe", service, &format!("{service}-probe"), &format!("x.{service}.probe")] {
            attempts.extend(declare(name));
        }
        for exchange in NOBODYS {
            attempts.push(Attempt::publish(exchange, "made-up"));
            attempts.push(Attempt::bind(&probe, exchange, "made-up"));
            attempts.push(Attempt::BindExchange { from: events.clone(), to: exchange.to_owned() });
        }
        attempts.into_iter().map(|attempt| (attempt, false)).collect()
    }
}

fn probe(service: &str) -> String {
    format!("{service}.probe")
}

fn declare(name: &str) -> [Attempt; 2] {
    [Attempt::DeclareQueue(name.to_owned()), Attempt::DeclareExchange(name.to_owned())]
}

fn dead_letter(service: &str, to: &str) -> Attempt {
    Attempt::DeadLetter { queue: format!("{service}.dead-for-{to}"), to: to.to_owned() }
}

fn hand_on(service: &str, to: &str) -> Attempt {
    Attempt::HandOn { exchange: format!("{service}.for-{to}"), to: to.to_owned() }
}
