//! The edges that the policies allow.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;

use super::actor::Actor;
use super::selector::{contains, selects};
use crate::document::{list, number, of_kind, text};

/// One may open a connection to another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Who opens it.
    pub from: String,
    /// Who is spoken to.
    pub to: String,
    /// `TCP` or `UDP`.
    pub protocol: &'static str,
    /// The port of who is spoken to.
    pub port: i64,
}

impl fmt::Display for Edge {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} -> {}, {} {}", self.from, self.to, self.protocol, self.port)
    }
}

/// Whose policies are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sides {
    /// Those about what is sent.
    Sender,
    /// Those about what is got.
    Receiver,
    /// All of them, as a network does.
    Both,
}

type Port = (&'static str, i64);

/// Every edge between these actors of which one at least is in the shop.
///
/// # Errors
/// A policy says something that is not understood here.
pub fn reach(documents: &[Value], actors: &[Actor], sides: Sides) -> Result<BTreeSet<Edge>, String> {
    let ports = ports(documents);
    let policies: Vec<&Value> = of_kind(documents, "NetworkPolicy").collect();
    // On one side a block of addresses means who is outside; on both it may mean a pod, whose address nobody knows.
    let blocks = sides == Sides::Both;
    let mut may_send = Vec::new();
    let mut may_get = Vec::new();
    for actor in actors {
        may_send.push(End::of(actor, actors, &policies, "Egress", "/spec/egress", "/to", &ports, blocks)?);
        may_get.push(End::of(actor, actors, &policies, "Ingress", "/spec/ingress", "/from", &ports, blocks)?);
    }
    let mut edges = BTreeSet::new();
    for (sender, from) in actors.iter().enumerate() {
        for (receiver, to) in actors.iter().enumerate() {
            if from.namespace != "shop" && to.namespace != "shop" {
                continue;
            }
            for port in &ports {
                let sent = sides == Sides::Receiver || may_send[sender].allows(receiver, *port);
                let got = sides == Sides::Sender || may_get[receiver].allows(sender, *port);
                if sent && got {
                    let (protocol, port) = *port;
                    edges.insert(Edge { from: from.name.clone(), to: to.name.clone(), protocol, port });
                }
            }
        }
    }
    Ok(edges)
}

/// One end of connections: with whom, by which ports. `None` is no policy at all.
struct End(Option<BTreeSet<(usize, Port)>>);

impl End {
    #[expect(clippy::too_many_arguments, reason = "the two directions differ in three words")]
    fn of(
        own: &Actor,
        others: &[Actor],
        policies: &[&Value],
        direction: &str,
        rules: &str,
        peers: &str,
        ports: &BTreeSet<Port>,
        blocks: bool,
    ) -> Result<Self, String> {
        let mut allowed = None;
        for policy in policies {
            let of_own = text(policy, "/metadata/namespace") == own.namespace
                && selects(&policy["spec"]["podSelector"], &own.labels)?;
            if !of_own || !has_direction(policy, direction) {
                continue;
            }
            let allowed = allowed.get_or_insert_with(BTreeSet::new);
            for rule in list(policy, rules) {
                let mut by = Vec::new();
                for port in ports {
                    if is_port(rule, *port)? {
                        by.push(*port);
                    }
                }
                for (place, other) in others.iter().enumerate() {
                    if is_peer(policy, list(rule, peers), other, blocks)? {
                        allowed.extend(by.iter().map(|port| (place, *port)));
                    }
                }
            }
        }
        Ok(Self(allowed))
    }

    fn allows(&self, other: usize, port: Port) -> bool {
        self.0.as_ref().is_none_or(|allowed| allowed.contains(&(other, port)))
    }
}

/// Whether a rule means somebody. Without peers it means everybody.
fn is_peer(policy: &Value, peers: &[Value], other: &Actor, blocks: bool) -> Result<bool, String> {
    for peer in peers {
        let (namespaces, pods) = (peer.get("namespaceSelector"), peer.get("podSelector"));
        let found = if let Some(block) = peer.get("ipBlock") {
            let mut within = false;
            for address in other.addresses.iter().filter(|_| blocks || other.is_outside()) {
                within |= contains(block, *address)?;
            }
            within
        } else if namespaces.is_none() && pods.is_none() {
            return Err(format!("{}: a peer is nobody", text(policy, "/metadata/name")));
        } else if other.is_outside() {
            false
        } else {
            let there = match namespaces {
                Some(selector) => selects(selector, &other.namespace_labels)?,
                None => other.namespace == text(policy, "/metadata/namespace"),
            };
            there && pods.map_or(Ok(true), |selector| selects(selector, &other.labels))?
        };
        if found {
            return Ok(true);
        }
    }
    Ok(peers.is_empty())
}

/// What a policy is about; without a word on it, about what is got, and about what is sent if it has rules on that.
fn has_direction(policy: &Value, direction: &str) -> bool {
    let types = list(policy, "/spec/policyTypes");
    if types.is_empty() {
        return direction == "Ingress" || !list(policy, "/spec/egress").is_empty();
    }
    types.iter().any(|one| one == direction)
}

/// Whether a rule means a port. Without ports it means all.
fn is_port(rule: &Value, (protocol, port): Port) -> Result<bool, String> {
    let ports = list(rule, "/ports");
    for one in ports {
        let of_protocol = one.get("protocol").and_then(Value::as_str).unwrap_or("TCP") == protocol;
        let matches = match one.get("port") {
            None => true,
            Some(first) => {
                let first = first.as_i64().ok_or("write the ports of policies as numbers")?;
                (first..=number(one, "/endPort").unwrap_or(first)).contains(&port)
            }
        };
        if of_protocol && matches {
            return Ok(true);
        }
    }
    Ok(ports.is_empty())
}

/// Every port that a policy names and those beside it, and some that nobody should reach.
fn ports(documents: &[Value]) -> BTreeSet<Port> {
    let mut numbers =
        BTreeSet::from([22, 53, 80, 443, 587, 1883, 4369, 5432, 5671, 5672, 6443, 8080, 9464, 10250, 15672]);
    for policy in of_kind(documents, "NetworkPolicy") {
        for rule in list(policy, "/spec/ingress").iter().chain(list(policy, "/spec/egress")) {
            for port in list(rule, "/ports") {
                let first = number(port, "/port").unwrap_or(1);
                let last = number(port, "/endPort").unwrap_or(first);
                numbers.extend([first - 1, first, first + 1, last, last + 1]);
            }
        }
    }
    numbers.into_iter().flat_map(|port| ["TCP", "UDP"].map(|protocol| (protocol, port))).collect()
}
