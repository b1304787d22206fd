//! A real server: its life, an outage, its neighbours, and the death of its owner.
//!
//! `cargo xtask test` installs PostgreSQL before it runs these.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use postgres_node::{Error, Installation, Server, ServerOptions};

/// Tells the test process that it is the owner whose death is watched, and where its server lies.
const OWNED_DIRECTORY: &str = "TEST_OWNED_SERVER";

fn installation() -> Installation {
    Installation::find().expect("PostgreSQL is missing: run `cargo xtask test`, which installs it")
}

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("postgres").join(name)
}

fn start(name: &str) -> Server {
    Server::start(&installation(), &ServerOptions::new(directory(name))).expect("the server starts")
}

/// What `psql` says to a statement.
fn psql(url: &str, statement: &str) -> Output {
    let bin = newest_bin();
    let mut command = Command::new(bin.join("psql"));
    command.args(["--no-psqlrc", "--tuples-only", "--no-align", "--dbname", url, "--command", statement]);
    command.output().expect("psql runs")
}

/// The single value that a statement yields.
fn ask(url: &str, statement: &str) -> String {
    let output = psql(url, statement);
    assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn newest_bin() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").map(|found| {
        let mut bins: Vec<PathBuf> = found.filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect();
        bins.sort();
        bins
    });
    versions.ok().and_then(|mut bins| bins.pop()).unwrap_or_default()
}

/// How many processes work in a server's data folder.
fn processes_in(data: &Path) -> usize {
    let entries = fs::read_dir("/proc").expect("Linux shows its processes").filter_map(Result::ok);
    entries.filter(|entry| fs::read_link(entry.path().join("cwd")).is_ok_and(|folder| folder == data)).count()
}

#[test]
fn what_was_committed_outlives_a_kill_and_the_port_stays() {
    let mut server = start("life");
    let (port, data) = (server.port(), server.directory().data());
    server.create_database("shop").expect("created");
    let url = server.url("shop");
    ask(&url, "CREATE TABLE kept (text TEXT)");
    ask(&url, "INSERT INTO kept VALUES ('still here')");
    assert_eq!(ask(&url, "SHOW fsync"), "on");

    server.kill().expect("killed");
    assert_eq!(processes_in(&data), 0, "every process of the killed server is gone");
    assert!(!psql(&url, "SELECT 1").status.success());

    server.restart().expect("restarted after a kill");
    assert_eq!(ask(&url, "SELECT text FROM kept"), "still here");
    server.restart().expect("restarted in good order");
    assert_eq!(ask(&url, "SELECT text FROM kept"), "still here");
    assert_eq!(server.port(), port);

    server.stop().expect("stopped");
    assert_eq!(processes_in(&data), 0, "every process of the stopped server is gone");
    server.stop().expect("stopping twice is allowed");

    let options = ServerOptions { keep_data: true, ..ServerOptions::new(directory("life")) };
    let successor = Server::start(&installation(), &options).expect("a successor starts");
    assert_eq!(ask(&successor.url("shop"), "SELECT text FROM kept"), "still here");
}

#[test]
fn two_servers_live_side_by_side_on_loopback_and_a_wrong_password_is_refused() {
    let (one, two) = (start("side-one"), start("side-two"));
    assert_ne!(one.port(), two.port());
    one.create_database("mine").expect("created");
    assert!(!psql(&two.url("mine"), "SELECT 1").status.success(), "a neighbour's database");
    assert!(matches!(one.create_database("mine"), Err(Error::Program { .. })), "a second one of the same name");
    let refused = psql(&one.url("mine").replace("garenne:garenne", "garenne:wrong"), "SELECT 1");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("password authentication failed"), "{refused:?}");
    assert_eq!(ask(&one.url("mine"), "SHOW listen_addresses"), "127.0.0.1");
}

#[test]
fn a_server_that_cannot_boot_shows_its_log() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let options = ServerOptions { port: Some(port), ..ServerOptions::new(directory("broken")) };
    let error = Server::start(&installation(), &options).expect_err("the port is taken");
    assert!(matches!(error, Error::Exited { .. }), "{error}");
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}

#[test]
fn a_server_stops_when_its_owner_is_killed() {
    let directory = directory("orphan");
    let mut owner = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "owner_of_a_server", "--ignored", "--nocapture"])
        .env(OWNED_DIRECTORY, &directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the owner starts");
    let mut lines = BufReader::new(owner.stdout.take().expect("a pipe")).lines().map_while(Result::ok);
    let told = lines.find_map(|line| line.split_once("the server is ready: ").map(|(_, told)| told.to_owned()));
    let (port, data) = told.as_deref().and_then(|told| told.split_once(' ')).expect("the owner's server became ready");
    let port: u16 = port.parse().expect("a port");
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());

    owner.kill().expect("killed");
    owner.wait().expect("reaped");
    let gone = machine::poll(Duration::from_secs(30), || processes_in(Path::new(data)) == 0);
    assert!(gone, "the orphaned server is there after 30 s");
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
#[ignore = "the process that a_server_stops_when_its_owner_is_killed starts"]
fn owner_of_a_server() {
    let directory = PathBuf::from(std::env::var_os(OWNED_DIRECTORY).expect("only for another test"));
    let server = Server::start(&installation(), &ServerOptions::new(directory)).expect("the server starts");
    println!("the server is ready: {} {}", server.port(), server.directory().data().display());
    let _ = std::io::stdin().read(&mut [0]);
}
