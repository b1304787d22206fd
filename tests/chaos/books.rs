//! What the services keep their books in: files, or a PostgreSQL server that can be broken.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use postgres_node::{Installation, Server, ServerOptions};
use tests::books::Books;
use tests::faults::Kind;
use tests::{CONSUMERS, blocking, lasting};

use crate::options::{Options, Store};

/// The databases of the run.
#[derive(Debug, Clone)]
pub(crate) struct Databases {
    urls: BTreeMap<String, String>,
    server: Option<Arc<Mutex<Server>>>,
    mail: PathBuf,
}

impl Databases {
    /// An empty database for each service.
    pub(crate) async fn create(options: &Options) -> Self {
        let mail = options.folder.join("mail");
        if options.store == Store::Postgres {
            let folder = options.folder.join("postgres");
            let server = blocking(move || {
                let installation = Installation::find().expect("PostgreSQL, which `cargo xtask chaos` installs");
                let server = Server::start(&installation, &ServerOptions::new(folder));
                let server = server.unwrap_or_else(|error| panic!("{error}"));
                for service in CONSUMERS {
                    server.create_database(service).unwrap_or_else(|error| panic!("{error}"));
                }
                server
            })
            .await;
            let urls = CONSUMERS.map(|service| (service.to_owned(), server.url(service)));
            return Self { urls: urls.into(), server: Some(Arc::new(Mutex::new(server))), mail };
        }
        let folder = options.folder.join("books");
        std::fs::create_dir_all(&folder).expect("a folder");
        let url = |service: &str| format!("sqlite://{}?mode=rwc", folder.join(format!("{service}.db")).display());
        let urls = CONSUMERS.map(|service| (service.to_owned(), url(service)));
        Self { urls: urls.into(), server: None, mail }
    }

    /// The database of a service; nothing for one that has none.
    pub(crate) fn url(&self, service: &str) -> Option<&str> {
        self.urls.get(service).map(String::as_str)
    }

    /// Where the mail goes.
    pub(crate) fn mail(&self) -> String {
        self.mail.display().to_string()
    }

    /// For the audit.
    pub(crate) fn books(&self) -> Books {
        Books::new(self.urls.clone(), self.mail.clone())
    }

    /// The faults that can happen to them.
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        if self.server.is_some() { vec![Kind::RestartPostgres, Kind::KillPostgres] } else { Vec::new() }
    }

    /// Takes the server away for so long and brings it back; returns the moment at which it answered again.
    pub(crate) async fn interrupt(&self, orderly: bool, lasts: Duration) -> Instant {
        let server = self.server.clone().expect("a server, since its faults are drawn");
        let down = Arc::clone(&server);
        blocking(move || {
            let mut server = down.lock().unwrap_or_else(PoisonError::into_inner);
            if orderly { server.stop() } else { server.kill() }.expect("PostgreSQL ends");
        })
        .await;
        lasting(lasts).await;
        blocking(move || {
            server.lock().unwrap_or_else(PoisonError::into_inner).restart().expect("PostgreSQL comes back");
        })
        .await;
        Instant::now()
    }

    /// Stops the server, if there is one.
    pub(crate) async fn stop(&self) {
        if let Some(server) = self.server.clone() {
            blocking(move || drop(server.lock().unwrap_or_else(PoisonError::into_inner).stop())).await;
        }
    }
}
