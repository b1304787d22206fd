//! A node that takes AMQP over TLS, and by no other way.

use std::path::{Path, PathBuf};

use crate::authority::CredentialFiles;
use crate::{Authority, Error};

/// By which certificates a node is encrypted. Its port for AMQP takes nothing else then, and it has no MQTT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encryption {
    /// Who signs the certificates of clients, and signed the node's own.
    pub authorities: PathBuf,
    /// What the node shows.
    pub own: CredentialFiles,
    /// Whether every client has to show a certificate of the authorities. It may then log in by it: as the user who is called as
    /// the certificate's common name, with the mechanism EXTERNAL.
    pub clients_show_theirs: bool,
}

impl Encryption {
    /// With an authority of the node's own, whose certificate is for this machine only; clients show none.
    pub(crate) fn made_in(folder: &Path) -> Result<Self, Error> {
        let authority = Authority::new("a private node")?;
        let own = authority.server(&["localhost", "127.0.0.1"])?.write(folder)?;
        let authorities = folder.join("ca.crt");
        authority.write(&authorities)?;
        Ok(Self { authorities, own, clients_show_theirs: false })
    }

    /// The lines of `rabbitmq.conf`, with the port for AMQP.
    pub(crate) fn lines(&self, port: u16) -> Vec<String> {
        let verify = if self.clients_show_theirs { "verify_peer" } else { "verify_none" };
        let mut lines = vec![
            "listeners.tcp = none".to_owned(),
            format!("listeners.ssl.loopback = 127.0.0.1:{port}"),
            format!("ssl_options.cacertfile = {}", self.authorities.display()),
            format!("ssl_options.certfile = {}", self.own.certificate.display()),
            format!("ssl_options.keyfile = {}", self.own.key.display()),
            format!("ssl_options.verify = {verify}"),
            format!("ssl_options.fail_if_no_peer_cert = {}", self.clients_show_theirs),
            "auth_mechanisms.1 = PLAIN".to_owned(),
        ];
        if self.clients_show_theirs {
            lines.push("auth_mechanisms.2 = EXTERNAL".to_owned());
            lines.push("ssl_cert_login_from = common_name".to_owned());
        }
        lines
    }

    /// What it needs beside the usual plugins.
    pub(crate) fn plugin(&self) -> Option<&'static str> {
        self.clients_show_theirs.then_some("rabbitmq_auth_mechanism_ssl")
    }
}
