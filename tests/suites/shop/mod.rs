//! The shop, end to end: services as processes, SQLite files, mail in a folder.

mod foreign;
mod orders;
mod replicas;
