//! The root folders of RabbitMQ and PostgreSQL, from the packages that this machine has.

use std::path::{Path, PathBuf};

use machine::packages;

use super::engine::Engine;
use super::image::{self, Image};
use super::root::Root;
use crate::failure::Failure;
use crate::workspace;

/// The servers that the overlay has as pods, by the names of their images.
pub(super) const NAMES: [&str; 2] = ["rabbitmq", "postgres"];

/// What the servers' scripts call.
const TOOLS: [&str; 13] =
    ["basename", "cat", "cp", "date", "df", "dirname", "expr", "ls", "mkdir", "readlink", "rm", "sed", "uname"];

/// Both images. The packages are installed where they are missing; nothing of them is started.
pub(super) fn images(engine: &Engine, progress: &mut dyn FnMut(&str)) -> Result<Vec<Image>, Failure> {
    rabbitmq_node::Installation::find_or_install(progress)?;
    postgres_node::Installation::find_or_install(progress).map_err(Failure::because("PostgreSQL"))?;
    let [broker, database] = NAMES;
    let broker = lay_out(engine, broker, &["/usr/lib/rabbitmq", "/usr/lib/erlang"], &["/var/lib/rabbitmq"])?;
    let folders = ["/var/lib/postgresql/data", "/var/run/postgresql"];
    let zone = "/usr/share/zoneinfo/UTC";
    let database = lay_out(engine, database, &["/usr/lib/postgresql", "/usr/share/postgresql", zone], &folders)?;
    Ok(vec![broker, database])
}

/// A root folder with these parts of the machine, and empty folders that the server owns.
fn lay_out(engine: &Engine, server: &str, parts: &[&str], owned: &[&str]) -> Result<Image, Failure> {
    let start = workspace::root().join("infra/images").join(format!("{server}.sh"));
    let root = Root::new(engine.folder().join("contexts").join(server), &start)?;
    root.add(Path::new("/bin/sh"))?;
    for tool in TOOLS {
        root.add(&tool_path(tool)?)?;
    }
    for part in parts {
        if !Path::new(part).exists() {
            return Err(Failure::new(format!(
                "{part} is not there: the image of {server} is made of Debian's package"
            )));
        }
        root.add(Path::new(part))?;
    }
    for folder in owned {
        root.folder(folder)?;
    }
    image::of_server(engine, server, root.path())
}

/// In the folder that the image has in its `PATH`.
fn tool_path(tool: &str) -> Result<PathBuf, Failure> {
    let usual = Path::new("/usr/bin").join(tool);
    if usual.exists() {
        return Ok(usual);
    }
    packages::in_path(tool).ok_or_else(|| Failure::new(format!("no {tool} in PATH")))
}
