//! What must hold of every rendering. Each part returns what is wrong, a line each.

mod environment;
mod exposure;
mod lifecycle;
mod observability;
mod placement;
mod podman;
mod scale;
mod security;

use crate::document::{is_module, name};
use crate::network;
use crate::project::MODULES;
use crate::render::Rendering;

pub use observability::{expressions, names_in};

/// The overlay for pods without Kubernetes, of which most of this is not understood there.
const PODMAN: &str = "overlay podman";

/// All that is wrong with a rendering.
#[must_use]
pub fn faults(rendering: &Rendering) -> Vec<String> {
    let documents = &rendering.documents;
    let modules: Vec<&str> = documents.iter().filter(|document| is_module(document)).map(name).collect();
    let mut found = Vec::new();
    if modules != MODULES {
        found.push(format!("the modules are {modules:?}, which should be {MODULES:?}"));
    }
    found.extend(security::faults(documents));
    found.extend(environment::faults(documents));
    found.extend(exposure::faults(rendering));
    if rendering.title == PODMAN {
        found.extend(podman::faults(documents));
        return found;
    }
    found.extend(lifecycle::faults(documents));
    found.extend(placement::faults(rendering));
    found.extend(scale::faults(rendering));
    found.extend(observability::faults(rendering));
    if rendering.has("network-policies") || rendering.is_overlay {
        found.extend(network::faults(rendering));
    }
    found
}
