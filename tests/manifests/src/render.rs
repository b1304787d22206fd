//! From folders to documents, by `kubectl kustomize`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use serde_json::Value;

use crate::combination::Combination;
use crate::document::{list, parse};
use crate::project::{MODULES, folders, read, root};
use crate::tools::{find_or_install, run};

/// What came out of one folder.
#[derive(Debug, Clone)]
pub struct Rendering {
    /// What was rendered.
    pub title: String,
    /// The components that it is made of.
    pub components: BTreeSet<String>,
    /// Whether something is installed from it as it is.
    pub is_overlay: bool,
    /// The documents.
    pub documents: Vec<Value>,
}

impl Rendering {
    /// Whether it is made of this component.
    #[must_use]
    pub fn has(&self, component: &str) -> bool {
        self.components.contains(component)
    }

    /// The modules that it should have. Amazon MQ has no streams, so nobody keeps a log there.
    #[must_use]
    pub fn modules(&self) -> Vec<&'static str> {
        MODULES.into_iter().filter(|module| *module != "analytics" || !self.has("amazon-mq")).collect()
    }
}

/// The names of the overlays, without those that a reader of the pages has made.
#[must_use]
pub fn overlays() -> Vec<String> {
    without(folders("k8s/overlays"), &read("k8s/overlays/.gitignore"))
}

fn without(mut folders: Vec<String>, ignored: &str) -> Vec<String> {
    folders.retain(|name| !ignored.lines().any(|line| line == format!("/{name}/")));
    folders
}

/// Renders an overlay.
///
/// # Errors
/// What kustomize complained about.
pub fn render_folder(overlay: &str) -> Result<Rendering, String> {
    let folder = root().join("k8s/overlays").join(overlay);
    let file = fs::read_to_string(folder.join("kustomization.yaml")).map_err(|error| error.to_string())?;
    let file = parse(&file)?.remove(0);
    let last = |path: &Value| path.as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
    Ok(Rendering {
        title: format!("overlay {overlay}"),
        components: list(&file, "/components").iter().map(last).collect(),
        is_overlay: true,
        documents: kustomize(&folder)?,
    })
}

/// Renders the base with a combination of components.
///
/// # Errors
/// What kustomize complained about.
pub fn render(combination: &Combination) -> Result<Rendering, String> {
    let documents = elsewhere(&combination.slug(), |k8s| {
        let components: String = combination
            .components()
            .iter()
            .map(|component| format!("  - {}/components/{component}\n", k8s.display()))
            .collect();
        format!(
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - {}/base\n\
             components:\n{components}",
            k8s.display()
        )
    });
    Ok(Rendering {
        title: combination.to_string(),
        components: combination.components().iter().map(|name| (*name).to_owned()).collect(),
        is_overlay: false,
        documents: documents.map_err(|error| format!("{combination}: {error}"))?,
    })
}

/// Renders a kustomization that stands on an overlay, beside which it would lie.
///
/// # Errors
/// What kustomize complained about.
pub fn render_on(overlay: &str, file: &str) -> Result<Rendering, String> {
    let below = render_folder(overlay)?;
    let documents = elsewhere(&format!("on-{overlay}"), |k8s| {
        file.replace(&format!("  - ../{overlay}\n"), &format!("  - {}/overlays/{overlay}\n", k8s.display()))
    });
    Ok(Rendering { title: format!("on overlay {overlay}"), documents: documents?, ..below })
}

/// Renders a file in a folder of its own, which is told where the manifests are.
fn elsewhere(name: &str, file: impl Fn(&Path) -> String) -> Result<Vec<Value>, String> {
    let folder = env::temp_dir().join(format!("garenne-manifests-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    // The path of a folder that holds others may not be absolute.
    let real = folder.canonicalize().map_err(|error| error.to_string())?;
    let up: PathBuf = real.components().skip(1).map(|_| "..").collect();
    let k8s = up.join(root().strip_prefix("/").unwrap_or(Path::new(""))).join("k8s");
    let written = fs::write(folder.join("kustomization.yaml"), file(&k8s)).map_err(|error| error.to_string());
    let documents = written.and_then(|()| kustomize(&folder));
    let _ = fs::remove_dir_all(&folder);
    documents
}

fn kustomize(folder: &Path) -> Result<Vec<Value>, String> {
    let text = run(Command::new(&find_or_install()?.kubectl).arg("kustomize").arg(folder))?;
    parse(&text)
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn what_a_reader_has_made_half_is_not_judged() {
        let folders = ["eks", "here", "ours", "ours-too"].map(str::to_owned).to_vec();
        assert_eq!(without(folders, "# Those of a reader.\n/here/\n/ours/\n"), ["eks", "ours-too"]);
    }
}
