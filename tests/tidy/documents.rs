//! The documents say what is so.

use std::collections::BTreeSet;

use crate::source::{read, root, rust_files};

/// What stands between backticks in a document, outside of code blocks.
fn quoted(document: &str) -> Vec<String> {
    let prose = document.split("```").step_by(2).collect::<Vec<_>>().join("\n");
    prose.lines().flat_map(|line| line.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn the_map_has_at_most_200_lines() {
    let lines = read("ARCHITECTURE.md").lines().count();
    assert!(lines <= 200, "{lines} lines");
}

#[test]
fn every_path_that_a_document_names_exists() {
    for document in ["ARCHITECTURE.md", "README.md", "docs/kubernetes.md", "docs/reliability.md", "fuzz/README.md"] {
        paths_exist(document);
    }
}

fn paths_exist(name: &str) {
    let document = read(name);
    let looks_like_a_path = |text: &String| {
        !text.contains([' ', '*', '<', '(', '{', ':', '$'])
            && !text.starts_with('/')
            && (text.contains('/') || text.ends_with(".md") || text.ends_with(".toml"))
    };
    let paths: Vec<String> = quoted(&document).into_iter().filter(looks_like_a_path).collect();
    assert!(paths.len() > 30 || name != "ARCHITECTURE.md", "the map names paths: {paths:?}");
    let tops = [
        "contracts/",
        "framework/",
        "producers/",
        "consumers/",
        "infra/",
        "k8s/",
        "tests/",
        "xtask/",
        "docs/",
        "fuzz/",
        ".ci/",
    ];
    for path in &paths {
        let whole = tops.iter().any(|top| path.starts_with(top)) || !path.contains('/');
        let found =
            if whole { root().join(path).exists() } else { root().join("framework/garenne/src").join(path).exists() };
        assert!(found, "{name} names {path}, which does not exist");
    }
}

/// The names of all tests.
fn all_tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in ["tests", "framework", "contracts", "consumers", "producers", "infra", "xtask"] {
        for file in rust_files(folder) {
            let mut is_test = false;
            for line in file.code() {
                if let Some(rest) = line.trim_start_matches("async ").strip_prefix("fn ") {
                    if std::mem::take(&mut is_test) {
                        names.extend(rest.split('(').next().map(str::to_owned));
                    }
                } else if line == "#[test]" || line.starts_with("#[tokio::test") {
                    is_test = true;
                }
            }
        }
    }
    names
}

/// What stands between backticks in a line and is the name of a test.
fn tests_in(line: &str) -> Vec<String> {
    let is_test = |name: &&str| {
        let metric = name.starts_with("garenne_");
        let letters = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        letters && !metric && name.matches('_').count() > 2
    };
    line.split('`').skip(1).step_by(2).filter(is_test).map(str::to_owned).collect()
}

#[test]
fn every_invariant_names_a_test_that_exists() {
    let document = read("ARCHITECTURE.md");
    let section = document.split("\n## Invariants").nth(1).expect("a section «Invariants»");
    let section = section.split("\n## ").next().unwrap_or_default();
    let invariants: Vec<&str> = section
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| what") && !line.starts_with("|--"))
        .collect();
    assert!(invariants.len() >= 8, "{invariants:?}");
    let all = all_tests();
    for line in invariants {
        let named = tests_in(line);
        assert!(!named.is_empty(), "no test keeps: {line}");
        for name in named {
            assert!(all.contains(&name), "the test {name} does not exist; it should keep: {line}");
        }
    }
}

#[test]
fn every_promise_names_a_test_that_exists() {
    let all = all_tests();
    for name in read("docs/kubernetes.md").lines().flat_map(tests_in) {
        assert!(all.contains(&name), "docs/kubernetes.md names the test {name}, which does not exist");
    }
    let document = read("docs/reliability.md");
    let kept: Vec<String> = document.lines().flat_map(tests_in).collect();
    assert!(kept.len() >= 8, "{kept:?}");
    for name in kept {
        assert!(all.contains(&name), "docs/reliability.md names the test {name}, which does not exist");
    }
    let promises = document.split("\n## ").nth(1).expect("a section of promises");
    let rows = promises.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| promise"));
    for row in rows {
        assert!(!tests_in(row).is_empty(), "no test keeps: {row}");
    }
}

#[test]
fn every_setting_and_metric_that_a_document_names_is_one() {
    let source: String = rust_files("framework/garenne/src").into_iter().map(|file| file.text).collect();
    let tests: String = rust_files("tests").into_iter().map(|file| file.text).collect();
    for path in ["README.md", "ARCHITECTURE.md", "docs/aws.md", "docs/kubernetes.md", "docs/reliability.md"] {
        for name in quoted(&read(path)) {
            let setting = name.len() > 5 && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
            let metric = name.starts_with("garenne_") && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            // The library writes its metrics without the prefix that they all have, and without their units.
            let short = name.trim_start_matches("garenne_").trim_end_matches("_total");
            let short = short.trim_end_matches("_seconds").trim_end_matches("_bytes");
            let known = [&source, &tests].into_iter().any(|text| text.contains(&name))
                || (metric && source.contains(&format!("\"{short}\"")));
            assert!(!(setting || metric) || known, "{path} names {name}, which nothing reads or writes");
        }
    }
}

#[test]
fn the_readmes_first_service_reads_what_the_shop_says() {
    let event = |path: &str, end: &str| {
        let text = read(path);
        let (_, fields) =
            text.split_once("struct OrderPlaced {").unwrap_or_else(|| panic!("{path} has no OrderPlaced"));
        fields.split(end).next().unwrap_or_default().to_owned()
    };
    let (fields, real) = (event("README.md", "}"), event("contracts/src/orders.rs", "\n}"));
    for field in fields.split(',').filter_map(|field| field.split(':').next()) {
        let field = field.trim();
        assert!(real.contains(&format!("pub {field}:")), "the shop's OrderPlaced has no {field}");
    }
    // An order's id is a UUID, which JSON has as text.
    assert!(fields.contains("order_id: String"), "{fields}");
}
