//! Writes the shop's pace into the log while there is traffic.

use std::convert::Infallible;
use std::time::Duration;

use garenne::Client;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::app::Storefront;

/// How long one window is.
const WINDOW: Duration = Duration::from_secs(5);

pub(crate) async fn measure(client: Client<Storefront>) -> Result<(), Infallible> {
    let mut began = Instant::now();
    let mut windows = interval_at(began + WINDOW, WINDOW);
    windows.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = client.stopping() => return Ok(()),
            now = windows.tick() => {
                // A busy machine makes windows longer than asked for; the rates must not grow with them.
                if let Some(pace) = client.state().live.close_window(now.max(Instant::now()) - began) {
                    tracing::info!("{pace}");
                }
                began = Instant::now();
            }
        }
    }
}
