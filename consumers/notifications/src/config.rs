//! What the environment says.

use crate::postbox::{Postbox, PostboxError};

/// Where it is remembered what was sent: `DATABASE_URL`, empty when it is not set.
pub(crate) fn database_url() -> String {
    std::env::var("DATABASE_URL").unwrap_or_default()
}

/// Where mail goes: to the server `SMTP_URL` when there is one, otherwise into the folder `MAIL_DIR` (`mail`).
pub(crate) fn postbox() -> Result<Postbox, PostboxError> {
    choose(&|name| std::env::var(name).ok())
}

fn choose(variable: &dyn Fn(&str) -> Option<String>) -> Result<Postbox, PostboxError> {
    let set = |name| variable(name).filter(|text| !text.is_empty());
    match set("SMTP_URL") {
        Some(url) => Postbox::smtp(&url),
        None => Postbox::folder(set("MAIL_DIR").unwrap_or_else(|| "mail".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_address_of_a_mail_server_counts_as_unset() {
        let folder = tempfile::tempdir().unwrap().path().join("sent");
        let say = |name: &str| Some(if name == "MAIL_DIR" { folder.display().to_string() } else { String::new() });
        assert!(matches!(choose(&say), Ok(Postbox::Folder(chosen)) if chosen == folder));
    }
}
