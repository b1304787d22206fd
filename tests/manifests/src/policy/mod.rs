//! What must hold of every rendering. Each part returns what is wrong, a line each.

mod amazon;
mod broker;
mod database;
mod environment;
mod exposure;
mod lifecycle;
mod observability;
mod placement;
mod podman;
mod scale;
mod security;

pub use observability::{FAMILIES, OF_BROKER};

use crate::document::{is_module, name};
use crate::network;
use crate::render::Rendering;

/// The overlay for pods without Kubernetes, of which most of this is not understood there.
const PODMAN: &str = "overlay podman";
/// The overlays for a desk, whose passwords everybody knows and whose customers are synthetic.
const ON_A_DESK: [&str; 2] = ["overlay local", PODMAN];

/// All that is wrong with a rendering.
#[must_use]
pub fn faults(rendering: &Rendering) -> Vec<String> {
    parts(rendering).iter().flat_map(|part| part(rendering)).collect()
}

/// Whether nothing is wrong with a rendering: quicker than [`faults`] where something is.
#[must_use]
pub fn holds(rendering: &Rendering) -> bool {
    parts(rendering).iter().all(|part| part(rendering).is_empty())
}

type Part = fn(&Rendering) -> Vec<String>;

/// What has to be looked at, the dearest last.
fn parts(rendering: &Rendering) -> Vec<Part> {
    let mut parts: Vec<Part> = vec![modules, security::faults, environment::faults, exposure::faults, amazon::faults];
    if rendering.title == PODMAN {
        parts.push(podman::faults);
        return parts;
    }
    parts.extend([broker::faults, lifecycle::faults, placement::faults, scale::faults] as [Part; 4]);
    parts.extend([database::faults, observability::faults] as [Part; 2]);
    if rendering.has("network-policies") || rendering.is_overlay {
        parts.push(network::faults);
    }
    parts
}

fn modules(rendering: &Rendering) -> Vec<String> {
    let modules: Vec<&str> = rendering.documents.iter().filter(|document| is_module(document)).map(name).collect();
    let wanted = rendering.modules();
    if modules == wanted {
        Vec::new()
    } else {
        vec![format!("the modules are {modules:?}, which should be {wanted:?}")]
    }
}
