//! What must hold of everything below `k8s/`.

mod generated;
mod images;
mod mutations;
mod renderings;
mod topology;
