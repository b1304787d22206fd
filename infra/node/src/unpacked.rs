//! A RabbitMQ of another Debian than this machine's, in a folder of the project's: downloaded and unpacked, never installed.
//!
//! apt-get resolves and verifies the packages as it does for the machine itself, from the machine's own mirror, but with a state and a
//! cache of its own, in which nothing is installed yet: so what is downloaded is everything from the C library upwards. It needs neither
//! root nor a mount.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use machine::last_lines;
use machine::packages::in_path;

use crate::directory::Directory;
use crate::{Error, Installation, Release, launchers};

/// Written last, with what made the folder: a folder without it, made in another way or moved since, is made anew.
const MARKER: &str = "complete";
/// Raised when the way in which the folder is made changes.
const RECIPE: u32 = 2;

/// The release's programs below `base`, made when they are not there: about 60 MB from the mirror, 160 MB on the disk. `progress` gets a
/// line before anything is downloaded.
///
/// # Errors
/// [`Error::NotInstalled`] where there is no apt-get, [`Error::Machine`] with the end of what apt-get or dpkg-deb printed.
pub(crate) fn find_or_make(
    release: Release,
    base: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<Installation, Error> {
    let base = std::path::absolute(base).map_err(Error::io("resolve", base))?;
    fs::create_dir_all(&base).map_err(Error::io("create", &base))?;
    // Of two that look for it at once, one makes it and the other waits.
    let lock = base.join(format!("{release}.lock"));
    let held = File::create(&lock).map_err(Error::io("create", &lock))?;
    held.lock().map_err(Error::io("lock", &lock))?;

    let folder = base.join(release.name());
    let root = folder.join("root");
    let wanted = format!("{RECIPE} {} {}\n", release.suite(), root.display());
    let marker = folder.join(MARKER);
    if fs::read_to_string(&marker).is_ok_and(|text| text == wanted)
        && let Some(found) = installation(&root)
    {
        return Ok(found);
    }
    if in_path("apt-get").is_none() || in_path("dpkg-deb").is_none() {
        let instructions = format!("RabbitMQ {release} is unpacked from Debian's packages, which needs apt-get.");
        return Err(Error::NotInstalled { instructions });
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Error::io("remove", &folder))?;
    }
    progress(&format!(
        "RabbitMQ {release}: unpacking Debian's packages of {} into {}",
        release.suite(),
        folder.display()
    ));
    let apt = folder.join("apt");
    download(release, &apt)?;
    unpack(&apt.join("cache/archives"), &root)?;
    fs::remove_dir_all(&apt).map_err(Error::io("remove", &apt))?;
    launchers::write(&root)?;
    let found = installation(&root).ok_or_else(|| Error::NotInstalled {
        instructions: format!("The packages of {} hold no RabbitMQ {release}.", release.suite()),
    })?;
    if !found.version().is_some_and(|version| release.includes(&version)) {
        let instructions = format!("{} has RabbitMQ {:?} instead of {release}.", release.suite(), found.version());
        return Err(Error::NotInstalled { instructions });
    }
    Directory::write(&marker, &wanted)?;
    progress(&format!("RabbitMQ {release}: unpacked"));
    Ok(found)
}

fn installation(root: &Path) -> Option<Installation> {
    Installation::with_script(root.join("usr/lib/rabbitmq/bin/rabbitmq-server"), Some(launchers::programs(root)))
}

/// Downloads the package and all that it depends on.
fn download(release: Release, apt: &Path) -> Result<(), Error> {
    for folder in ["lists/partial", "cache/archives/partial", "empty"] {
        let folder = apt.join(folder);
        fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    }
    let configuration = apt.join("apt.conf");
    Directory::write(&apt.join("status"), "")?;
    Directory::write(&apt.join("sources.list"), &format!("deb {} {} main\n", mirror()?, release.suite()))?;
    Directory::write(&configuration, &settings(apt))?;
    let run = |arguments: &[&str]| {
        checked(Command::new("apt-get").arg("--quiet").arg("--config-file").arg(&configuration).args(arguments))
    };
    run(&["update"])?;
    run(&["install", "--yes", "--download-only", "--no-install-recommends", "rabbitmq-server"])?;
    Ok(())
}

/// apt's settings for a state of its own. The rest, such as a proxy, stays the machine's.
fn settings(apt: &Path) -> String {
    let apt = apt.display();
    format!(
        r#"Dir::State "{apt}";
Dir::State::lists "lists";
Dir::State::status "{apt}/status";
Dir::Cache "{apt}/cache";
Dir::Etc::sourcelist "{apt}/sources.list";
Dir::Etc::sourceparts "{apt}/empty";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "{apt}/empty";
Dir::Log "{apt}";
Acquire::Languages "none";
APT::Sandbox::User "";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear Acquire::IndexTargets::deb::DEP-11;
#clear Acquire::IndexTargets::deb::Contents-deb;
#clear APT::Default-Release;
"#
    )
}

/// The mirror that this machine's own packages come from.
fn mirror() -> Result<String, Error> {
    let format = "$(RELEASE) $(COMPONENT) $(REPO_URI)";
    let printed = checked(Command::new("apt-get").args(["indextargets", "--format", format, "Created-By: Packages"]))?;
    choose_mirror(&String::from_utf8_lossy(&printed.stdout)).ok_or_else(|| Error::NotInstalled {
        instructions: "apt's sources name no mirror of Debian to take the packages from.".to_owned(),
    })
}

/// The address of the first source that is a whole Debian: not its updates, and not somebody else's packages.
fn choose_mirror(targets: &str) -> Option<String> {
    let sources: Vec<[&str; 3]> = targets
        .lines()
        .filter_map(|line| line.split_whitespace().collect::<Vec<_>>().try_into().ok())
        .filter(|[release, component, _]: &[&str; 3]| *component == "main" && !release.contains(['-', '/']))
        .collect();
    let is_debian = |[_, _, address]: &&[&str; 3]| address.trim_end_matches('/').ends_with("/debian");
    let [_, _, address] = sources.iter().find(is_debian).or_else(|| sources.first())?;
    Some((*address).to_owned())
}

/// Unpacks every archive of a folder.
fn unpack(archives: &Path, root: &Path) -> Result<(), Error> {
    fs::create_dir_all(root).map_err(Error::io("create", root))?;
    let mut packages: Vec<PathBuf> = fs::read_dir(archives)
        .map_err(Error::io("list", archives))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .collect();
    packages.sort();
    for package in packages {
        checked(Command::new("dpkg-deb").arg("--extract").arg(&package).arg(root))?;
    }
    Ok(())
}

fn checked(command: &mut Command) -> Result<Output, Error> {
    let program = PathBuf::from(command.get_program());
    let output = command.env("LC_ALL", "C.UTF-8").output().map_err(Error::io("run", &program))?;
    if output.status.success() {
        return Ok(output);
    }
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
    Err(Error::Machine(machine::Error::Install {
        command: format!("{} {}", program.display(), words.join(" ")),
        output: last_lines(&String::from_utf8_lossy(&[output.stdout, output.stderr].concat()), 20),
    }))
}

#[cfg(test)]
mod tests {
    use super::choose_mirror;

    #[test]
    fn the_mirror_is_the_one_of_the_whole_distribution() {
        let targets = "bookworm-security main http://mirror/debian-security/\n\
                       nodistro main https://packages/node/\n\
                       bookworm-updates main http://mirror/debian/\n\
                       bookworm contrib http://mirror/debian/\n\
                       bookworm main http://mirror/debian/\n";
        assert_eq!(choose_mirror(targets).as_deref(), Some("http://mirror/debian/"));
        assert_eq!(choose_mirror("bookworm main http://cache/d12/\n").as_deref(), Some("http://cache/d12/"));
        assert_eq!(choose_mirror("bookworm-security main http://mirror/debian-security/\n"), None);
    }
}
