//! Encryption below the AMQP client, which is told nothing of it.
//!
//! The client's own TLS trusts a private authority only beside all others, and its pool takes no certificate at all. Its sockets
//! are ours anyway, so the handshake is made here, before the client writes its first byte: on an address with `amqps://` there
//! is no way to an unencrypted socket.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_rustls::TlsConnector;
use futures_rustls::client::TlsStream;
use futures_rustls::pki_types::ServerName;
use futures_rustls::rustls::{AlertDescription, CertificateError, ClientConfig, Error as TlsError};
use futures_util::{AsyncRead, AsyncWrite};

use super::certificates::{Certificates, Edition, FileFault};
use super::socket::{Line, Socket};

/// How a broker is to be spoken to: by which certificates, and what it has to be called.
#[derive(Debug, Clone)]
pub(super) struct Tls {
    certificates: Certificates,
    host: String,
}

/// What is said while a connection is replaced that is as good as the one before.
pub(super) const RENEWING: &str = "connecting anew with renewed certificates";

/// The next handshake.
#[derive(Clone)]
pub(super) struct Handshake {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
    pub(super) edition: Edition,
}

impl Tls {
    pub(super) fn new(certificates: Certificates, host: &str) -> Self {
        Self { certificates, host: host.to_owned() }
    }

    /// Whether the files say something else than in that edition. Without any, nothing can.
    pub(super) fn has_changed(&self, since: Edition) -> Result<bool, String> {
        let now = self.certificates.edition().map_err(|fault| fault.to_string())?;
        Ok(now != since)
    }

    /// Whether there are files that may change.
    pub(super) fn may_change(&self) -> bool {
        !self.certificates.is_empty()
    }

    /// Reads the files as they are now.
    pub(super) fn prepare(&self) -> Result<Handshake, String> {
        let name = ServerName::try_from(self.host.clone())
            .map_err(|_| format!("{:?} is no host that a certificate can name", self.host))?;
        let reading = self.certificates.read().map_err(|fault: FileFault| fault.to_string())?;
        Ok(Handshake { config: reading.config, name, edition: reading.edition })
    }
}

impl Handshake {
    pub(super) async fn shake(self, socket: Socket, line: Arc<Line>) -> io::Result<Encrypted> {
        let stream = TlsConnector::from(self.config).connect(self.name, socket).await;
        let stream = stream.inspect_err(|error| note(&line, error))?;
        Ok(Encrypted { stream: Box::new(stream), line, heard: false })
    }
}

/// An encrypted socket.
pub(super) struct Encrypted {
    stream: Box<TlsStream<Socket>>,
    line: Arc<Line>,
    /// Whether the broker has said anything since the handshake.
    heard: bool,
}

impl Encrypted {
    /// With TLS 1.3 the broker refuses a certificate after the handshake, and its reason is lost when it hangs up at once.
    fn explained(&self, error: io::Error) -> io::Error {
        note(&self.line, &error);
        if self.heard || error.get_ref().is_some() {
            return error;
        }
        let text = format!(
            "{error} right after the handshake: does the broker accept this service's certificate? See AMQP_CERT_FILE"
        );
        io::Error::new(error.kind(), text)
    }
}

/// What the client reads and writes.
pub(super) enum Wire {
    Plain(Socket),
    Encrypted(Encrypted),
}

impl Wire {
    fn inner(self: Pin<&mut Self>) -> Pin<&mut (dyn Both + Unpin)> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket),
            Self::Encrypted(encrypted) => Pin::new(encrypted.stream.as_mut()),
        }
    }

    fn explained<T>(&self, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match self {
            Self::Plain(_) => done,
            Self::Encrypted(encrypted) => done.map_err(|error| encrypted.explained(error)),
        }
    }
}

trait Both: AsyncRead + AsyncWrite {}

impl<T: AsyncRead + AsyncWrite> Both for T {}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut [u8]) -> Poll<io::Result<usize>> {
        let read = self.as_mut().inner().poll_read(context, to);
        if let Self::Encrypted(encrypted) = &mut *self {
            encrypted.heard |= matches!(read, Poll::Ready(Ok(1..)));
        }
        self.explained(read)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.as_mut().inner().poll_write(context, from);
        self.explained(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.as_mut().inner().poll_write_vectored(context, from);
        self.explained(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.as_mut().inner().poll_flush(context);
        self.explained(flushed)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_close(context)
    }
}

fn note(line: &Line, error: &io::Error) {
    if let Some(advice) = advice(error) {
        line.is_faulty(advice);
    }
}

/// What to do about a handshake that failed for good. `None` when it was cut off, which says nothing about certificates.
fn advice(error: &io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<TlsError>()?;
    Some(match error {
        TlsError::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its certificate is signed by no authority that is trusted here: give the broker's as AMQP_CA_FILE"
                .to_owned()
        }
        TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => format!(
            "{error}: name the host in AMQP_URL as its certificate does, or give it a certificate with this name"
        ),
        TlsError::InvalidCertificate(_) => format!("{error}: the broker needs another certificate"),
        TlsError::AlertReceived(alert) if is_about_our_certificate(*alert) => {
            format!(
                "the broker does not accept this service's certificate ({alert:?}): see AMQP_CERT_FILE and AMQP_KEY_FILE"
            )
        }
        TlsError::AlertReceived(_) | TlsError::PeerIncompatible(_) => {
            format!("no way of encryption in common: {error}")
        }
        TlsError::InvalidMessage(_) => {
            "whoever answers there speaks no TLS: is the port the broker's for AMQP over TLS, usually 5671?".to_owned()
        }
        _ => return None,
    })
}

fn is_about_our_certificate(alert: AlertDescription) -> bool {
    use AlertDescription as Alert;
    matches!(
        alert,
        Alert::CertificateRequired
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
    )
}
