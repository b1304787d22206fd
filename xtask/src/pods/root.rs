//! The root folder of an image, made of files of this machine: what is named, and the libraries that it is linked with.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::image::copy;
use crate::failure::Failure;

/// What is left out of folders: a compiler that PostgreSQL loads for large queries, ten times as large as the rest.
const LEFT_OUT: [&str; 3] = ["bitcode", "llvmjit.so", "llvmjit_types.bc"];
/// Who a server runs as: PostgreSQL wants to know its own name.
const USERS: &str = "root:x:0:0:root:/:/bin/sh\nserver:x:999:999:server:/:/bin/sh\n";

/// A root folder that grows.
#[derive(Debug)]
pub(super) struct Root {
    folder: PathBuf,
}

impl Root {
    /// One with users and a place for temporary files, and `start` as what it does.
    pub(super) fn new(folder: PathBuf, start: &Path) -> Result<Self, Failure> {
        let root = Self { folder };
        copy(start, &root.at("/start"))?;
        root.folder("/etc")?;
        let users = root.at("/etc/passwd");
        fs::write(&users, USERS).map_err(Failure::because(format!("cannot write {}", users.display())))?;
        root.folder("/tmp")?;
        let temporary = root.at("/tmp");
        fs::set_permissions(&temporary, fs::Permissions::from_mode(0o1777))
            .map_err(Failure::because(format!("cannot open {} for everybody", temporary.display())))?;
        Ok(root)
    }

    /// Where it is on this machine.
    pub(super) fn path(&self) -> &Path {
        &self.folder
    }

    /// Makes an empty folder.
    pub(super) fn folder(&self, path: &str) -> Result<(), Failure> {
        let folder = self.at(path);
        fs::create_dir_all(&folder).map_err(Failure::because(format!("cannot create {}", folder.display())))
    }

    /// Copies a file or all that is below a folder, links as what they point at.
    pub(super) fn add(&self, path: &Path) -> Result<(), Failure> {
        if path.file_name().is_some_and(|name| LEFT_OUT.iter().any(|left_out| name == *left_out)) {
            return Ok(());
        }
        if path.is_dir() {
            let entries = fs::read_dir(path).map_err(Failure::because(format!("cannot list {}", path.display())))?;
            for entry in entries {
                let entry = entry.map_err(Failure::because(format!("cannot list {}", path.display())))?;
                // What a link points at may have gone.
                if entry.path().exists() {
                    self.add(&entry.path())?;
                }
            }
            return Ok(());
        }
        let target = self.at(path);
        if target.exists() {
            return Ok(());
        }
        copy(path, &target)?;
        if is_elf(path) {
            for library in libraries(path)? {
                self.add(&library)?;
            }
        }
        Ok(())
    }

    fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        self.folder.join(path.strip_prefix("/").unwrap_or(path))
    }
}

fn is_elf(path: &Path) -> bool {
    let mut magic = [0_u8; 4];
    File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && &magic == b"\x7fELF"
}

/// The files that the loader would load beside a program or a library, and the loader.
fn libraries(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let output = Command::new("ldd").arg(path).output().map_err(Failure::because("cannot run ldd"))?;
    // It complains about what is linked statically, which needs nothing.
    Ok(listed(&String::from_utf8_lossy(&output.stdout)))
}

fn listed(text: &str) -> Vec<PathBuf> {
    let files = text.lines().filter_map(|line| line.rsplit_once(" (0x")?.0.split_whitespace().last());
    files.filter(|file| file.starts_with('/')).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{Root, listed};

    #[test]
    fn libraries_and_the_loader_are_read_and_what_is_no_file_is_not() {
        let text = "\tlinux-vdso.so.1 (0x00007ffc)\n\tlibz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007f2d)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007f2e)\n\tlibgone.so => not found\n";
        let wanted = ["/lib/x86_64-linux-gnu/libz.so.1", "/lib64/ld-linux-x86-64.so.2"].map(PathBuf::from);
        assert_eq!(listed(text), wanted);
        assert!(listed("\tstatically linked\n").is_empty());
    }

    #[test]
    fn a_program_comes_with_its_libraries() {
        let folder = tempfile::tempdir().unwrap();
        let start = folder.path().join("start.sh");
        std::fs::write(&start, "#!/bin/sh\n").unwrap();
        let root = Root::new(folder.path().join("root"), &start).unwrap();
        let shell = Path::new("/bin/sh");
        root.add(shell).unwrap();
        let names = |path: &str| std::fs::read_dir(root.at(path)).unwrap().count();
        assert!(root.at("/bin/sh").is_file() && root.at("/start").is_file() && names("/etc") == 1);
        for library in super::libraries(shell).unwrap() {
            assert!(root.at(&library).is_file(), "{}", library.display());
        }
    }
}
