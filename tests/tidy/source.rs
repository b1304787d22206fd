//! The project's files.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the project.
pub(crate) struct File {
    /// From the project's root, with slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    /// The lines that are code: no blank ones, no comments.
    pub(crate) fn code(&self) -> impl Iterator<Item = &str> {
        self.text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"))
    }

    /// The code of the unit tests at its end.
    pub(crate) fn unit_tests(&self) -> impl Iterator<Item = &str> {
        self.code().skip_while(|line| *line != "mod tests {")
    }
}

/// A dependency in a manifest.
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Whether only tests have it.
    pub(crate) of_tests: bool,
    /// Its whole line.
    pub(crate) line: String,
}

/// The dependencies of a crate. Each stands on one line below `[dependencies]` or `[dev-dependencies]`.
pub(crate) fn dependencies(folder: &str) -> Vec<Dependency> {
    let manifest = read(&format!("{folder}/Cargo.toml"));
    let mut section = "";
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with('[') {
            section = line;
            let known = ["[dependencies]", "[dev-dependencies]"].contains(&line) || !line.contains("dependencies");
            assert!(known, "{folder}/Cargo.toml: write {line} as a line of [dependencies] or [dev-dependencies]");
        } else if section.contains("dependencies") {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default().to_owned();
            found.push(Dependency { name, of_tests: section == "[dev-dependencies]", line: line.to_owned() });
        }
    }
    found
}

/// The folder of every crate of the workspace.
pub(crate) fn crates() -> Vec<String> {
    let inside = ["framework", "infra", "producers", "consumers"].into_iter().flat_map(folders);
    let all = inside.chain(["contracts", "tests", "tests/manifests", "xtask"].map(str::to_owned));
    all.filter(|folder| root().join(folder).join("Cargo.toml").exists()).collect()
}

pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("tests/ is in the project").to_owned()
}

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Rust file below a folder, sorted by path.
pub(crate) fn rust_files(folder: &str) -> Vec<File> {
    let mut files = Vec::new();
    walk(&root().join(folder), &mut files);
    assert!(!files.is_empty(), "{folder} has no Rust file");
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The folders directly below one.
pub(crate) fn folders(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let folders = entries.filter_map(|entry| entry.ok()).filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> =
        folders.map(|entry| format!("{folder}/{}", entry.file_name().to_string_lossy())).collect();
    names.sort();
    names
}

/// The folder of every service.
pub(crate) fn services() -> Vec<String> {
    folders("producers").into_iter().chain(folders("consumers")).collect()
}

fn walk(folder: &Path, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && name != "node_modules" && !name.starts_with('.') {
                walk(&path, files);
            }
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(&path).expect("a text file");
            let path = path.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/");
            files.push(File { path, text });
        }
    }
}
