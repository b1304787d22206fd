//! The directory of one node: everything that it reads and writes.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use machine::last_lines;

use crate::Error;

/// What lies where in a node's directory.
#[derive(Debug, Clone)]
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// Makes the directory, which may exist, with a cookie of its own. The path becomes absolute: RabbitMQ changes its working directory.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        let root = std::path::absolute(path).map_err(Error::io("resolve", path))?;
        let directory = Self { root };
        for folder in [directory.root.clone(), directory.log(), directory.data()] {
            fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        }
        // The data of a broker is nobody else's business, and the cookie below would open the node to its reader.
        fs::set_permissions(&directory.root, Permissions::from_mode(0o700))
            .map_err(Error::io("set the permissions of", &directory.root))?;
        directory.write_cookie()?;
        Ok(directory)
    }

    /// Makes both directories, and gives the second one the cookie of the first: their nodes trust each other.
    pub(crate) fn share_cookie(first: &Path, second: &Path) -> Result<(), Error> {
        if first == second {
            return Ok(());
        }
        let [first, second] = [Self::create(first)?, Self::create(second)?].map(|directory| directory.cookie());
        fs::remove_file(&second).map_err(Error::io("remove", &second))?;
        // The mode comes with it.
        fs::copy(&first, &second).map_err(Error::io("write", &second)).map(drop)
    }

    /// The directory itself, absolute. It is the `HOME` of every process of the node.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Messages, queues, users: what a restart must find again.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// `rabbitmq.log`, and `console.log` with what the node says before it has a logger.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// The configuration that this node was started with.
    #[must_use]
    pub fn configuration(&self) -> PathBuf {
        self.root.join("rabbitmq.conf")
    }

    pub(crate) fn enabled_plugins(&self) -> PathBuf {
        self.root.join("enabled_plugins")
    }

    fn cookie(&self) -> PathBuf {
        self.root.join(".erlang.cookie")
    }

    pub(crate) fn pid_file(&self) -> PathBuf {
        self.root.join("node.pid")
    }

    /// Removes what an earlier node has stored and logged.
    pub(crate) fn clear_data(&self) -> Result<(), Error> {
        for folder in [self.data(), self.log()] {
            fs::remove_dir_all(&folder).map_err(Error::io("remove", &folder))?;
            fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        }
        Ok(())
    }

    /// Replaces one file of the directory.
    pub(crate) fn write(path: &Path, text: &str) -> Result<(), Error> {
        fs::write(path, text).map_err(Error::io("write", path))
    }

    /// The end of both logs, for an error message.
    pub(crate) fn log_tail(&self) -> String {
        ["console.log", "rabbitmq.log"]
            .into_iter()
            .filter_map(|name| {
                let bytes = fs::read(self.log().join(name)).ok()?;
                let tail = last_lines(&String::from_utf8_lossy(&bytes), 15);
                (!tail.trim().is_empty()).then(|| format!("--- {name}\n{tail}"))
            })
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Erlang nodes trust whoever knows their cookie, and refuse a cookie file that others may read.
    fn write_cookie(&self) -> Result<(), Error> {
        let path = self.cookie();
        if path.exists() {
            return Ok(());
        }
        let source = Path::new("/dev/urandom");
        let mut random = [0_u8; 24];
        fs::File::open(source).and_then(|mut file| file.read_exact(&mut random)).map_err(Error::io("read", source))?;
        let cookie: String = random.iter().map(|byte| char::from(b'A' + byte % 26)).collect();
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o400)
            .open(&path)
            .and_then(|mut file| file.write_all(cookie.as_bytes()))
            .map_err(Error::io("write", &path))
    }
}
