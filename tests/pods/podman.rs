//! Calls of podman. Its settings stand in the environment that `cargo xtask pods` has made.

use std::path::Path;
use std::process::{Command, Stdio};

use machine::last_lines;
use serde_json::Value;
use tests::blocking;

/// The network of all pods. There is no way out of it. The name of another run's is another one: who answers for names on it keeps them
/// where every podman of the machine does.
pub(crate) fn network() -> String {
    format!("shop-{}", std::process::id())
}

/// Calls podman and returns what it printed, or what it complained about.
pub(crate) async fn podman(arguments: &[&str]) -> Result<String, String> {
    let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
    blocking(move || {
        let output = Command::new("podman").args(&arguments).stdin(Stdio::null()).output();
        let output = output.map_err(|error| format!("cannot run podman: {error}"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        let words = last_lines(&String::from_utf8_lossy(&output.stderr), 10);
        Err(format!("`podman {}`: {}", arguments.join(" "), words.trim()))
    })
    .await
}

/// Plays documents of Kubernetes.
pub(crate) async fn play(folder: &Path, documents: &[&Value]) -> Result<(), String> {
    let file = folder.join("play.yaml");
    // JSON is YAML.
    let text: Vec<String> = documents.iter().map(ToString::to_string).collect();
    std::fs::write(&file, text.join("\n---\n")).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    podman(&["kube", "play", "--network", &network(), &file.display().to_string()]).await.map(drop)
}

/// Where a pod is reached.
pub(crate) async fn address(pod: &str) -> Result<String, String> {
    let holder = podman(&["pod", "inspect", "--format", "{{.InfraContainerID}}", pod]).await?;
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    let address = podman(&["inspect", "--format", format, &holder]).await?;
    if address.is_empty() { Err(format!("{pod} has no address")) } else { Ok(address) }
}

/// Keeps what each container has said.
pub(crate) async fn save_logs(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    let names = podman(&["ps", "--all", "--format", "{{.Names}}"]).await?;
    for name in names.lines().filter(|name| !name.ends_with("-infra")) {
        let said = Command::new("podman").args(["logs", name]).output().map_err(|error| error.to_string())?;
        let text = [said.stdout, said.stderr].concat();
        std::fs::write(folder.join(format!("{name}.log")), text).map_err(|error| error.to_string())?;
    }
    Ok(())
}
