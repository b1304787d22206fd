//! A service: wired by [`Service`], run by [`crate::run`], and what its handlers get.

mod admin;
mod background;
mod client;
mod context;
mod handlers;
mod healthcheck;
mod nest_queue;
mod run;
mod running;
mod service;
mod settings;
mod start_error;

pub use client::Client;
pub use context::Context;
pub use nest_queue::NestQueue;
pub use run::run;
pub use running::Running;
pub use service::Service;
pub use settings::{Settings, SettingsFault};
pub use start_error::StartError;
