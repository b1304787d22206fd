//! Logs on a real broker: read from anywhere, each entry with its effects once, whatever happens to the reader.

mod beginnings;
mod modes;
mod once;
mod rewinding;
mod scribe;
mod steering;
mod trouble;
mod undeliverable;
