//! podman with settings, images, pods and networks of one run's own: the machine's are neither read nor changed.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use machine::last_lines;
use rustix::process::{Resource, getrlimit};

use crate::failure::Failure;

/// What podman allows for the path of its state.
const LONGEST_STATE: usize = 50;

/// One run's podman. Everything of it lies below one folder and is gone after [`Engine::take_down`].
#[derive(Debug)]
pub(super) struct Engine {
    folder: PathBuf,
    state: PathBuf,
}

impl Engine {
    /// Writes the settings into a folder. What a run that died has left there is taken down first.
    pub(super) fn begin(folder: &Path) -> Result<Self, Failure> {
        let state = state_of(folder);
        let engine = Self { folder: folder.to_owned(), state };
        engine.take_down()?;
        fs::create_dir_all(folder).map_err(Failure::because(format!("cannot create {}", folder.display())))?;
        engine.write("containers.conf", &engine.settings())?;
        engine.write("storage.conf", &engine.storage())?;
        Ok(engine)
    }

    /// Where everything lies.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What podman reads to find its settings.
    pub(super) fn environment(&self) -> [(&'static str, PathBuf); 2] {
        [
            ("CONTAINERS_CONF", self.folder.join("containers.conf")),
            ("CONTAINERS_STORAGE_CONF", self.folder.join("storage.conf")),
        ]
    }

    /// Calls podman and returns what it printed, or what it complained about.
    pub(super) fn call(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new("podman");
        // Ctrl-C ends what is measured, and not what takes it down.
        command.args(arguments).envs(self.environment()).process_group(0);
        let output = command.output().map_err(|error| format!("cannot run podman: {error}"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        let words = last_lines(&String::from_utf8_lossy(&output.stderr), 10);
        Err(format!("`podman {}`: {}", arguments.join(" "), words.trim()))
    }

    /// Ends and removes all that there is: pods, networks, images, settings.
    pub(super) fn take_down(&self) -> Result<(), Failure> {
        if self.folder.join("storage.conf").is_file() {
            for arguments in [
                &["pod", "rm", "--all", "--force", "--time", "0"][..],
                &["rm", "--all", "--force", "--time", "0", "--volumes"],
                &["network", "prune", "--force"],
            ] {
                self.call(arguments).map_err(Failure::new)?;
            }
        }
        for folder in [&self.folder, &self.state].into_iter().filter(|folder| folder.exists()) {
            fs::remove_dir_all(folder).map_err(Failure::because(format!("cannot remove {}", folder.display())))?;
        }
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let file = self.folder.join(name);
        fs::write(&file, text).map_err(Failure::because(format!("cannot write {}", file.display())))
    }

    /// podman sets the limits of processes to its own idea of them, which a host without `CAP_SYS_RESOURCE` refuses.
    fn settings(&self) -> String {
        let folder = self.folder.display();
        let files = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX).min(65_536);
        // podman lowers its own limit to the number of process ids there are.
        let ids = fs::read_to_string("/proc/sys/kernel/pid_max").ok().and_then(|text| text.trim().parse().ok());
        let processes = getrlimit(Resource::Nproc).maximum.unwrap_or(u64::MAX).min(ids.unwrap_or(32_768)).min(16_384);
        format!(
            r#"[containers]
default_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]
log_driver = "k8s-file"

[engine]
# crun does not start where a part of the cgroups is of the second version.
runtime = "runc"
# Neither systemd nor a journal is asked for. Where podman keeps its own books is not said: at a container's end it looks for them beside
# the images.
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "{}/engine"
volume_path = "{folder}/volumes"

[network]
network_backend = "netavark"
network_config_dir = "{folder}/networks"
"#,
            self.state.display()
        )
    }

    fn storage(&self) -> String {
        let (folder, state) = (self.folder.display(), self.state.display());
        format!("[storage]\ndriver = \"overlay\"\ngraphroot = \"{folder}/images\"\nrunroot = \"{state}\"\n")
    }
}

/// Below the folder, or where that path is too long for podman, in the system's folder for temporary files.
fn state_of(folder: &Path) -> PathBuf {
    let below = folder.join("state");
    if below.as_os_str().len() <= LONGEST_STATE {
        return below;
    }
    let mut hasher = DefaultHasher::new();
    folder.hash(&mut hasher);
    std::env::temp_dir().join(format!("garenne-pods-{:08x}", hasher.finish() & 0xffff_ffff))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Engine, state_of};

    #[test]
    fn the_state_is_found_again_and_its_path_is_short_enough_for_podman() {
        let long = Path::new("/home/somebody/with/a/long/name/garenne/target/pods/1");
        assert_eq!(state_of(Path::new("/g/target/pods/1")), Path::new("/g/target/pods/1/state"));
        assert!(state_of(long).as_os_str().len() <= 50);
        assert_eq!(state_of(long), state_of(long));
        assert_ne!(state_of(long), state_of(&long.with_file_name("2")));
    }

    #[test]
    fn every_path_in_the_settings_is_the_runs_own() {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine { folder: folder.path().to_owned(), state: folder.path().join("state") };
        let text = engine.settings() + &engine.storage();
        let paths: Vec<&str> = text.lines().filter_map(|line| line.split_once("= \"/")).map(|(_, path)| path).collect();
        let own = folder.path().to_str().unwrap().trim_start_matches('/');
        assert_eq!(paths.len(), 5, "{text}");
        assert!(paths.iter().all(|path| path.starts_with(own)), "{paths:?}");
    }
}
