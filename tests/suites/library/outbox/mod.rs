//! Effects once: the transaction of a message on a real broker, with its outbox and inbox in each kind of database.

mod bookkeeper;
mod careless;
mod commands;
mod commit;
mod duplicates;
mod order;
mod relay;
mod requests;
