//! The invariants that ARCHITECTURE.md states.

use crate::source::{File, dependencies, read, rust_files, services};

/// From the top down; a module may use only what stands below it.
const LAYERS: [&str; 13] = [
    "service",
    "nest",
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
            assert!(!line.contains("super::super::"), "{}: begin at `crate::`: {line}", file.path);
            for used in line.split("crate::").skip(1) {
                assert!(!used.starts_with('{'), "{}: write one `use` for each module: {line}", file.path);
                let used: String = used.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
                // What the crate's root has by another name comes from some module.
                let below = LAYERS.iter().position(|layer| *layer == used);
                let below = below.unwrap_or_else(|| panic!("{}: name the module that has it: {line}", file.path));
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
    for service in services() {
        let knows = dependencies(&service).into_iter().find(|one| !one.of_tests && one.name.contains("lapin"));
        assert!(knows.is_none(), "{service} depends on the AMQP client");
    }
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
fn a_service_reads_its_environment_in_one_file_and_so_does_the_library() {
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
            // By whatever path it is called; a set of tasks, `tasks.spawn(…)`, owns what it spawns.
            let call = line.strip_prefix("let _ = ").unwrap_or(line);
            let name = call.split('(').next().unwrap_or_default();
            let path = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
            let spawns =
                ["spawn", "spawn_blocking", "spawn_local"].contains(&name.rsplit("::").next().unwrap_or_default());
            let awaited = call.contains(").await");
            assert!(!(path && spawns && call.contains('(')) || awaited, "{}: nobody owns {line}", file.path);
        }
    }
}

#[test]
fn no_service_knows_another_service_or_an_http_client() {
    let names: Vec<String> = services().iter().filter_map(|path| path.rsplit('/').next().map(str::to_owned)).collect();
    for service in services() {
        for dependency in dependencies(&service).into_iter().filter(|dependency| !dependency.of_tests) {
            let name = dependency.name;
            let forbidden = names.contains(&name) || ["reqwest", "ureq", "hyper", "tonic"].contains(&name.as_str());
            assert!(!forbidden, "{service} depends on {name}: what it wants to know it hears or asks over the broker");
        }
    }
}

#[test]
fn no_test_sleeps_to_wait_for_a_state() {
    const SLEEPS: [&str; 4] = ["sleep(", "sleep_until(", "sleep as ", "park_timeout("];
    // The clock of the first one's test stands still; the second is the pace of looking for a state; the third says what is
    // forbidden.
    const EXCEPT: [&str; 3] =
        ["framework/garenne/src/service/run.rs", "tests/harness/wait.rs", "tests/tidy/invariants.rs"];
    let files = ["framework", "infra", "contracts", "producers", "consumers", "xtask"].into_iter().flat_map(rust_files);
    let (mut tests, units): (Vec<File>, Vec<File>) = files.partition(|file| file.path.contains("/tests/"));
    tests.extend(rust_files("tests"));
    let mut found = files_with(&tests, &SLEEPS);
    let sleeps = |file: &&File| file.unit_tests().any(|line| SLEEPS.iter().any(|call| line.contains(call)));
    found.extend(units.iter().filter(sleeps).map(|file| file.path.as_str()));
    found.retain(|path| !EXCEPT.contains(path));
    assert_eq!(found, Vec::<&str>::new(), "poll for the state with tests::eventually");
    // Responders are killed at a steady pace; tickets are filed at one while certificates change.
    const PACED: [&str; 2] = ["tests/suites/library/rpc/load.rs", "tests/suites/library/tls/node/renewal.rs"];
    let mut suites = rust_files("tests/suites");
    suites.retain(|file| !PACED.contains(&file.path.as_str()));
    assert_eq!(
        files_with(&suites, &["lasting("]),
        Vec::<&str>::new(),
        "that is for what is broken at a pace of its own"
    );
}
