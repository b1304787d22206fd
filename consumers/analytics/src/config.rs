//! What the environment says.

/// Where the sales are kept: `DATABASE_URL`, empty when it is not set.
pub(crate) fn database_url() -> String {
    std::env::var("DATABASE_URL").unwrap_or_default()
}
