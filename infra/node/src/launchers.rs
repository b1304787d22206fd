//! An unpacked Debian's Erlang, made to run on this machine.
//!
//! Its programs need its own C library. Each program gives way to a small script that calls the unpacked loader with the unpacked
//! libraries: nothing has to be mounted or to be run as root, and what Erlang starts besides, such as `df`, still gets this machine's
//! libraries.

use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::directory::Directory;

/// Where Erlang is in an unpacked Debian.
const ERLANG: &str = "usr/lib/erlang";

/// The folder with `erl` and `epmd` of an unpacked Debian.
pub(crate) fn programs(root: &Path) -> PathBuf {
    root.join(ERLANG).join("bin")
}

/// Puts a script in the place of every program of Erlang below `root`. The scripts hold its path, which has to be absolute.
pub(crate) fn write(root: &Path) -> Result<(), Error> {
    let lacks = |what: &str| Error::NotInstalled { instructions: format!("{} has no {what}.", root.display()) };
    // Debian's folder of the machine's kind, such as `usr/lib/x86_64-linux-gnu`: before and after `/lib` became a link to `/usr/lib`.
    let libraries: Vec<PathBuf> = ["usr/lib", "lib"]
        .into_iter()
        .flat_map(|lib| entries(&root.join(lib)))
        .filter(|path| path.is_dir() && name(path).contains("-linux-"))
        .collect();
    let loader = libraries
        .iter()
        .flat_map(|library| entries(library))
        .find(|path| name(path).starts_with("ld-linux") && !path.is_symlink())
        .ok_or_else(|| lacks("loader"))?;
    let libraries = libraries.iter().map(|library| library.display().to_string()).collect::<Vec<_>>().join(":");
    let (loader, libraries) = (quoted(&loader.display().to_string()), quoted(&libraries));

    let erlang = root.join(ERLANG);
    let mut found = Vec::new();
    collect_programs(&erlang, &mut found);
    for program in &found {
        let moved = program.with_file_name(format!("{}.elf", name(program)));
        fs::rename(program, &moved).map_err(Error::io("rename", program))?;
        let elf = quoted(&moved.display().to_string());
        let call = format!("{loader} --inhibit-cache --library-path {libraries} --argv0 \"$0\" {elf}");
        write_script(program, &format!("#!/bin/sh\nexec {call} \"$@\"\n"))?;
    }
    let machine = found.iter().find(|path| name(path) == "erlexec").and_then(|path| path.parent());
    let machine = machine.ok_or_else(|| lacks("Erlang"))?;
    let (bin, erlang) = (quoted(&machine.display().to_string()), quoted(&erlang.display().to_string()));
    let erl = format!(
        "#!/bin/sh\nexport BINDIR={bin} ROOTDIR={erlang} EMU=beam PROGNAME=erl\nexec \"$BINDIR/erlexec\" \"$@\"\n"
    );
    // A node that looks for its peers starts the second one.
    write_script(&programs(root).join("erl"), &erl)?;
    write_script(&machine.join("erl"), &erl)
}

/// Every program in the machine's own language below a folder: no library, no script, no link.
fn collect_programs(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in entries(folder).into_iter().filter(|path| !path.is_symlink()) {
        if path.is_dir() {
            collect_programs(&path, found);
        } else if !name(&path).contains(".so") && is_elf(&path) {
            found.push(path);
        }
    }
}

fn is_elf(path: &Path) -> bool {
    let mut magic = [0_u8; 4];
    File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && &magic == b"\x7fELF"
}

fn write_script(path: &Path, text: &str) -> Result<(), Error> {
    Directory::write(path, text)?;
    fs::set_permissions(path, Permissions::from_mode(0o755)).map_err(Error::io("set the permissions of", path))
}

/// One word for the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// What a folder holds, sorted; nothing when it is not there.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    paths
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn any_path_is_one_word() {
        assert_eq!(quoted("/a b/$c"), "'/a b/$c'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
