//! `docs/interop.md` shows what the suites run.

use std::fs;
use std::path::Path;

use crate::source::{read, root, rust_files};

/// Each snippet: the file that it names, and its text.
fn snippets(document: &str) -> Vec<(String, String)> {
    let parts = document.split("<!-- tests/clients/").skip(1);
    parts
        .map(|part| {
            let (path, rest) = part.split_once(" -->\n").expect("a comment ends on its line");
            let code = rest.strip_prefix("```").and_then(|rest| rest.split_once('\n'));
            let (_, code) = code.unwrap_or_else(|| panic!("no code follows the comment with tests/clients/{path}"));
            let (code, _) = code.split_once("\n```\n").expect("code ends");
            (format!("tests/clients/{path}"), format!("{code}\n"))
        })
        .collect()
}

/// Every program of the peers.
fn programs(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "node_modules" {
            programs(&path, found);
        } else if [".py", ".mjs", ".sh", ".ts"].iter().any(|end| name.ends_with(end)) {
            found.push(path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned());
        }
    }
}

#[test]
fn every_snippet_of_the_interop_page_is_the_file_that_the_suites_run() {
    let snippets = snippets(&read("docs/interop.md"));
    assert!(snippets.len() >= 12, "{snippets:?}");
    for (path, text) in snippets {
        assert!(text == read(&path), "docs/interop.md shows another text than {path}: copy the file there");
    }
}

#[test]
fn every_program_of_a_peer_is_shown_and_run() {
    let document = read("docs/interop.md");
    let suites: String = rust_files("tests/suites/interop").into_iter().map(|file| file.text).collect();
    let mut found = Vec::new();
    programs(&root().join("tests/clients"), &mut found);
    assert!(found.len() >= 12, "{found:?}");
    for path in found {
        let name = path.rsplit('/').next().unwrap_or_default();
        assert!(suites.contains(&format!("\"{name}\"")), "no suite runs {path}");
        // What breaks the rules, or tries them all, is for the suites alone.
        let alone = ["garbage", "every"].iter().any(|begin| name.starts_with(begin));
        let shown = document.contains(&format!("<!-- {path} -->")) || alone;
        assert!(shown, "docs/interop.md does not show {path}");
    }
}
