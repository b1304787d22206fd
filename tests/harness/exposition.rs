//! What a service tells Prometheus.

/// The sum of the samples of this name whose labels contain a text; `None` when there are no such samples.
#[must_use]
pub fn sum(exposition: &str, name: &str, labels: &str) -> Option<u64> {
    let begin = format!("{name}{{");
    let samples = exposition.lines().filter(|line| line.starts_with(&begin) && line.contains(labels));
    let numbers: Vec<u64> = samples.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
    (!numbers.is_empty()).then(|| numbers.into_iter().sum())
}

#[cfg(test)]
mod tests {
    use super::sum;

    const TEXT: &str = "# TYPE a counter\na_total{service=\"s\",queue=\"q\"} 2\na_total{service=\"s\",queue=\"r\"} 3\na_total_more{x=\"y\"} 7\n";

    #[test]
    fn samples_of_one_name_are_added_up() {
        assert_eq!(sum(TEXT, "a_total", ""), Some(5));
        assert_eq!(sum(TEXT, "a_total", "queue=\"r\""), Some(3));
        assert_eq!(sum(TEXT, "a_total", "queue=\"s\""), None);
    }
}
