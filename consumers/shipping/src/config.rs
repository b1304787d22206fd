//! What the environment says.

/// Where the shipments are kept: `DATABASE_URL`.
pub(crate) fn database_url() -> Result<String, String> {
    std::env::var("DATABASE_URL").map_err(|problem| {
        format!("DATABASE_URL: {problem}; name the shipments' database, such as sqlite:///data/shipping.db?mode=rwc")
    })
}
