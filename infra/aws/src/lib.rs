//! What the Terraform files of this folder say.
//!
//! Terraform itself needs the providers of its registry to judge them, and an account to try them. What can be promised without
//! either is tested here: versions are pinned, no secret is written down, everything is described, used and formatted, and the
//! broker is reached from the cluster alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hcl::{Block, Body, Expression};

/// This folder.
#[must_use]
pub fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files that Terraform reads, with their text.
///
/// # Panics
///
/// When one cannot be read.
#[must_use]
pub fn files() -> BTreeMap<PathBuf, String> {
    let entries = fs::read_dir(folder()).expect("the folder can be read");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let files = paths.filter(|path| path.extension().is_some_and(|end| end == "tf"));
    files.map(|path| (path.clone(), fs::read_to_string(path).expect("a file can be read"))).collect()
}

/// All files as one, as Terraform sees them.
///
/// # Panics
///
/// When one is no HCL.
#[must_use]
pub fn configuration() -> Body {
    let parse = |(path, text): (PathBuf, String)| -> Body {
        hcl::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    files().into_iter().flat_map(parse).collect()
}

/// The blocks of a kind, such as `variable`, with their labels.
pub fn blocks<'a>(body: &'a Body, kind: &'a str) -> impl Iterator<Item = (Vec<&'a str>, &'a Block)> {
    let of_kind = body.blocks().filter(move |block| block.identifier() == kind);
    of_kind.map(|block| (block.labels().iter().map(hcl::BlockLabel::as_str).collect(), block))
}

/// The value of a block's attribute.
#[must_use]
pub fn attribute<'a>(block: &'a Block, name: &str) -> Option<&'a Expression> {
    block.body().attributes().find(|attribute| attribute.key() == name).map(hcl::Attribute::expr)
}

/// A resource, module or data source by its labels.
///
/// # Panics
///
/// When there is none.
#[must_use]
pub fn block<'a>(body: &'a Body, kind: &'a str, labels: &[&str]) -> &'a Block {
    let found = blocks(body, kind).find(|(own, _)| own == labels);
    found.unwrap_or_else(|| panic!("there is no {kind} {labels:?}")).1
}

/// The text of a literal.
#[must_use]
pub fn literal(expression: &Expression) -> Option<&str> {
    match expression {
        Expression::String(text) => Some(text),
        _ => None,
    }
}
