//! The commands of a page, and what comes of them when everything that they talk to is played.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs};

use serde_json::Value;

use crate::document::parse;
use crate::project::root;
use crate::tools::{find_or_install, run};

/// What came of a page.
#[derive(Debug)]
pub struct Played {
    /// Every call of `kubectl`, `podman`, `helm` and `psql`, with the program's name before its arguments.
    pub calls: Vec<Vec<String>>,
    /// The documents that the page makes beside the manifests.
    pub made: Vec<Value>,
    /// What each `kubectl apply -k` gives to the cluster.
    pub rendered: Vec<Vec<Value>>,
}

impl Played {
    /// Which call comes first that has all these words.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn place(&self, words: &[&str]) -> usize {
        let has = |call: &Vec<String>| words.iter().all(|word| call.iter().any(|one| one.contains(word)));
        self.calls.iter().position(has).unwrap_or_else(|| panic!("nobody calls {words:?}"))
    }
}

/// The part of a page below a heading.
///
/// # Panics
/// When there is no such heading.
#[must_use]
pub fn section<'a>(page: &'a str, heading: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no heading {heading}"));
    rest.split("\n## ").next().unwrap_or_default()
}

/// The commands of a text, in their order: those of its blocks, and calls of `kubectl` within a sentence.
#[must_use]
pub fn commands(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (place, part) in text.split("```").enumerate() {
        if place % 2 == 0 {
            let quoted = part.split('`').skip(1).step_by(2);
            found.extend(quoted.filter(|words| words.starts_with("kubectl ")).map(str::to_owned));
            continue;
        }
        for line in part.strip_prefix("console\n").unwrap_or_default().lines() {
            match (line.strip_prefix("$ "), found.last_mut()) {
                (Some(command), _) => found.push(command.to_owned()),
                (None, Some(command)) => command.extend(["\n", line]),
                (None, None) => {}
            }
        }
    }
    // What the reader has to put in.
    found.iter().map(|command| command.replace("<id>", "an-id")).collect()
}

/// Runs the commands of a text in a copy of the manifests.
///
/// # Errors
/// What the shell complained about.
pub fn play(text: &str, overlay_of_the_account: &str) -> Result<Played, String> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let own = format!("garenne-page-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let folder = env::temp_dir().join(own);
    let notes = folder.join("play");
    fs::create_dir_all(&notes).map_err(|error| error.to_string())?;
    run(Command::new("cp").arg("-r").args([root().join("k8s"), root().join("infra")]).arg(&folder))?;
    for own in ["here", "ours"] {
        let _ = fs::remove_dir_all(folder.join("k8s/overlays").join(own));
    }
    std::os::unix::fs::symlink(&find_or_install()?.kubectl, notes.join("kubectl"))
        .map_err(|error| error.to_string())?;
    let script = [include_str!("../play.sh"), &commands(text).join("\n"), "\nwait\n"].concat();
    for (name, text) in [("script", &*script), ("overlay", overlay_of_the_account), ("log", ""), ("made", "")] {
        fs::write(notes.join(name), text).map_err(|error| error.to_string())?;
    }
    let mut shell = Command::new("bash");
    shell.arg(notes.join("script")).current_dir(&folder).env("PLAY", &notes).env("KUBECONFIG", "/dev/null");
    let played = run(shell.stdin(Stdio::null())).and_then(|_| {
        let read = |name: &str| fs::read_to_string(notes.join(name)).map_err(|error| error.to_string());
        let words = |line: &str| line.trim_end_matches('\u{1f}').split('\u{1f}').map(str::to_owned).collect();
        let mut rendered = Vec::new();
        while let Ok(text) = read(&format!("rendered-{}", rendered.len())) {
            rendered.push(parse(&text)?);
        }
        let calls = read("log")?.lines().map(words).collect();
        Ok(Played { calls, made: parse(&read("made")?)?, rendered })
    });
    let _ = fs::remove_dir_all(&folder);
    played
}
