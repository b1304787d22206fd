//! Request and reply without gaps: deadlines, both ways for replies, several replies, commands, errors of any shape.

mod commands;
mod deadlines;
mod load;
mod numbers;
mod problems;
mod replicas;
mod several;
mod transports;

use std::time::{SystemTime, UNIX_EPOCH};

use garenne::{Context, Refusal};

use super::bench::{Double, Seen, TooBig};

/// Twice the number, up to a limit.
async fn double(ask: Double, ctx: Context<Seen>) -> Result<u32, Refusal<TooBig>> {
    ctx.state().note(ask.number.to_string());
    if ask.number > 1000 { Err(Refusal::domain(TooBig { limit: 1000 })) } else { Ok(ask.number * 2) }
}

/// Milliseconds since 1970, as the header `garenne-deadline` has them.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::try_from(since.as_millis()).expect("before the year 500,000,000")
}
