//! The project's own files.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules, which are the services.
pub const MODULES: [&str; 8] =
    ["analytics", "inventory", "notifications", "orders", "payments", "shipping", "shoppers", "storefront"];

/// The project's folder.
///
/// # Panics
/// Never: this crate lies two folders below it.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("two folders below the root").to_owned()
}

/// The text of a file of the project.
///
/// # Panics
/// When there is no such file.
#[must_use]
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The folders directly below one, sorted by name.
///
/// # Panics
/// When there is no such folder.
#[must_use]
pub fn folders(path: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let folders = entries.filter_map(Result::ok).filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The folder of a module's crate.
#[must_use]
pub fn crate_of(module: &str) -> String {
    let producer = format!("producers/{module}");
    if root().join(&producer).is_dir() { producer } else { format!("consumers/{module}") }
}
