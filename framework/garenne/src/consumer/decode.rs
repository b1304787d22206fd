//! From a body to what a handler takes.

use serde::de::DeserializeOwned;

use super::Failure;
use crate::retry::Reason;

/// Reads the body of a message of this name. Nothing, be it no body or `null`, is whatever the type takes for nothing: clients in
/// other languages write a message without fields in all of these ways.
///
/// # Errors
///
/// When the type cannot be read from it: another attempt would end the same.
pub(crate) fn decode<T: DeserializeOwned>(name: &str, body: &[u8]) -> Result<T, Failure> {
    let (what, read) = match body {
        b"" => ("it has no body: ", nothing()),
        b"null" => ("it is null: ", nothing()),
        body => ("", serde_json::from_slice(body)),
    };
    read.map_err(|error| Failure::hopeless(format!("{name} cannot be read: {what}{error}"), Reason::Undecodable))
}

fn nothing<T: DeserializeOwned>() -> serde_json::Result<T> {
    serde_json::from_slice(b"null").or_else(|_| serde_json::from_slice(b"{}"))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Empty {}

    #[derive(Debug, PartialEq, Deserialize)]
    struct Full {
        number: u32,
    }

    #[test]
    fn nothing_is_what_the_type_takes_for_nothing_and_for_others_a_mistake() {
        for (body, what) in [(&b""[..], "it has no body"), (b"null", "it is null")] {
            assert_eq!(decode::<Empty>("a.b", body).ok(), Some(Empty {}));
            assert_eq!(decode::<Option<u32>>("a.b", body).ok(), Some(None));
            let failure = decode::<Full>("a.b", body).unwrap_err().to_string();
            assert!(failure.contains(&format!("a.b cannot be read: {what}: missing field `number`")), "{failure}");
        }
        assert_eq!(decode::<Full>("a.b", br#"{"number":1}"#).ok(), Some(Full { number: 1 }));
    }
}
