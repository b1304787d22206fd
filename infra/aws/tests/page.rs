//! What `docs/aws.md` tells to run is there.

use std::collections::BTreeSet;

use aws_files::{blocks, configuration, folder};

fn page() -> String {
    std::fs::read_to_string(folder().join("../../docs/aws.md")).expect("the page can be read")
}

/// The words that follow these, each up to what cannot be in a name.
fn words_after(text: &str, before: &str) -> BTreeSet<String> {
    let rests = text.match_indices(before).map(|(at, found)| &text[at + found.len()..]);
    let name = |rest: &str| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().map(str::to_owned);
    rests.filter_map(name).filter(|name| !name.is_empty()).collect()
}

#[test]
fn every_output_and_every_variable_that_the_page_names_is_one_and_every_one_without_a_default_is_given() {
    let (body, page) = (configuration(), page());
    let outputs: BTreeSet<String> = blocks(&body, "output").map(|(labels, _)| labels[0].to_owned()).collect();
    assert_eq!(words_after(&page, "output -raw "), outputs);
    let variables: BTreeSet<String> = blocks(&body, "variable").map(|(labels, _)| labels[0].to_owned()).collect();
    let named = words_after(&page, "TF_VAR_");
    assert!(named.is_subset(&variables), "{named:?}");
    let given = words_after(&page, "export TF_VAR_");
    for (labels, variable) in blocks(&body, "variable") {
        let has_default = aws_files::attribute(variable, "default").is_some();
        assert!(has_default || given.contains(labels[0]), "nobody gives {}", labels[0]);
    }
}

#[test]
fn every_path_that_the_page_names_is_there_or_is_made_by_it() {
    let mut count = 0;
    let page = page();
    for word in page.split(|c: char| c.is_whitespace() || "`(),;|".contains(c)) {
        let word = word.trim_end_matches(['.', ':']);
        let is_path = ["infra/", "k8s/", "docs/"].iter().any(|top| word.starts_with(top));
        if is_path && !word.starts_with("k8s/overlays/here") {
            assert!(folder().join("../..").join(word).exists(), "{word} is not there");
            count += 1;
        }
    }
    assert!(count > 5, "{count} paths");
}

#[test]
fn the_page_makes_a_secret_for_each_module_that_runs_and_an_image_for_each_module() {
    let page = page();
    let lists: Vec<Vec<&str>> = page
        .lines()
        .filter_map(|line| line.split_once("for module in "))
        .map(|(_, list)| list.trim_end_matches("; do").split(' ').collect())
        .collect();
    let [images, users, databases] = &lists[..] else { panic!("{lists:?}") };
    let body = configuration();
    let modules = aws_files::block(&body, "variable", &["modules"]);
    let modules = format!("{:?}", aws_files::attribute(modules, "default"));
    let quoted: Vec<&str> = modules.split('"').skip(1).step_by(2).collect();
    assert_eq!(*images, quoted);
    // Amazon MQ has no streams, and so the shop has no analytics there.
    assert_eq!(*users, quoted.iter().copied().filter(|module| *module != "analytics").collect::<Vec<_>>());
    let base = folder().join("../../k8s/base");
    let keeps = |module: &&str| {
        let file = base.join(module).join(format!("{module}.yaml"));
        std::fs::read_to_string(file).expect("a module").contains("-database")
    };
    assert_eq!(*databases, users.iter().copied().filter(keeps).collect::<Vec<_>>());
}
