//! Malformed messages from anybody: each is a dead letter with a reason, was valid after all, or is refused by the broker, and the
//! service goes on. `POISON_MESSAGES` says how many are sent, `POISON_SEED` which.

mod attack;
mod bodies;
mod dice;
mod draft;
mod headers;
mod kinds;
mod ledger;
mod properties;
mod requests;
