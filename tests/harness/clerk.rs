//! The service that the poison suite attacks, as a process of its own: one event, one request, nothing beside the library.

use garenne::{Context, Event, Failure, Refusal, Request, Service};
use serde::{Deserialize, Serialize};

/// Something to react to; owned by a service that no test starts.
#[derive(Debug, Clone, PartialEq, Event, Serialize, Deserialize)]
#[event(name = "desk.ticket-filed")]
pub struct TicketFiled {
    /// Which one.
    pub number: u32,
    /// What the handler shall do: nothing is to succeed.
    #[serde(default)]
    pub mood: Mood,
}

/// What becomes of a ticket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mood {
    /// It is closed.
    #[default]
    Good,
    /// Its handler fails, each time.
    Bad,
    /// Its handler panics, each time.
    Panicky,
}

/// A ticket was dealt with.
#[derive(Debug, Clone, PartialEq, Event, Serialize, Deserialize)]
#[event(name = "clerk.ticket-closed")]
pub struct TicketClosed {
    /// Which one.
    pub number: u32,
    /// The id of the message that said so, if it had one.
    pub message_id: Option<String>,
}

/// Twice a number.
#[derive(Debug, Clone, PartialEq, Request, Serialize, Deserialize)]
#[request(name = "clerk.double", reply = u64)]
pub struct Double {
    /// The number.
    pub number: u32,
}

/// The service.
pub fn clerk() -> Service<()> {
    Service::new("clerk").on(close).answer(double).answers_foreign_clients().publishes::<TicketClosed>()
}

async fn close(ticket: TicketFiled, ctx: Context<()>) -> Result<(), Failure> {
    match ticket.mood {
        Mood::Good => {}
        Mood::Bad => return Err(Failure::retry("a bad mood")),
        Mood::Panicky => panic!("a ticket that panics"),
    }
    let message_id = ctx.message().message_id().map(str::to_owned);
    ctx.publish(&TicketClosed { number: ticket.number, message_id }).await?;
    Ok(())
}

async fn double(ask: Double, _ctx: Context<()>) -> Result<u64, Refusal<garenne::NoError>> {
    Ok(u64::from(ask.number) * 2)
}
