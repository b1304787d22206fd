//! A service's own database: SQL through sqlx, the kind chosen by the URL.
//!
//! [`Store`] opens the database, brings its tables up to date and gives transactions. [`Word`] and [`Json`]
//! put checked values into text columns.
//!
//! Statements are written once for every kind of database: placeholders `$1`, columns `TEXT` and `BIGINT`,
//! `INSERT … ON CONFLICT DO NOTHING`, `UPDATE … RETURNING`. What differs stays in here.

mod column;
mod error;
mod sqlite;
mod store;
mod tables;

pub use column::{Json, Word};
pub use error::StoreError;
pub(crate) use store::Kind;
pub use store::{Store, Transaction};
