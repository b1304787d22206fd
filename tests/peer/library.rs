//! Both sides as services of the library.

use std::convert::Infallible;
use std::process::ExitCode;
use std::time::Duration;

use garenne::{AskError, Client, Context, NoError, Options, Refusal, Service};
use serde_json::json;

use crate::contract::{CheckStock, StockLevel};
use crate::load::{self, Fate};
use crate::orders;

/// How long each answer takes.
struct Work(Duration);

async fn check_stock(ask: CheckStock, ctx: Context<Work>) -> Result<StockLevel, Refusal<NoError>> {
    let Work(time) = ctx.state();
    if !time.is_zero() {
        tests::lasting(*time).await;
    }
    Ok(ask.answer())
}

/// Answers, until it is asked to stop.
pub(crate) fn answer() -> ExitCode {
    let _reporting = orders::report_use();
    let work = std::env::var("RPC_WORK_MS").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let options = Options::new().concurrency(64);
    let service = Service::new("warehouse").answer_with(check_stock, options).answers_foreign_clients();
    garenne::run(service, async move || Ok::<_, Infallible>(Work(Duration::from_millis(work))))
}

/// Asks as it is ordered to. `RPC_DIRECT=1` takes the replies by direct reply-to.
pub(crate) fn ask() -> ExitCode {
    let service = Service::new("desk").asks::<CheckStock>().background("orders", take_orders);
    let direct = std::env::var("RPC_DIRECT").is_ok();
    garenne::run(if direct { service.direct_replies() } else { service }, async || Ok::<_, Infallible>(()))
}

async fn take_orders(client: Client<()>) -> Result<(), Infallible> {
    let mut orders = orders::loads();
    loop {
        let load = tokio::select! {
            load = orders.recv() => load,
            () = client.stopping() => None,
        };
        let Some(load) = load else { return Ok(()) };
        let client = client.clone();
        let call = move |number, patience| {
            let client = client.clone();
            async move { call(&client, number, patience).await }
        };
        orders::say(&json!(load::run(&load, call).await));
    }
}

async fn call(client: &Client<()>, number: u32, patience: Duration) -> Fate {
    match client.ask_within(&CheckStock::about(number), patience).await {
        Ok(level) => Ok(level.belongs_to(number)),
        Err(error) => Err(match error {
            AskError::Timeout { .. } => "timeout",
            AskError::Disconnected { .. } => "disconnected",
            AskError::NobodyThere { .. } => "nobody there",
            AskError::TooManyCalls { .. } => "too many calls",
            AskError::Problem(_) => "problem",
            AskError::Publish(_) => "publish",
            _ => "other",
        }),
    }
}
