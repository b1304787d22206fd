//! A broker of one test's own that takes nothing unencrypted and lets nobody in who shows no certificate.

use std::path::PathBuf;

use garenne::{Address, Certificates, Settings};
use rabbitmq_node::{Authority, CredentialFiles, Encryption, Management, Node, NodeOptions};
use serde_json::json;
use tempfile::TempDir;

use crate::broker::installation;

/// A private node with an authority of its own. It ends with its owner.
pub struct EncryptedBroker {
    node: Node,
    authority: Authority,
    encryption: Encryption,
    folder: TempDir,
}

impl EncryptedBroker {
    /// Starts it, which takes some seconds. Its certificate is for `localhost`, and not for the address of that.
    ///
    /// # Panics
    ///
    /// When the node does not start.
    #[must_use]
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (authority, encryption) = encryption(&folder);
        let options =
            NodeOptions { encryption: Some(encryption.clone()), ..NodeOptions::new(folder.path().join("node")) };
        let node = Node::start(&installation(), &options).unwrap_or_else(|error| panic!("{error}"));
        Self { node, authority, encryption, folder }
    }

    /// Restarts it with a certificate of another authority, whose file takes the place of the old one. It trusts nobody of the old
    /// one any more.
    ///
    /// # Panics
    ///
    /// When the node does not start.
    pub fn change_authority(&mut self) {
        (self.authority, self.encryption) = encryption(&self.folder);
        self.node.restart().unwrap_or_else(|error| panic!("{error}"));
    }

    /// The port for AMQP.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.node.amqp_port()
    }

    /// Whom its certificate has to be signed by.
    #[must_use]
    pub fn authorities(&self) -> PathBuf {
        self.encryption.authorities.clone()
    }

    /// Writes a new certificate for this name into a folder of the test's own, in the place of what is there.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    #[must_use]
    pub fn certificate(&self, name: &str, folder: &str) -> CredentialFiles {
        let credential = self.authority.client(name).expect("a certificate");
        credential.write(&self.folder.path().join(folder)).expect("it is written")
    }

    /// Makes a user who has every right and no password.
    ///
    /// # Panics
    ///
    /// When the broker refuses.
    pub fn user(&self, name: &str) {
        let management = self.management();
        management.put(&format!("users/{name}"), &json!({"password_hash": "", "tags": ""})).expect("the user is made");
        let rights = json!({"configure": ".*", "write": ".*", "read": ".*"});
        management.put(&format!("permissions/%2F/{name}"), &rights).expect("the rights are granted");
    }

    /// Settings of a service that logs in by these files.
    ///
    /// # Panics
    ///
    /// When the URL is none.
    #[must_use]
    pub fn settings(&self, files: &CredentialFiles) -> Settings {
        self.settings_at("localhost", Certificates::default().signed_by(self.authorities()), Some(files))
    }

    /// Settings of a service that looks for the broker there, trusts these authorities, and shows this certificate.
    ///
    /// # Panics
    ///
    /// When the URL is none.
    #[must_use]
    pub fn settings_at(&self, host: &str, trusted: Certificates, files: Option<&CredentialFiles>) -> Settings {
        let way = if files.is_some() { "?auth_mechanism=external" } else { "" };
        let url = format!("amqps://{host}:{}/%2f{way}", self.port());
        let mut settings = Settings::new(Address::parse(&url).expect("a URL"));
        settings.certificates = match files {
            Some(files) => trusted.own(&files.certificate, &files.key),
            None => trusted,
        };
        settings
    }

    /// The management interface, as the administrator.
    #[must_use]
    pub fn management(&self) -> Management {
        self.node.management()
    }
}

/// In a folder, in the place of what is there.
fn encryption(folder: &TempDir) -> (Authority, Encryption) {
    let folder = folder.path().join("broker");
    let authority = Authority::new("the test's").expect("an authority");
    let own = authority.server(&["localhost"]).expect("a certificate").write(&folder).expect("it is written");
    let authorities = folder.join("ca.crt");
    authority.write(&authorities).expect("it is written");
    (authority, Encryption { authorities, own, clients_show_theirs: true })
}
