//! What the house looks like.

use crate::source::{File, crates, dependencies, read, root, rust_files, services};

fn everything() -> Vec<File> {
    ["contracts", "framework", "producers", "consumers", "infra", "tests", "xtask", "fuzz"]
        .iter()
        .flat_map(|folder| rust_files(folder))
        .collect()
}

#[test]
fn every_file_begins_with_what_it_is_for() {
    for file in everything().iter().filter(|file| !file.path.contains("/ui/")) {
        assert!(file.text.starts_with("//! "), "{} begins without a `//!` line", file.path);
    }
}

#[test]
fn files_are_short_and_have_one_subject() {
    let files = everything();
    let mut lines: Vec<usize> = files.iter().map(|file| file.text.lines().count()).collect();
    for (file, lines) in files.iter().zip(&lines) {
        assert!(*lines <= 400, "{} has {lines} lines: split it by subject", file.path);
    }
    lines.sort_unstable();
    assert!(lines[lines.len() / 2] <= 150, "half of all files have more than {} lines", lines[lines.len() / 2]);
}

#[test]
fn no_file_is_named_after_nothing() {
    for file in everything() {
        let name = file.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".rs");
        let vague = ["utils", "util", "common", "types", "helpers", "helper", "manager", "misc"];
        assert!(!vague.contains(&name), "{}: name it after what it holds", file.path);
    }
}

#[test]
fn nothing_is_left_for_later() {
    for file in everything().iter().filter(|file| file.path != "tests/tidy/house.rs") {
        for word in ["TODO", "FIXME", "XXX", "todo!(", "unimplemented!("] {
            assert!(!file.text.contains(word), "{} contains {word}", file.path);
        }
    }
}

#[test]
fn what_starts_a_node_of_its_own_is_left_out_where_the_broker_is_given() {
    for file in rust_files("tests/suites") {
        let own = ["OwnBroker::", "EncryptedBroker::", "Node::", "Cluster::"];
        let starts = own.iter().any(|words| file.code().any(|line| line.contains(words)));
        assert!(!starts || file.path.ends_with("/node.rs"), "{}: such tests lie in a module named node", file.path);
    }
}

#[test]
fn versions_are_stated_once() {
    let crates = crates();
    assert!(crates.len() > 14, "every crate is looked at: {crates:?}");
    for folder in crates {
        assert!(
            read(&format!("{folder}/Cargo.toml")).contains("\nversion.workspace = true\n"),
            "{folder} has a version"
        );
        for dependency in dependencies(&folder) {
            let line = dependency.line;
            assert!(
                line.contains("workspace = true"),
                "{folder}: versions stand in the root Cargo.toml, not in {line}"
            );
        }
    }
}

#[test]
fn a_service_has_the_same_files_in_the_same_places() {
    for service in services() {
        for file in ["main.rs", "lib.rs", "config.rs", "app.rs"] {
            assert!(root().join(&service).join("src").join(file).exists(), "{service} has no src/{file}");
        }
        let main = read(&format!("{service}/src/main.rs"));
        assert!(main.lines().count() <= 30, "{service}/src/main.rs has more than 30 lines");
    }
}

#[test]
fn a_new_service_costs_under_60_lines_outside_its_domain() {
    let handlers = ["tell.rs", "tell_confirmed.rs", "tell_cancelled.rs", "tell_dispatched.rs"];
    let wiring = [&["main.rs", "lib.rs", "config.rs"][..], &handlers].concat();
    let files = rust_files("consumers/notifications/src");
    let counted: Vec<(&str, usize)> = files
        .iter()
        .filter(|file| wiring.iter().any(|name| file.path.ends_with(&format!("/{name}"))))
        .map(|file| (file.path.as_str(), file.code().filter(|line| !line.starts_with("use ")).count()))
        .collect();
    assert_eq!(counted.len(), wiring.len(), "notifications has the files that are counted: {counted:?}");
    let lines: usize = counted.iter().map(|(_, lines)| lines).sum();
    assert!(lines < 60, "{lines} lines: {counted:?}");
}

#[test]
fn the_poison_suite_and_the_fuzzer_know_every_header_of_the_librarys_own() {
    let constants = read("framework/garenne/src/publisher/header.rs");
    let headers: Vec<&str> =
        constants.split('"').skip(1).step_by(2).filter(|name| name.starts_with("garenne-")).collect();
    assert!(headers.len() > 10, "{headers:?}");
    let dictionary = read("fuzz/decode.dict");
    let poison: String = rust_files("tests/suites/poison").into_iter().map(|file| file.text).collect();
    for header in headers {
        let short = header.trim_start_matches("garenne-");
        assert!(dictionary.contains(&format!("\"{header}\"\n")), "fuzz/decode.dict has no {header}");
        assert!(
            poison.contains(&format!("\"{header}\"")) || poison.contains(&format!("\"{short}\"")),
            "no poison {header}"
        );
    }
}
