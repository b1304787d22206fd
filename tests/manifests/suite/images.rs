//! What the images are made of.

use manifests::project::{MODULES, crate_of, read, root};

/// From the line that begins the image itself.
fn image(path: &str) -> Vec<String> {
    let text = read(path);
    let (_, image) = text.split_once("FROM scratch\n").unwrap_or_else(|| panic!("{path} does not begin from nothing"));
    let of_itself = |line: &&str| !line.starts_with("COPY ") && !line.starts_with('#');
    image.lines().filter(of_itself).map(str::to_owned).collect()
}

#[test]
fn the_image_of_a_program_that_is_built_already_is_the_same() {
    assert_eq!(image("Containerfile"), image("infra/images/prebuilt.Containerfile"));
}

#[test]
fn an_image_is_a_program_without_a_shell_that_runs_as_nobody() {
    for path in ["Containerfile", "infra/images/prebuilt.Containerfile"] {
        let image = image(path);
        for line in ["USER 65532:65532", "ENTRYPOINT [\"/service\"]"] {
            assert!(image.iter().any(|one| one == line), "{path} has no line {line}");
        }
        assert!(image.iter().all(|line| !line.starts_with("RUN ") && !line.starts_with("FROM ")), "{path}: {image:?}");
        for label in ["title", "version", "revision", "licenses", "description"] {
            let label = format!("org.opencontainers.image.{label}=");
            assert!(image.iter().any(|line| line.contains(&label)), "{path} has no label {label}");
        }
    }
    assert!(
        read("Containerfile").contains("ENV RUSTFLAGS=\"-C target-feature=+crt-static\""),
        "it is not linked statically"
    );
}

#[test]
fn what_is_built_for_one_image_is_built_for_all_and_without_a_service_there_is_none() {
    let text = read("Containerfile");
    let (build, _) = text.split_once("FROM scratch\n").expect("two parts");
    // An argument would make another part of it for each image.
    assert!(!build.lines().any(|line| line.starts_with("ARG ")), "{build}");
    for folder in ["producers", "consumers"] {
        assert!(build.contains(&format!("$(cd {folder} && echo *)")), "nobody builds what is in {folder}");
    }
    assert!(text.contains("\nCOPY --from=build /images/$SERVICE/ /\n"), "{text}");
    assert!(image("Containerfile").contains(&"ARG SERVICE=none".to_owned()), "{text}");
    assert!(!MODULES.contains(&"none"));
}

#[test]
fn what_git_does_not_take_no_image_takes() {
    let context = read(".containerignore");
    let ignored = |path: &str| context.lines().any(|line| line == path);
    for (file, before) in [("infra/aws/.gitignore", "**/"), ("k8s/overlays/.gitignore", "k8s/overlays")] {
        for line in read(file).lines().filter(|line| !line.starts_with('#')) {
            let path = format!("{before}{}", line.trim_end_matches('/'));
            assert!(ignored(&path), "{file} has {line}, and .containerignore has no {path}");
        }
    }
}

#[test]
fn the_image_is_of_this_version_and_built_by_the_compiler_that_the_workspace_asks_for() {
    let workspace = read("Cargo.toml");
    let value = |key: &str| {
        let (_, rest) = workspace.split_once(&format!("\n{key} = \"")).unwrap_or_else(|| panic!("no {key}"));
        rest.split('"').next().unwrap_or_default().to_owned()
    };
    assert!(image("Containerfile").contains(&format!("ARG VERSION={}", value("version"))));
    let base = format!("FROM docker.io/library/rust:{}.", value("rust-version"));
    assert!(
        read("Containerfile").lines().any(|line| line.starts_with(&base)),
        "the Containerfile does not say {base}…"
    );
}

#[test]
fn every_module_has_a_crate_whose_program_the_image_can_be() {
    for module in MODULES {
        let manifest = read(&format!("{}/Cargo.toml", crate_of(module)));
        assert!(manifest.contains(&format!("name = \"{module}\"")), "{module}");
    }
    for folder in ["producers", "consumers"] {
        for service in manifests::project::folders(folder) {
            assert!(MODULES.contains(&service.as_str()), "{service} is no module: it has no manifests");
            assert!(root().join("k8s/base").join(&service).is_dir());
        }
    }
}
