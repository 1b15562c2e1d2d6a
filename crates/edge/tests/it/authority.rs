//! Certificates made on the spot.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use edge::TlsFiles;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};

/// An authority with a folder of its own.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

/// A certificate and its key, as files.
pub(crate) struct Identity {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        Self { issuer: Issuer::new(params, key), folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// An identity in files called after `name`, which are written over.
    pub(crate) fn identity(&self, name: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let file = |extension: &str, text: String| {
            let path = self.folder.path().join(name).with_extension(extension);
            std::fs::write(&path, text).unwrap();
            path
        };
        Identity {
            certificate: file("pem", certificate.pem()),
            key: file("key", key.serialize_pem()),
        }
    }

    /// Files for a listener.
    pub(crate) fn server(&self) -> TlsFiles {
        let Identity { certificate, key } = self.identity("server");
        TlsFiles { certificate, key, client_ca: None }
    }

    /// What a client needs that trusts this authority.
    pub(crate) fn client(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        identity: Option<&Identity>,
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(certificate(&self.path())).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let key = PrivateKeyDer::from_pem_file(&identity.key).unwrap();
                let chain = vec![certificate(&identity.certificate)];
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        }
    }
}

pub(crate) fn certificate(path: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(path).unwrap()
}
