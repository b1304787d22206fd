//! ARCHITECTURE.md says what is so.

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
fn every_path_that_the_map_names_exists() {
    let document = read("ARCHITECTURE.md");
    let looks_like_a_path = |text: &String| {
        !text.contains([' ', '*', '<', '(', '{', ':', '$'])
            && !text.starts_with('/')
            && (text.contains('/') || text.ends_with(".md") || text.ends_with(".toml"))
    };
    let paths: Vec<String> = quoted(&document).into_iter().filter(looks_like_a_path).collect();
    assert!(paths.len() > 30, "the map names paths: {paths:?}");
    let tops = ["contracts/", "framework/", "producers/", "consumers/", "infra/", "tests/", "xtask/", ".ci/"];
    for path in &paths {
        let whole = tops.iter().any(|top| path.starts_with(top)) || !path.contains('/');
        let found =
            if whole { root().join(path).exists() } else { root().join("framework/garenne/src").join(path).exists() };
        assert!(found, "ARCHITECTURE.md names {path}, which does not exist");
    }
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
    let mut tests: BTreeSet<String> = BTreeSet::new();
    for folder in ["tests", "framework", "contracts", "consumers", "producers", "infra", "xtask"] {
        for file in rust_files(folder) {
            let names = file
                .code()
                .filter_map(|line| line.trim_start_matches("async ").strip_prefix("fn "))
                .filter_map(|rest| rest.split('(').next());
            tests.extend(names.map(str::to_owned));
        }
    }
    for line in invariants {
        let named: Vec<String> = line
            .split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .filter(|name| name.contains('_') && !name.contains('.') && !name.contains('/'))
            .collect();
        assert!(!named.is_empty(), "no test keeps: {line}");
        for name in named {
            assert!(tests.contains(&name), "the test {name} does not exist; it should keep: {line}");
        }
    }
}

#[test]
fn the_readmes_first_service_reads_what_the_shop_says() {
    let readme = read("README.md");
    let fields = readme
        .split("struct OrderPlaced {")
        .nth(1)
        .and_then(|rest| rest.split('}').next())
        .expect("the README's event");
    let contract = read("contracts/src/orders.rs");
    let real = contract
        .split("pub struct OrderPlaced {")
        .nth(1)
        .and_then(|rest| rest.split("\n}").next())
        .expect("the shop's event");
    for field in fields.split(',').filter_map(|field| field.split(':').next()) {
        let field = field.trim();
        assert!(real.contains(&format!("pub {field}:")), "the shop's OrderPlaced has no {field}");
    }
    // An order's id is a UUID, which JSON has as text.
    assert!(fields.contains("order_id: String"), "{fields}");
}
