//! What is generated is what stands there.

use manifests::definitions::definitions;
use manifests::generated::files;
use manifests::project::read;

#[test]
fn what_follows_from_the_definitions_is_what_stands_in_the_manifests() {
    for (path, text) in files(definitions()) {
        assert!(read(path) == text, "{path} is not what the definitions say: run `cargo run -p manifests`");
    }
}
