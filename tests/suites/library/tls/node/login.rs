//! Whether the service is who it says.

use garenne::{Address, Certificates};

use super::{broker, clerk, connections, desk, fails, start, told};
use crate::library::bench::{Seen, TicketFiled};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_the_user_whom_its_certificate_names_and_without_one_it_is_nobody() {
    let broker = broker().await;
    for name in ["clerk", "desk"] {
        broker.user(name);
    }
    let seen = Seen::default();
    let desk = start(desk(), &seen, broker.settings(&broker.certificate("desk", "desk"))).await;
    let files = broker.certificate("clerk", "clerk");
    let clerk = start(clerk(), &seen, broker.settings(&files)).await;
    desk.client().publish(&TicketFiled { number: 7 }).await.expect("it is confirmed");
    assert_eq!(seen.reaches(1).await, ["7"]);
    for connection in connections(&broker, "clerk", 2).await {
        assert_eq!(connection["user"], "clerk", "{connection}");
        assert_eq!(connection["auth_mechanism"], "EXTERNAL", "{connection}");
    }
    clerk.stop().await;
    desk.stop().await;

    let trusted = Certificates::default().signed_by(broker.authorities());
    // The broker may hang up so soon that its reason is lost. Then the service tries again.
    let mut settings = broker.settings_at("localhost", trusted, None);
    settings.address = Address::parse(&format!("amqps://clerk:clerk@localhost:{}/%2f", broker.port())).expect("a URL");
    let mut unknown = super::clerk().start(Seen::default(), settings).await.expect("the service starts");
    let page = format!("http://{}/readyz", unknown.admin_addr());
    let error = tokio::select! {
        error = unknown.failed() => error.to_string(),
        text = told(&page, "AMQP_CERT_FILE") => text,
    };
    assert!(error.contains("accept this service's certificate") && error.contains("AMQP_CERT_FILE"), "{error}");

    let error = fails(broker.settings(&broker.certificate("nobody", "nobody"))).await;
    assert!(error.contains("nobody by this certificate") && error.contains("ssl_cert_login_from"), "{error}");
}
