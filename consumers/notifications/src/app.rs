//! Sending each mail once.

use std::error::Error;

use garenne::store::{Store, StoreError, Transaction, Word};

use crate::config;
use crate::mail::Mail;
use crate::postbox::{Postbox, PostboxError};

/// The mail of the shop, and what was sent of it.
#[derive(Debug, Clone)]
pub struct Notifications {
    store: Store,
    postbox: Postbox,
}

/// Why a mail may not have been sent: try again.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The mail could not be handed over.
    #[error(transparent)]
    Postbox(#[from] PostboxError),
    /// The database failed.
    #[error("the database of sent mail: {0}")]
    Database(#[from] sqlx::Error),
}

impl Notifications {
    /// Opens the database and the postbox that the environment names.
    ///
    /// # Errors
    ///
    /// When `DATABASE_URL` is missing, or the database or the postbox cannot be opened.
    pub async fn open() -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self::at(&config::database_url(), config::postbox()?).await?)
    }

    /// Opens the database at this URL.
    ///
    /// # Errors
    ///
    /// When the database cannot be opened.
    pub async fn at(url: &str, postbox: Postbox) -> Result<Self, StoreError> {
        Ok(Self { store: Store::open(url, &sqlx::migrate!()).await?, postbox })
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Sends the mail unless one of its kind was sent about the same order.
    ///
    /// It is remembered after it was handed over, by [`Notifications::remember`]. Whoever dies in between makes it go out
    /// again: into a folder it then replaces itself; a mail server gets it twice, with the same `Message-ID`.
    ///
    /// # Errors
    ///
    /// When the postbox or the database fails: try again.
    pub async fn send(&self, mail: &Mail) -> Result<(), SendError> {
        let Mail { order_id, kind, .. } = mail;
        let sent = sqlx::query("SELECT kind FROM sent_mail WHERE order_id = $1 AND kind = $2")
            .bind(Word(order_id))
            .bind(Word(kind))
            .fetch_optional(self.store.pool())
            .await?;
        if sent.is_none() {
            self.postbox.deliver(mail).await?;
            tracing::info!(%order_id, %kind, "mail sent");
        }
        Ok(())
    }

    /// Remembers that the mail was sent.
    ///
    /// # Errors
    ///
    /// When the database fails: try again.
    pub async fn remember(transaction: &mut Transaction, mail: &Mail) -> Result<(), sqlx::Error> {
        sqlx::query("INSERT INTO sent_mail (order_id, kind) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(Word(&mail.order_id))
            .bind(Word(&mail.kind))
            .execute(&mut **transaction)
            .await?;
        Ok(())
    }
}
