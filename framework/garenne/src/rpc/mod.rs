//! Request and reply over correlation ids. [`Requester`] sends requests; its [`Mailbox`] matches replies to their callers,
//! one each or, as [`Answers`], several. [`answer`] and [`answer_many`] make a responder of a function. A request without
//! `reply_to` is a command and is treated as an event is.

mod answer;
mod answers;
mod ask_error;
mod caller;
mod foreign;
mod mailbox;
mod problem;
mod refusal;
mod replies;
mod requester;
mod unread;
mod waiters;

pub(crate) use answer::{answer, answer_many, refuse};
pub use answers::Answers;
pub use ask_error::AskError;
pub(crate) use caller::Dialect;
pub(crate) use mailbox::Mailbox;
pub use problem::Problem;
pub use refusal::Refusal;
pub use replies::Replies;
pub(crate) use requester::Requester;
