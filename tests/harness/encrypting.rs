//! The way to a broker that takes nothing unencrypted, for clients that speak plainly: it encrypts what passes.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

/// Listens on loopback for as long as the process lives, and says where. The broker, given as host and port, has to show a
/// certificate that these authorities have signed.
pub(crate) fn before(broker: String, authorities: &Path) -> String {
    let connector = connector(authorities);
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    listener.set_nonblocking(true).expect("a socket that nobody waits for");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    thread::spawn(move || {
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, broker.clone(), connector.clone()));
            }
        });
    });
    address
}

/// Until either side ends. The other one then sees an end too, as it would without anybody in between.
async fn pass(mut client: TcpStream, broker: String, connector: TlsConnector) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    let host = broker.rsplit_once(':').map_or(broker.as_str(), |(host, _)| host).to_owned();
    let name = ServerName::try_from(host).map_err(std::io::Error::other)?;
    let plain = TcpStream::connect(&broker).await?;
    plain.set_nodelay(true)?;
    let mut encrypted = connector.connect(name, plain).await?;
    copy_bidirectional(&mut client, &mut encrypted).await.map(drop)
}

fn connector(authorities: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authorities).expect("the authorities can be read") {
        roots.add(certificate.expect("a certificate")).expect("an authority");
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.expect("versions of TLS").with_root_certificates(roots).with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}
