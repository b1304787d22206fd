//! What the environment says.

/// Where the charges are kept: `DATABASE_URL`.
pub(crate) fn database_url() -> Result<String, String> {
    std::env::var("DATABASE_URL").map_err(|problem| {
        format!("DATABASE_URL: {problem}; name the payments' database, such as sqlite:///data/payments.db?mode=rwc")
    })
}
