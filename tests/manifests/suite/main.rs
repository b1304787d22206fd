//! What must hold of everything below `k8s/`.
#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

mod amazon;
mod generated;
mod images;
mod mutations;
mod renderings;
mod topology;
