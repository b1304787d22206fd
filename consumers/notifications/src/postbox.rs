//! Where mail is handed over: a folder or a mail server.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use crate::mail::Mail;

/// How long a mail server may take for one step of the conversation.
const SMTP_TIMEOUT: Duration = Duration::from_secs(10);

/// Where mail goes.
#[derive(Debug, Clone)]
pub enum Postbox {
    /// Into this folder, one file per mail: `<order>.<kind>.eml`.
    Folder(PathBuf),
    /// To a mail server.
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
}

/// Why a postbox cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PostboxError {
    /// The folder.
    #[error(
        "mail cannot be written into the folder {folder} ({cause}): let MAIL_DIR name one that this user may write"
    )]
    Folder {
        /// Which one.
        folder: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The server's address.
    #[error("SMTP_URL is not a mail server's address ({0}): give one such as smtps://user:password@mail.example.org")]
    Address(lettre::transport::smtp::Error),
    /// The server.
    #[error("the mail server did not take the mail: {0}")]
    Server(#[from] lettre::transport::smtp::Error),
}

impl Postbox {
    /// A folder, which is made if there is none.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn folder(folder: impl Into<PathBuf>) -> Result<Self, PostboxError> {
        let folder = folder.into();
        match std::fs::create_dir_all(&folder) {
            Ok(()) => Ok(Self::Folder(folder)),
            Err(cause) => Err(PostboxError::Folder { folder, cause }),
        }
    }

    /// A mail server: `smtps://` speaks TLS from the start, `smtp://…?tls=required` after STARTTLS, `smtp://` never.
    ///
    /// # Errors
    ///
    /// When the URL is not one of these.
    pub fn smtp(url: &str) -> Result<Self, PostboxError> {
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(PostboxError::Address)?;
        Ok(Self::Smtp(server.timeout(Some(SMTP_TIMEOUT)).build()))
    }

    /// Hands the mail over. Into a folder, the same mail replaces itself.
    ///
    /// # Errors
    ///
    /// When it may not have arrived: try again.
    pub async fn deliver(&self, mail: &Mail) -> Result<(), PostboxError> {
        match self {
            Self::Folder(folder) => {
                write(folder, mail).map_err(|cause| PostboxError::Folder { folder: folder.clone(), cause })
            }
            Self::Smtp(server) => Ok(server.send(mail.message.clone()).await.map(drop)?),
        }
    }
}

/// Writes beside and renames: a reader of the folder sees a whole mail or none. A few hundred bytes for the system's
/// cache: not worth another thread.
fn write(folder: &Path, mail: &Mail) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&mail.message.formatted())?;
    file.persist(folder.join(format!("{}.{}.eml", mail.order_id, mail.kind)))?;
    Ok(())
}
