//! Removes what earlier editions have left.

use std::convert::Infallible;
use std::time::Duration;

use garenne::Client;

use crate::Analytics;

/// How often it is looked for.
const LOOK: Duration = Duration::from_secs(5);

pub(crate) async fn sweep(client: Client<Analytics>) -> Result<(), Infallible> {
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = client.stopping() => return Ok(()),
        }
        if let Err(error) = client.state().sweep().await {
            tracing::warn!(%error, "what an earlier edition has left is not removed yet; trying again");
        }
    }
}
