//! Where there is no TLS on the other side, or none was asked for.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use garenne::{Address, Certificates, Service, Settings, StartError};

use crate::library::bench::{Seen, TicketFiled};

/// What RabbitMQ answers to a greeting that it does not understand, before it hangs up.
const SPEAKS_PLAINLY: &[u8] = b"AMQP\x00\x00\x09\x01";

fn service() -> Service<Seen> {
    Service::new("desk").publishes::<TicketFiled>()
}

#[tokio::test]
async fn to_a_broker_without_tls_no_word_is_said_in_the_clear() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let broker = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a limit");
        let mut heard = vec![0; 4096];
        let count = stream.read(&mut heard).expect("a greeting");
        stream.write_all(SPEAKS_PLAINLY).expect("it is sent");
        heard.truncate(count);
        let mut rest = Vec::new();
        let _the_client_hangs_up = stream.read_to_end(&mut rest);
        heard.extend(rest);
        heard
    });
    let address = Address::parse(&format!("amqps://clerk:s3cret@127.0.0.1:{port}/%2f")).expect("a URL");
    let mut clerk = service().start(Seen::default(), Settings::new(address)).await.expect("the service starts");
    let error = clerk.failed().await.to_string();
    assert!(error.contains("speaks no TLS") && error.contains("5671") && !error.contains("s3cret"), "{error}");
    let heard = broker.join().expect("the broker listened");
    // A record of a handshake, and after the answer at most an alert.
    assert_eq!(heard[0], 0x16, "{heard:?}");
    let says = |words: &[u8]| heard.windows(words.len()).any(|bytes| bytes == words);
    assert!(!says(b"AMQP") && !says(b"s3cret"), "{heard:?}");
}

#[tokio::test]
async fn certificates_for_an_address_without_tls_are_a_mistake_that_the_service_does_not_survive() {
    let address = Address::parse("amqp://clerk:s3cret@127.0.0.1:5672/%2f").expect("a URL");
    let mut settings = Settings::new(address);
    settings.certificates = Certificates::default().signed_by("/etc/broker/ca.crt");
    let refused = service().start(Seen::default(), settings).await.err().expect("it is refused");
    assert!(matches!(refused, StartError::Settings(_)));
    assert!(refused.to_string().contains("write amqps://"), "{refused}");
}
