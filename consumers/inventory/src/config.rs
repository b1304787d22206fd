//! What the environment says.

/// Where stock and reservations are kept: `DATABASE_URL`.
pub(crate) fn database_url() -> Result<String, String> {
    std::env::var("DATABASE_URL").map_err(|problem| {
        format!("DATABASE_URL: {problem}; name the inventory's database, such as sqlite:///data/inventory.db?mode=rwc")
    })
}
