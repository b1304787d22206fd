//! Request and reply over correlation ids. [`Requester`] sends requests and matches replies to their callers;
//! [`answer`] makes a responder of a function. A request without `reply_to` is a command and is treated as an event is.

mod answer;
mod ask_error;
mod problem;
mod refusal;
mod requester;
mod waiters;

pub(crate) use answer::answer;
pub use ask_error::AskError;
pub use problem::Problem;
pub use refusal::Refusal;
pub(crate) use requester::Requester;
