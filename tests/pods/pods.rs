//! The shop as pods. What a cluster's controllers would do is done here, since podman does not: replicas that come and go, one after the
//! other, and who is asked when the storefront is.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use manifests::document::{containers, is_module, kind, list, name, number, of_kind, text};
use serde_json::{Value, json};
use tests::eventually;
use tests::http::get;

use crate::podman::{address, network, play, podman};

/// Who is called from outside.
const STOREFRONT: &str = "storefront";
/// Who orders by themselves: they come when somebody listens to what they do.
pub(crate) const SHOPPERS: &str = "shoppers";
/// What Kubernetes gives a pod that does not say how long it needs.
const GRACE: i64 = 30;

/// The base URLs at which the storefront may be asked, as the endpoints of its Service would be.
pub(crate) type Endpoints = Arc<Mutex<Vec<String>>>;

/// All pods.
#[derive(Debug)]
pub(crate) struct Pods {
    folder: PathBuf,
    /// What pods refer to.
    shared: Vec<Value>,
    modules: BTreeMap<String, Module>,
    endpoints: Endpoints,
    /// How many pods have been started.
    pub(crate) started: usize,
    /// Who was asked to stop and did not end well.
    pub(crate) complaints: Vec<String>,
}

/// A module and its pods that run, the oldest first.
#[derive(Debug)]
struct Module {
    deployment: Value,
    next: usize,
    running: Vec<Pod>,
}

#[derive(Debug, Clone)]
struct Pod {
    name: String,
    address: String,
}

impl Pods {
    /// Plays the whole overlay but the shoppers: the servers first, since a module that does not find its database ends and is started
    /// again.
    pub(crate) async fn open(folder: PathBuf, documents: &[Value]) -> Result<Self, String> {
        podman(&["network", "create", "--internal", &network()]).await?;
        let (modules, servers): (Vec<&Value>, Vec<&Value>) =
            documents.iter().filter(|one| name(one) != SHOPPERS).partition(|one| kind(one) == "Deployment");
        play(&folder, &servers).await?;
        play(&folder, &modules).await?;
        let mut pods = Self {
            folder,
            shared: of_kind(documents, "ConfigMap").cloned().collect(),
            modules: BTreeMap::new(),
            endpoints: Endpoints::default(),
            started: documents.iter().filter(|document| kind(document) == "Pod").count(),
            complaints: Vec::new(),
        };
        for deployment in documents.iter().filter(|document| is_module(document)) {
            let mut module = Module { deployment: deployment.clone(), next: 0, running: Vec::new() };
            let replicas = if name(deployment) == SHOPPERS { 0 } else { wanted(deployment) };
            for _ in 0..replicas {
                let pod = module.next_name();
                module.running.push(Pod { address: address(&pod).await?, name: pod });
                pods.started += 1;
            }
            pods.modules.insert(name(deployment).to_owned(), module);
        }
        Ok(pods)
    }

    /// The names of the modules.
    pub(crate) fn modules(&self) -> Vec<String> {
        self.modules.keys().cloned().collect()
    }

    /// How many pods of a module run.
    pub(crate) fn replicas(&self, module: &str) -> usize {
        self.modules[module].running.len()
    }

    /// Where the storefront is asked; it changes with its pods.
    pub(crate) fn endpoints(&self) -> Endpoints {
        Arc::clone(&self.endpoints)
    }

    /// The URL of each module's database at the address at which PostgreSQL is reached from here.
    pub(crate) fn databases(&self, server: &str) -> BTreeMap<String, String> {
        let url = |(name, module): (&String, &Module)| {
            let url = module.variable("DATABASE_URL")?;
            Some((name.clone(), url.replace("@postgres:", &format!("@{server}:"))))
        };
        self.modules.iter().filter_map(url).collect()
    }

    /// Waits until every pod says that it consumes and can publish.
    pub(crate) async fn ready(&mut self) {
        for module in self.modules.values() {
            for pod in &module.running {
                module.ready(pod).await;
            }
        }
        self.announce();
    }

    /// Lets the shoppers in, as many as the overlay has.
    pub(crate) async fn let_shoppers_in(&mut self) -> Result<(), String> {
        let replicas = wanted(&self.module(SHOPPERS).deployment);
        self.scale(SHOPPERS, replicas).await
    }

    /// Starts or stops pods of a module until there are so many.
    pub(crate) async fn scale(&mut self, module: &str, replicas: usize) -> Result<(), String> {
        while self.replicas(module) < replicas {
            self.start(module).await?;
        }
        while self.replicas(module) > replicas {
            self.stop_oldest(module).await?;
        }
        Ok(())
    }

    /// Kills a pod of a module as the end of its node would, and starts another one.
    pub(crate) async fn kill(&mut self, module: &str) -> Result<(), String> {
        let pod = self.module(module).running.remove(0);
        self.announce();
        podman(&["pod", "rm", "--force", "--time", "0", &pod.name]).await?;
        self.start(module).await
    }

    /// Replaces every pod of a module: another one is ready before one is asked to stop.
    pub(crate) async fn roll(&mut self, module: &str) -> Result<(), String> {
        for _ in 0..self.replicas(module) {
            self.start(module).await?;
            self.stop_oldest(module).await?;
        }
        Ok(())
    }

    async fn start(&mut self, name: &str) -> Result<(), String> {
        let module = self.module(name);
        let pod = module.next_name();
        let document = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": pod, "labels": module.deployment["spec"]["template"]["metadata"]["labels"]},
            "spec": module.deployment["spec"]["template"]["spec"],
        });
        let documents: Vec<&Value> = self.shared.iter().chain([&document]).collect();
        play(&self.folder, &documents).await?;
        let pod = Pod { address: address(&pod).await?, name: pod };
        let module = self.module(name);
        module.ready(&pod).await;
        module.running.push(pod);
        self.started += 1;
        self.announce();
        Ok(())
    }

    /// Asks the oldest pod of a module to stop, for as long as its manifest allows, and removes it.
    async fn stop_oldest(&mut self, name: &str) -> Result<(), String> {
        let module = self.module(name);
        let pod = module.running.remove(0);
        let grace = number(&module.deployment, "/spec/template/spec/terminationGracePeriodSeconds").unwrap_or(GRACE);
        self.announce();
        // Stopping the pod would take its network away while the service drains.
        let container = format!("{}-service", pod.name);
        podman(&["stop", "--time", &grace.to_string(), &container]).await?;
        let code = podman(&["inspect", "--format", "{{.State.ExitCode}}", &container]).await?;
        if code != "0" {
            let said = podman(&["logs", "--tail", "3", &container]).await.unwrap_or_default();
            self.complaints.push(format!("{} was asked to stop and ended with {code}: {said}", pod.name));
        }
        podman(&["pod", "rm", "--force", "--time", "0", &pod.name]).await.map(drop)
    }

    /// Tells where the storefront is.
    fn announce(&self) {
        let Some(module) = self.modules.get(STOREFRONT) else { return };
        let port = module.port("HTTP_ADDR");
        let urls = module.running.iter().map(|pod| format!("http://{}:{port}", pod.address)).collect();
        *self.endpoints.lock().unwrap_or_else(PoisonError::into_inner) = urls;
    }

    fn module(&mut self, name: &str) -> &mut Module {
        self.modules.get_mut(name).unwrap_or_else(|| panic!("the overlay has no module {name}"))
    }
}

/// How many replicas a manifest asks for.
fn wanted(deployment: &Value) -> usize {
    number(deployment, "/spec/replicas").and_then(|number| number.try_into().ok()).unwrap_or(1)
}

impl Module {
    /// As podman calls the pods of a Deployment, from 0 on.
    fn next_name(&mut self) -> String {
        self.next += 1;
        format!("{}-pod-{}", name(&self.deployment), self.next - 1)
    }

    async fn ready(&self, pod: &Pod) {
        let url = format!("http://{}:{}/readyz", pod.address, self.port("ADMIN_ADDR"));
        eventually(&format!("{} is ready", pod.name), || async {
            let answer = get(&url).await?;
            if answer.status == 200 { Ok(()) } else { Err(answer.text) }
        })
        .await;
    }

    /// The port of an address that the manifest gives to the service.
    fn port(&self, variable: &str) -> String {
        let address = self.variable(variable).unwrap_or_else(|| panic!("{} has no {variable}", name(&self.deployment)));
        address.rsplit(':').next().unwrap_or_default().to_owned()
    }

    fn variable(&self, wanted: &str) -> Option<String> {
        let template = &self.deployment["spec"]["template"];
        let mut variables = containers(template).flat_map(|container| list(container, "/env"));
        variables.find(|variable| text(variable, "/name") == wanted).map(|found| text(found, "/value").to_owned())
    }
}
