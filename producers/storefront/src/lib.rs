//! The shop's page and HTTP interface: says what customers submit, and shows every order's way through the services.

pub mod checkout;
pub mod config;
pub mod detail;
pub mod http;
pub mod journey;
pub mod live;
pub mod memory;
pub mod pace;
pub mod shop;
pub mod strip;
