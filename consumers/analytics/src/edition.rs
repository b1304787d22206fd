//! Which edition of the sales answers, and which one is being written.

use garenne::store::Transaction;

/// The row of `editions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Editions {
    answering: i64,
    writing: i64,
    /// The last entry that the answering one counts.
    through: Option<i64>,
}

impl Editions {
    /// Reads them, and keeps others from changing them before this transaction ends.
    pub(crate) async fn lock(transaction: &mut Transaction) -> Result<Self, sqlx::Error> {
        let lock = "UPDATE editions SET one = one RETURNING answering, writing, through";
        let (answering, writing, through) = sqlx::query_as(lock).fetch_one(&mut **transaction).await?;
        Ok(Self { answering, writing, through })
    }

    pub(crate) fn writing(self) -> i64 {
        self.writing
    }

    pub(crate) fn through(self) -> Option<u64> {
        self.through.and_then(|offset| u64::try_from(offset).ok())
    }

    /// The entry up to which the answers stay what they are, while a rebuild is under way.
    pub(crate) fn rebuilt_until(self) -> Option<u64> {
        if self.answering == self.writing { None } else { self.through() }
    }

    /// Whether a rebuild has come as far as the answers are, with this entry.
    pub(crate) fn is_rebuilt(self, through: u64) -> bool {
        self.rebuilt_until().is_some_and(|until| through >= until)
    }

    /// Whether the written edition has counted less than the answering one.
    pub(crate) async fn would_forget(self, transaction: &mut Transaction) -> Result<bool, sqlx::Error> {
        let totals = "SELECT orders, revenue_cents FROM totals WHERE edition = $1";
        let mut found = [(0_i64, 0_i64); 2];
        for (found, edition) in found.iter_mut().zip([self.writing, self.answering]) {
            let row = sqlx::query_as(totals).bind(edition).fetch_optional(&mut **transaction).await?;
            *found = row.unwrap_or_default();
        }
        let [new, known] = found;
        Ok(new.0 < known.0 || new.1 < known.1)
    }

    /// The written edition has counted the entries up to this one. From the first moment in which it counts no less than the
    /// answering one, it is the one that answers.
    pub(crate) async fn counted(self, transaction: &mut Transaction, through: u64) -> Result<(), sqlx::Error> {
        if self.rebuilt_until().is_some() && !self.is_rebuilt(through) {
            return Ok(());
        }
        if self.is_rebuilt(through) {
            tracing::info!(edition = self.writing, through, "rebuilt: the new result answers");
        }
        sqlx::query("UPDATE editions SET answering = writing, through = $1")
            .bind(i64::try_from(through).unwrap_or(i64::MAX))
            .execute(&mut **transaction)
            .await
            .map(drop)
    }

    /// Begins a new edition.
    pub(crate) async fn begin(transaction: &mut Transaction) -> Result<(), sqlx::Error> {
        let begin = "UPDATE editions SET latest = latest + 1, writing = latest + 1";
        sqlx::query(begin).execute(&mut **transaction).await.map(drop)
    }

    /// Gives up the edition that is being written.
    pub(crate) async fn give_up(self, transaction: &mut Transaction) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE editions SET writing = answering").execute(&mut **transaction).await.map(drop)
    }
}
