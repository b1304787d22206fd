//! What must hold of everything below `k8s/`.

mod amazon;
mod generated;
mod images;
mod mutations;
mod numbers;
mod pages;
mod renderings;
mod topology;
