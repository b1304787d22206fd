//! Users of the development broker: the password is the name. Only hashes are written.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A user as the broker imports it. `tags` give rights in the management UI, not on messages.
pub(crate) fn user(name: &str, tags: &[&str]) -> Value {
    json!({
        "name": name,
        "password_hash": password_hash(salt(name), name),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": tags,
    })
}

/// The name decides the salt: the same services always give the same file.
fn salt(name: &str) -> [u8; 4] {
    let digest = Sha256::digest(format!("garenne development user {name}"));
    [digest[0], digest[1], digest[2], digest[3]]
}

/// RabbitMQ's form: base64 of the salt and of SHA-256 over salt and password.
fn password_hash(salt: [u8; 4], password: &str) -> String {
    let digest = Sha256::digest([&salt, password.as_bytes()].concat());
    STANDARD.encode([&salt[..], &digest[..]].concat())
}

#[cfg(test)]
mod tests {
    use super::{password_hash, user};

    #[test]
    fn the_hash_is_the_one_of_rabbitmqs_documentation() {
        assert_eq!(
            password_hash([0x90, 0x8d, 0xc6, 0x0a], "test12"),
            "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"
        );
    }

    #[test]
    fn the_same_name_gives_the_same_user() {
        assert_eq!(user("orders", &[]), user("orders", &[]));
        assert_ne!(user("orders", &[])["password_hash"], user("payments", &[])["password_hash"]);
    }
}
