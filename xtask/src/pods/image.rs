//! The images, made of what is built or installed on this machine; no registry is asked.

use std::fs;
use std::path::Path;

use super::engine::Engine;
use crate::failure::Failure;
use crate::workspace;

/// What an image of a service may have, in bytes.
const LIMIT: u64 = 20_000_000;
/// The public authorities' certificates, which every image of a service has.
const CERTIFICATES: &str = "etc/ssl/certs/ca-certificates.crt";

/// An image and how many bytes it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) name: String,
    pub(super) bytes: u64,
}

/// The name by which the manifests call an image.
pub(super) fn tag(name: &str) -> String {
    format!("localhost/{name}:dev")
}

/// The image of a service whose static program is in a folder.
pub(super) fn of_service(engine: &Engine, service: &str, programs: &Path) -> Result<Image, Failure> {
    let context = engine.folder().join("contexts").join(service);
    copy(&programs.join(service), &context.join("service"))?;
    copy(&Path::new("/").join(CERTIFICATES), &context.join(CERTIFICATES))?;
    let image = build(engine, service, "prebuilt.Containerfile", &context)?;
    check(&image)?;
    Ok(image)
}

/// The image of a server whose root folder is laid out already.
pub(super) fn of_server(engine: &Engine, server: &str, root: &Path) -> Result<Image, Failure> {
    build(engine, server, "server.Containerfile", root)
}

fn build(engine: &Engine, name: &str, file: &str, context: &Path) -> Result<Image, Failure> {
    let file = workspace::root().join("infra/images").join(file).display().to_string();
    let (argument, tag, folder) = (format!("SERVICE={name}"), tag(name), context.display().to_string());
    let mut words = vec!["build", "--quiet", "--layers=false", "--pull-never", "--tag", &tag, "--file", &file];
    if file.ends_with("prebuilt.Containerfile") {
        words.extend(["--build-arg", &argument]);
    }
    words.push(&folder);
    engine.call(&words).map_err(Failure::new)?;
    let size = engine.call(&["image", "inspect", "--format", "{{.Size}}", &tag]).map_err(Failure::new)?;
    let bytes = size.parse().map_err(Failure::because(format!("podman says that {tag} has {size} bytes")))?;
    // Its context is in the image now.
    fs::remove_dir_all(context).map_err(Failure::because(format!("cannot remove {folder}")))?;
    Ok(Image { name: name.to_owned(), bytes })
}

/// A service's image is small, or somebody has to say why not.
fn check(image: &Image) -> Result<(), Failure> {
    if image.bytes < LIMIT {
        return Ok(());
    }
    let (name, bytes) = (&image.name, image.bytes);
    Err(Failure::new(format!("the image of {name} has {bytes} bytes; an image has to stay below {LIMIT}")))
}

/// Copies a file, and makes the folders above it.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    let made = to.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::copy(from, to)).map(drop).map_err(Failure::because(format!(
        "cannot copy {} to {}",
        from.display(),
        to.display()
    )))
}

/// The sizes as a table.
pub(super) fn table(images: &[Image]) -> String {
    let mut text = format!("{:<16}{:>8}\n", "image", "MB");
    for Image { name, bytes } in images {
        #[expect(clippy::cast_precision_loss, reason = "images are smaller than 2^52 bytes")]
        let megabytes = *bytes as f64 / 1e6;
        text.push_str(&format!("{name:<16}{megabytes:>8.1}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Image, LIMIT, check, tag};
    use crate::pods::servers;
    use crate::workspace;

    #[test]
    fn an_image_of_20_megabytes_is_too_large() {
        let image = |bytes| Image { name: "orders".to_owned(), bytes };
        assert!(check(&image(LIMIT - 1)).is_ok());
        assert!(check(&image(LIMIT)).unwrap_err().to_string().contains("orders has 20000000 bytes"));
    }

    #[test]
    fn the_overlay_asks_for_the_images_that_are_built_and_for_no_other() {
        let mut built: BTreeSet<String> = workspace::services().unwrap().iter().map(|name| tag(name)).collect();
        built.extend(servers::NAMES.map(tag));
        let mut asked = BTreeSet::new();
        for file in std::fs::read_dir(workspace::root().join("k8s/overlays/podman")).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let images = text.lines().filter_map(|line| line.trim_start().strip_prefix("image: "));
            asked.extend(images.map(|image| image.trim().to_owned()));
        }
        assert_eq!(asked, built);
    }
}
