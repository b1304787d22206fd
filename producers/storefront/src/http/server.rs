//! Opens the port and serves until the storefront stops.

use std::future::IntoFuture;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::http::connection::BoundedListener;
use crate::http::{Site, router};

/// How long open requests may take once the storefront stops; the event streams end at once.
const GRACE: Duration = Duration::from_secs(8);

/// Opens the port.
///
/// # Errors
///
/// When it cannot be opened: which one, why, and what to do.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "HTTP_ADDR={address}: another program listens there; end it or choose another port, for example HTTP_ADDR={}:{}",
            address.ip(),
            address.port().wrapping_add(1).max(1024)
        ),
        _ => format!("HTTP_ADDR={address} cannot be listened on: {error}"),
    })
}

/// Serves the site until its `stopping` turns true and the open requests are answered.
///
/// # Errors
///
/// Those of the listener.
pub async fn serve(listener: TcpListener, site: Site) -> io::Result<()> {
    let mut stopping = site.stopping.clone();
    let mut stopped = stopping.clone();
    let asked_to_stop = async move {
        // A dropped sender is a storefront that is gone: the same.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    };
    let server = axum::serve(BoundedListener::new(listener), router(site)).with_graceful_shutdown(asked_to_stop);
    let out_of_grace = async move {
        let _ = stopped.wait_for(|stopping| *stopping).await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        result = server.into_future() => result,
        () = out_of_grace => Ok(()),
    }
}
