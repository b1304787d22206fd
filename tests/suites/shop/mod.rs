//! The shop, end to end: services as processes, SQLite files, mail in a folder.

mod analytics;
mod bad_input;
mod foreign;
mod http;
mod isolation;
mod lines;
mod log_rights;
mod metrics;
mod orders;
mod page;
mod probe;
mod replicas;
mod rights;
mod start;
mod traces;
