//! The services as processes: several replicas of each, each behind a proxy of its own.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Instant;

use machine::ports;
use tests::http::get;
use tests::{CONSUMERS, Proxy, ServiceProcess, Vhost, eventually, grant};

use crate::books::Databases;
use crate::options::Options;

/// Replicas of each service that reacts.
pub(crate) const REPLICAS: usize = 2;
/// The steps stay well above the outages that a run makes: `payments` allows five attempts, 14 s with these.
const RETRY_LADDER: &str = "500,1500,4000,8000,16000,32000";
/// Seconds.
const DRAIN: &str = "5";

/// All processes of the shop.
#[derive(Debug)]
pub(crate) struct Fleet {
    replicas: Vec<Replica>,
    databases: Databases,
    folder: PathBuf,
}

#[derive(Debug)]
struct Replica {
    service: &'static str,
    number: usize,
    /// How often it has been started.
    life: usize,
    admin: u16,
    proxy: Proxy,
    url: String,
    process: ServiceProcess,
}

impl Fleet {
    /// Starts every service with its least rights, and waits until all are ready.
    pub(crate) async fn start(options: &Options, vhost: &Vhost, databases: &Databases) -> Self {
        let folder = options.folder.join("logs");
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut fleet = Self { replicas: Vec::new(), databases: databases.clone(), folder };
        for service in CONSUMERS.into_iter().chain(["storefront"]) {
            grant(vhost, service);
            let count = if service == "storefront" { 1 } else { REPLICAS };
            for number in 1..=count {
                let proxy = Proxy::new(vhost);
                let url = proxy.url_of(vhost, service, service);
                let (admin, process) = fleet.spawn(service, number, 1, &url);
                fleet.replicas.push(Replica { service, number, life: 1, admin, proxy, url, process });
            }
        }
        eventually("every service ready", || async { fleet.ready().await }).await;
        fleet
    }

    /// Whether every replica says that it consumes and can publish; otherwise who does not.
    pub(crate) async fn ready(&self) -> Result<(), String> {
        for Replica { service, number, admin, .. } in &self.replicas {
            match get(&format!("http://127.0.0.1:{admin}/readyz")).await {
                Ok(answer) if answer.status == 200 => {}
                Ok(answer) => return Err(format!("{service}-{number}: {}", answer.text.trim())),
                Err(error) => return Err(format!("{service}-{number}: {error}")),
            }
        }
        Ok(())
    }

    /// Kills a replica and starts it again; returns the moment of its start.
    pub(crate) async fn kill(&mut self, service: &str, replica: usize) -> Instant {
        let index = self.index(service, replica);
        self.replicas[index].process.kill();
        self.replicas[index].process.ended().await;
        self.restart(index)
    }

    /// Asks a replica to stop and starts it again when it has; returns the moment of its start and how it ended.
    pub(crate) async fn terminate(&mut self, service: &str, replica: usize) -> (Instant, ExitStatus) {
        let index = self.index(service, replica);
        self.replicas[index].process.terminate();
        let ended = self.replicas[index].process.ended().await;
        (self.restart(index), ended)
    }

    /// The proxies in front of a service's replicas.
    pub(crate) fn proxies(&self, service: &str) -> impl Iterator<Item = &Proxy> {
        self.replicas.iter().filter(move |replica| replica.service == service).map(|replica| &replica.proxy)
    }

    /// The replicas that have ended without being asked to.
    pub(crate) fn crashed(&mut self) -> Vec<String> {
        let ended = self.replicas.iter_mut().filter_map(|replica| {
            let status = replica.process.exited()?;
            Some(format!("{}-{} ended with {status}", replica.service, replica.number))
        });
        ended.collect()
    }

    /// Asks all of them to stop, and waits; returns who did not end well.
    pub(crate) async fn stop(&mut self) -> Vec<String> {
        let crashed = self.crashed();
        if !crashed.is_empty() {
            return crashed;
        }
        for replica in &self.replicas {
            replica.process.terminate();
        }
        let mut faults = Vec::new();
        for Replica { service, number, process, .. } in &mut self.replicas {
            let status = process.ended().await;
            if !status.success() {
                faults.push(format!("{service}-{number} was asked to stop and ended with {status}"));
            }
        }
        faults
    }

    fn index(&self, service: &str, replica: usize) -> usize {
        let found = self.replicas.iter().position(|one| one.service == service && one.number == replica + 1);
        found.unwrap_or_else(|| panic!("there is no {service}-{}", replica + 1))
    }

    fn restart(&mut self, index: usize) -> Instant {
        let (service, number, life) =
            (self.replicas[index].service, self.replicas[index].number, self.replicas[index].life + 1);
        let (admin, process) = self.spawn(service, number, life, &self.replicas[index].url);
        let started = Instant::now();
        let replica = &mut self.replicas[index];
        (replica.life, replica.admin, replica.process) = (life, admin, process);
        started
    }

    fn spawn(&self, service: &str, number: usize, life: usize, url: &str) -> (u16, ServiceProcess) {
        let admin = ports::free().expect("a free port");
        let mut environment = vec![
            ("AMQP_URL", url.to_owned()),
            ("ADMIN_ADDR", format!("127.0.0.1:{admin}")),
            ("INSTANCE", format!("{service}-{number}")),
            ("MAIL_DIR", self.databases.mail()),
            ("RETRY_LADDER_MS", RETRY_LADDER.to_owned()),
            ("DRAIN_SECONDS", DRAIN.to_owned()),
        ];
        match self.databases.url(service) {
            Some(url) => environment.push(("DATABASE_URL", url.to_owned())),
            None => environment.push(("HTTP_ADDR", format!("127.0.0.1:{}", ports::free().expect("a free port")))),
        }
        // Each life has a log of its own: what a replica said before it died stays.
        let name = format!("{service}-{number}.{life}");
        (admin, ServiceProcess::start(service, &name, &self.folder, &environment))
    }
}
