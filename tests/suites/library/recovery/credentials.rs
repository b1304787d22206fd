//! A password that was changed under a running service.

use std::time::Instant;

use serde_json::json;

use super::{BACK, clerk, is_not_ready_because, reaches, sees};
use crate::library::bench::{Bench, metric};

/// A user of this test alone.
struct User<'a> {
    bench: &'a Bench,
    name: String,
}

impl User<'_> {
    fn has_password(&self, password: &str) {
        let user = json!({"password": password, "tags": ""});
        self.bench
            .vhost
            .broker()
            .management()
            .put(&format!("users/{}", self.name), &user)
            .expect("the user is changed");
    }
}

impl Drop for User<'_> {
    fn drop(&mut self) {
        let _ = self.bench.vhost.broker().management().delete(&format!("users/{}", self.name));
    }
}

#[tokio::test]
async fn a_password_that_was_changed_ends_no_running_service_and_once_put_back_it_consumes_within_5_seconds() {
    let bench = Bench::new().await;
    let user = User { bench: &bench, name: format!("clerk-{}", bench.vhost.name()) };
    user.has_password("old");
    bench.vhost.allow(&user.name, ".*", ".*", ".*");
    let settings = bench.settings_at(&bench.vhost.url_of(&user.name, "old"));
    let mut clerk = bench.start_with(clerk(), settings).await;
    user.has_password("new");
    // Nothing happens to what is connected already.
    bench.file(1).await;
    sees(&bench, 1).await;
    bench.cut("clerk", "consume").await;
    bench.cut("clerk", "publish").await;
    is_not_ready_because(&clerk, &format!("the broker refuses user \"{}\" or its password", user.name)).await;
    metric(&clerk, "garenne_consuming{} 0").await;
    bench.file(2).await;
    // Several attempts, none of which ends the service.
    reaches(&clerk, "garenne_failed_attempts_total{connection=\"consume\"}", 4).await;
    reaches(&clerk, "garenne_failed_attempts_total{connection=\"publish\"}", 4).await;
    tokio::select! {
        biased;
        error = clerk.failed() => panic!("{error}"),
        () = std::future::ready(()) => {}
    }
    user.has_password("old");
    let began = Instant::now();
    sees(&bench, 2).await;
    assert!(began.elapsed() < BACK, "{:?}", began.elapsed());
    clerk.stop().await;
}
