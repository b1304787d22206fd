//! The invariants that ARCHITECTURE.md states.

use crate::source::{File, read, rust_files, services};

/// From the top down; a module may use only what stands below it.
const LAYERS: [&str; 12] = [
    "service",
    "rpc",
    "log",
    "outbox",
    "consumer",
    "publisher",
    "broker",
    "topology",
    "retry",
    "telemetry",
    "store",
    "lib",
];

fn library() -> Vec<File> {
    rust_files("framework/garenne/src")
}

fn shipped() -> Vec<File> {
    let mut files = library();
    files.extend(services().iter().flat_map(|service| rust_files(&format!("{service}/src"))));
    files
}

/// The files in which a line of code contains one of these.
fn files_with<'a>(files: &'a [File], needles: &[&str]) -> Vec<&'a str> {
    let found = files.iter().filter(|file| file.code().any(|line| needles.iter().any(|needle| line.contains(needle))));
    found.map(|file| file.path.as_str()).collect()
}

#[test]
fn inside_the_library_arrows_point_only_downward() {
    for file in library() {
        let inside = file.path.trim_start_matches("framework/garenne/src/");
        let module = inside.split('/').next().unwrap_or_default().trim_end_matches(".rs");
        let own =
            LAYERS.iter().position(|layer| *layer == module).unwrap_or_else(|| panic!("{} is in no layer", file.path));
        for line in file.code().filter(|_| module != "lib") {
            for used in line.split("crate::").skip(1) {
                assert!(!used.starts_with('{'), "{}: write one `use` for each module: {line}", file.path);
                let used: String = used.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                let Some(below) = LAYERS.iter().position(|layer| *layer == used) else { continue };
                assert!(below >= own, "{}: {module} uses {used}, which stands above it: {line}", file.path);
            }
        }
    }
}

#[test]
fn only_the_broker_folder_knows_the_amqp_client_and_the_pool() {
    let files = shipped();
    let outside: Vec<&str> = files_with(&files, &["lapin::", "deadpool_lapin", "use lapin"])
        .into_iter()
        .filter(|path| !path.starts_with("framework/garenne/src/broker/"))
        .collect();
    assert_eq!(outside, Vec::<&str>::new());
}

#[test]
fn acknowledgements_are_sent_from_exactly_one_file() {
    let files = shipped();
    let found = files_with(&files, &["basic_ack", "basic_nack", "basic_reject", ".ack(", ".nack(", ".reject("]);
    assert_eq!(found, ["framework/garenne/src/broker/settle.rs"]);
}

#[test]
fn a_handler_sees_neither_a_channel_nor_a_delivery_tag() {
    for path in ["context.rs", "client.rs", "handlers.rs"] {
        let text = read(&format!("framework/garenne/src/service/{path}"));
        for word in ["Channel", "delivery_tag", "DeliveryTag"] {
            assert!(!text.contains(word), "{path} mentions {word}");
        }
    }
}

#[test]
fn the_environment_is_read_in_one_file_per_crate() {
    for folder in services().into_iter().chain(["framework/garenne".to_owned()]) {
        let files = rust_files(&format!("{folder}/src"));
        let found = files_with(&files, &["env::var", "var(", "from_default_env"]);
        assert!(found.len() <= 1, "{folder} reads the environment in {found:?}");
    }
}

#[test]
fn every_task_is_owned() {
    for file in shipped() {
        for line in file.code() {
            let calls = ["tokio::spawn(", "tokio::task::spawn(", "std::thread::spawn("];
            let dropped =
                |call: &&str| line.starts_with(call.to_owned()) || line.starts_with(&format!("let _ = {call}"));
            assert!(!calls.iter().any(dropped), "{}: nobody owns {line}", file.path);
        }
    }
}

#[test]
fn no_service_knows_another_service_or_an_http_client() {
    let names: Vec<String> = services().iter().filter_map(|path| path.rsplit('/').next().map(str::to_owned)).collect();
    for service in services() {
        let manifest = read(&format!("{service}/Cargo.toml"));
        let dependencies = manifest.lines().skip_while(|line| *line != "[dependencies]").skip(1);
        for line in dependencies.take_while(|line| !line.starts_with('[')) {
            let dependency = line.split(['.', ' ', '=']).next().unwrap_or_default();
            let forbidden = names.iter().any(|name| name == dependency)
                || ["reqwest", "ureq", "hyper", "tonic"].contains(&dependency);
            assert!(
                !forbidden,
                "{service} depends on {dependency}: what it wants to know it hears or asks over the broker"
            );
        }
    }
}

#[test]
fn no_test_sleeps_to_wait_for_a_state() {
    let mut files = rust_files("tests");
    for folder in services().into_iter().chain(["framework/garenne".to_owned(), "framework/contract".to_owned()]) {
        files.extend(rust_files(&folder).into_iter().filter(|file| file.path.contains("/tests/")));
    }
    let found: Vec<&str> = files_with(&files, &["sleep("])
        .into_iter()
        // The first is the pace of looking for a state; the second says what is forbidden.
        .filter(|path| !["tests/harness/wait.rs", "tests/tidy/invariants.rs"].contains(path))
        .collect();
    assert_eq!(found, Vec::<&str>::new(), "poll for the state with tests::eventually");
}
