//! Serves the page and the HTTP interface while the service runs.

use std::sync::Arc;

use garenne::Client;
use tokio::sync::watch;

use crate::app::Storefront;
use crate::http::{self, Site};

pub(crate) async fn serve(client: Client<Storefront>) -> Result<(), String> {
    let address = client.state().http_addr;
    let listener = http::bind(address).await?;
    tracing::info!("the shop is open at http://{address}/");
    let (stop, stopping) = watch::channel(false);
    let live = Arc::clone(&client.state().live);
    let site = Site::new(Arc::new(client.clone()), live, stopping).traced(client.tracer());
    let server = http::serve(listener, site);
    let stopper = async {
        client.stopping().await;
        stop.send_replace(true);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        result = server => result.map_err(|error| format!("the HTTP server failed: {error}")),
        () = stopper => Ok(()),
    }
}
