//! Where things are in this repository.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// Cargo's target directory.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// The built programs of a profile.
pub(crate) fn programs(release: bool) -> PathBuf {
    target().join(if release { "release" } else { "debug" })
}

/// The generated definitions.
pub(crate) fn definitions_file() -> PathBuf {
    root().join("infra/rabbitmq/definitions.json")
}

/// Where releases of RabbitMQ are unpacked that this machine has no package of; kept between runs.
pub(crate) fn brokers() -> PathBuf {
    target().join("brokers")
}

/// The names of all services, producers first: each folder of `producers/` and `consumers/` is one, and so is its program.
pub(crate) fn services() -> Result<Vec<String>, Failure> {
    let mut services = Vec::new();
    for folder in ["producers", "consumers"] {
        let folder = root().join(folder);
        let entries = fs::read_dir(&folder).map_err(Failure::because(format!("cannot list {}", folder.display())))?;
        let mut names: Vec<String> = entries
            .filter_map(Result::ok)
            .filter(|entry| entry.path().join("Cargo.toml").is_file())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort();
        services.append(&mut names);
    }
    Ok(services)
}

#[cfg(test)]
mod tests {
    use super::services;

    #[test]
    fn the_shop_has_its_services() {
        let services = services().unwrap();
        for service in ["storefront", "shoppers", "orders", "inventory"] {
            assert!(services.iter().any(|name| name == service), "{service} is not among {services:?}");
        }
    }
}
