//! Writes what of the manifests follows from the broker's definitions: `cargo run -p manifests`.

use std::fs;
use std::process::ExitCode;

use manifests::definitions::definitions;
use manifests::generated::files;
use manifests::project::root;

fn main() -> ExitCode {
    for (path, text) in files(definitions()) {
        if let Err(error) = fs::write(root().join(path), text) {
            eprintln!("error: cannot write {path}: {error}");
            return ExitCode::FAILURE;
        }
        eprintln!("wrote {path}");
    }
    ExitCode::SUCCESS
}
