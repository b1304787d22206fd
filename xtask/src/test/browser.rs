//! The browser of the page's tests.

use std::path::PathBuf;

use machine::packages;

use crate::failure::Failure;

/// A Chromium and the driver that remote-controls it.
#[derive(Debug)]
pub(super) struct Browser {
    pub(super) program: PathBuf,
    pub(super) driver: PathBuf,
}

/// Finds them in `PATH`, or installs Debian's packages.
pub(super) fn find_or_install(progress: &mut dyn FnMut(&str)) -> Result<Browser, Failure> {
    if let Some(browser) = find() {
        return Ok(browser);
    }
    if !packages::can_install() {
        return Err(Failure::new("no chromium with chromedriver, and no apt-get to install them with"));
    }
    packages::install(&["chromium", "chromium-driver"], progress)?;
    find().ok_or_else(|| Failure::new("chromium and chromium-driver are installed, but not in PATH"))
}

fn find() -> Option<Browser> {
    let program = packages::in_path("chromium").or_else(|| packages::in_path("google-chrome"))?;
    Some(Browser { program, driver: packages::in_path("chromedriver")? })
}
