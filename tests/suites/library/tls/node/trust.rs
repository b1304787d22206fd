//! Whether the broker is who it should be.

use garenne::Certificates;
use rabbitmq_node::Authority;

use super::{broker, connections, fails, start};
use crate::library::bench::Seen;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_authority_that_is_named_every_connection_is_encrypted_and_without_it_there_is_none() {
    let broker = broker().await;
    broker.user("clerk");
    let files = broker.certificate("clerk", "clerk");
    let clerk = start(super::clerk(), &Seen::default(), broker.settings(&files)).await;
    for connection in connections(&broker, "clerk", 2).await {
        assert_eq!(connection["ssl"], true, "{connection}");
        assert_eq!(connection["ssl_protocol"], "tlsv1.3", "{connection}");
    }
    clerk.stop().await;

    let folder = tempfile::tempdir().expect("a folder");
    let other = folder.path().join("ca.crt");
    Authority::new("somebody else's").expect("an authority").write(&other).expect("it is written");
    let error = fails(broker.settings_at("localhost", Certificates::default().signed_by(&other), Some(&files))).await;
    assert!(error.contains("no authority that is trusted here") && error.contains("AMQP_CA_FILE"), "{error}");

    // This machine's authorities have not signed it either.
    let error = fails(broker.settings_at("localhost", Certificates::default(), Some(&files))).await;
    assert!(error.contains("AMQP_CA_FILE"), "{error}");

    // The certificate is for the name of the host, and not for its address.
    let trusted = Certificates::default().signed_by(broker.authorities());
    let error = fails(broker.settings_at("127.0.0.1", trusted, Some(&files))).await;
    assert!(error.contains("as its certificate does") && error.contains("127.0.0.1"), "{error}");
}
