//! `docs/interop.md` and the README show what the suites run, and the page names the headers that there are.

use std::fs;
use std::path::Path;

use crate::source::{File, read, root, rust_files};

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
fn every_snippet_of_the_interop_page_and_the_readme_is_the_file_that_the_suites_run() {
    for (document, least) in [("docs/interop.md", 12), ("README.md", 1)] {
        let snippets = snippets(&read(document));
        assert!(snippets.len() >= least, "{snippets:?}");
        for (path, text) in snippets {
            assert!(text == read(&path), "{document} shows another text than {path}: copy the file there");
        }
    }
}

#[test]
fn every_program_of_a_peer_is_shown_and_run() {
    let (document, readme) = (read("docs/interop.md"), read("README.md"));
    let suites = rust_files("tests/suites/interop");
    // The suite of the peer whose programs are in this folder: a file, or a folder of them.
    let suite = |folder: &str| -> String {
        let begin = format!("ForeignClient::new(\"{folder}\")");
        let first = suites.iter().find(|file| file.text.contains(&begin));
        let path = &first.unwrap_or_else(|| panic!("no suite starts what is in tests/clients/{folder}")).path;
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        let own =
            |file: &&File| file.path == *path || (parent != "tests/suites/interop" && file.path.starts_with(parent));
        suites.iter().filter(own).map(|file| file.text.as_str()).collect()
    };
    let mut found = Vec::new();
    programs(&root().join("tests/clients"), &mut found);
    assert!(found.len() >= 12, "{found:?}");
    for path in found {
        let mut parts = path.rsplit('/');
        let (name, folder) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        assert!(suite(folder).contains(&format!("\"{name}\"")), "no suite of its own runs {path}");
        // What breaks the rules, or tries them all, is for the suites alone.
        let alone = ["garbage", "every"].iter().any(|begin| name.starts_with(begin));
        // The README shows how to start one.
        let started = readme.contains(&format!("$ python3 {path} "));
        let shown = document.contains(&format!("<!-- {path} -->")) || started || alone;
        assert!(shown, "docs/interop.md does not show {path}");
    }
    for program in readme.lines().filter_map(|line| line.strip_prefix("$ python3 ")?.split(' ').next()) {
        assert!(root().join(program).exists(), "README.md starts {program}, which does not exist");
    }
}

/// The library's own headers, each with what the code says about it.
fn headers() -> Vec<(String, String)> {
    let code = read("framework/garenne/src/publisher/header.rs");
    let mut said = "";
    let mut headers = Vec::new();
    for line in code.lines() {
        if let Some(comment) = line.strip_prefix("/// ") {
            said = comment;
        } else if let Some(name) = line.split('"').nth(1) {
            headers.push((name.to_owned(), said.to_owned()));
        }
    }
    headers
}

#[test]
fn the_interop_page_names_every_header_that_a_client_meets_with_its_unit_and_no_other() {
    let document = read("docs/interop.md");
    let section = document.split("\n## Headers of the library\n").nth(1).expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| `")).collect();
    let headers = headers();
    // Copies stay within a service, and dead letters are for its operator.
    let of_copies =
        |said: &str| ["Of a copy", "Of a retry copy", "Of a dead letter"].iter().any(|of| said.starts_with(of));
    let met: Vec<_> = headers.iter().filter(|(_, said)| !of_copies(said)).collect();
    assert!(met.len() >= 10, "{met:?}");
    for (name, said) in &met {
        let row = rows.iter().find(|row| row.contains(&format!("`{name}`")));
        let row = row.unwrap_or_else(|| panic!("docs/interop.md does not name {name}"));
        for unit in ["milliseconds since 1970", "from 1"] {
            assert!(!said.contains(unit) || row.contains(unit), "docs/interop.md does not say of {name}: {unit}");
        }
    }
    for name in rows.iter().filter_map(|row| row.split('|').nth(1)).flat_map(|cell| cell.split('`').skip(1).step_by(2))
    {
        assert!(met.iter().any(|(met, _)| met == name), "docs/interop.md names {name}, which no message of ours has");
    }
}
