//! The Kubernetes manifests below `k8s/`: what of them is generated, how they are rendered, and what must hold of all of them.
//!
//! Nothing here knows the library: its settings, its metrics and the shop's queues are read from the project's own files.

mod combination;
pub mod definitions;
pub mod document;
pub mod generated;
pub mod network;
pub mod page;
pub mod policy;
pub mod project;
mod render;
pub mod scaling;
pub mod sources;
pub mod tools;
pub mod topology;
mod validation;

pub use combination::{Combination, all};
pub use render::{Rendering, overlays, render, render_folder, render_on};
pub use validation::{KUBERNETES, validate, validate_on};
