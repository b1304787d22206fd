//! NestJS, in both directions.

mod answering;
mod asking;
mod clerk;
mod events;
mod programs;
mod snippets;
