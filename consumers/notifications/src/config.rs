//! What the environment says.

use std::env::var;

use crate::postbox::{Postbox, PostboxError};

/// Where it is remembered what was sent: `DATABASE_URL`.
pub(crate) fn database_url() -> Result<String, String> {
    var("DATABASE_URL").map_err(|problem| {
        format!(
            "DATABASE_URL: {problem}; name the database of sent mail, such as sqlite:///data/notifications.db?mode=rwc"
        )
    })
}

/// Where mail goes: to the server `SMTP_URL` when there is one, otherwise into the folder `MAIL_DIR` (`mail`).
pub(crate) fn postbox() -> Result<Postbox, PostboxError> {
    match var("SMTP_URL") {
        Ok(url) => Postbox::smtp(&url),
        Err(_) => Postbox::folder(var("MAIL_DIR").unwrap_or_else(|_| "mail".to_owned())),
    }
}
