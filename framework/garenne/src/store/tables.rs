//! The library's own tables in a service's database: outbox and inbox.

use sqlx::migrate::Migrator;

use super::store::Kind;

/// Their migrations, which have a history of their own: a service numbers its migrations as it likes.
pub(super) fn migrations(kind: &Kind) -> Migrator {
    let mut migrations = match kind {
        Kind::Sqlite { .. } => sqlx::migrate!("migrations/sqlite"),
        Kind::Postgres => sqlx::migrate!("migrations/postgres"),
    };
    migrations.dangerous_set_table_name("_garenne_migrations");
    migrations
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// Each migration's name with its lines, but for how positions are counted, which the kinds do each in their own way.
    fn steps(kind: &str) -> Vec<(String, Vec<String>)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(kind);
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let lines =
            |text: String| text.lines().filter(|line| !line.starts_with("    position ")).map(str::to_owned).collect();
        let step = |file: &std::path::PathBuf| {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            (name, lines(fs::read_to_string(file).unwrap()))
        };
        files.iter().map(step).collect()
    }

    #[test]
    fn both_kinds_of_database_have_the_same_tables() {
        assert!(!steps("sqlite").is_empty());
        assert_eq!(steps("sqlite"), steps("postgres"));
    }
}
