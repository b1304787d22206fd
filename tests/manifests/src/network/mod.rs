//! Who reaches whom, by the network policies.
//!
//! A policy is one-sided: it says what a pod may send, or what it may get. Here each side is computed by itself and compared with what the
//! shop needs, so that no mistake on one side hides behind the other; then both together.

mod actor;
mod need;
mod reach;
mod selector;

use std::collections::BTreeSet;

use serde_json::Value;

pub use actor::{Actor, actors};
pub use need::needs;
pub use reach::{Edge, Sides, reach};

use crate::render::Rendering;

/// Where what the policies allow and what is needed differ, a line each.
#[must_use]
pub fn faults(rendering: &Rendering) -> Vec<String> {
    let documents: &[Value] = &rendering.documents;
    let actors = actors(documents);
    let needs = match needs(rendering) {
        Ok(needs) => needs,
        Err(fault) => return vec![fault],
    };
    let mut found = Vec::new();
    for (sides, words) in [(Sides::Sender, "may send"), (Sides::Receiver, "may be sent"), (Sides::Both, "reaches")] {
        let allowed = match reach(documents, &actors, sides) {
            Ok(allowed) => allowed,
            Err(fault) => return vec![fault],
        };
        let ours = |edge: &&Edge| match sides {
            Sides::Sender => is_ours(&actors, &edge.from),
            Sides::Receiver => is_ours(&actors, &edge.to),
            Sides::Both => true,
        };
        let needed: BTreeSet<Edge> = needs.iter().filter(ours).cloned().collect();
        let allowed: BTreeSet<Edge> = allowed.iter().filter(ours).cloned().collect();
        found.extend(allowed.difference(&needed).map(|edge| format!("{words} without need: {edge}")));
        found.extend(needed.difference(&allowed).map(|edge| format!("should be allowed ({words}): {edge}")));
    }
    found
}

fn is_ours(actors: &[Actor], name: &str) -> bool {
    actors.iter().any(|actor| actor.name == name && actor.namespace == "shop")
}
