//! TLS towards another broker: whom it has to prove to be, and who we are.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

/// Files in PEM form, and names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsOptions {
    /// Authorities; the broker must show a certificate of one of these.
    pub ca: PathBuf,
    /// Our certificate, then those that lead from it to its root.
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// What the broker's certificate must be for, if that is not the host of its address.
    pub server_name: Option<Box<str>>,
    /// Protocols to be named (RFC 7301), for brokers that serve several on one port.
    pub alpn: Vec<Box<str>>,
}

/// The owner of the configuration must act on all of these.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    #[error("{path} cannot be read as PEM")]
    Pem { path: PathBuf, source: pem::Error },
    #[error("{path} holds no certificate")]
    Empty { path: PathBuf },
    #[error("{path} holds something that is no authority")]
    Authority { path: PathBuf, source: rustls::Error },
    #[error("a certificate and a key go together")]
    Half,
    #[error("certificate {certificate} and its key do not fit")]
    Unfit { certificate: PathBuf, source: rustls::Error },
    #[error("{0:?} is no name that a certificate can be for")]
    Name(Box<str>),
    #[error("TLS cannot be set up")]
    Setup(#[source] rustls::Error),
}

/// What every connection to one broker begins with.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Tls {
    /// Reads the files. `host` is that of the broker's address.
    pub(crate) fn read(options: &TlsOptions, host: &str) -> Result<Self, TlsFault> {
        let name = options.server_name.as_deref().unwrap_or(host);
        let name =
            ServerName::try_from(name.to_owned()).map_err(|_odd| TlsFault::Name(name.into()))?;
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&options.ca)? {
            roots
                .add(certificate)
                .map_err(|source| TlsFault::Authority { path: options.ca.clone(), source })?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TlsFault::Setup)?
            .with_root_certificates(roots);
        let mut config = match (&options.certificate, &options.key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(certificate), Some(key)) => {
                let secret = PrivateKeyDer::from_pem_file(key)
                    .map_err(|source| TlsFault::Pem { path: key.clone(), source })?;
                builder.with_client_auth_cert(certificates(certificate)?, secret).map_err(
                    |source| TlsFault::Unfit { certificate: certificate.clone(), source },
                )?
            }
            _ => return Err(TlsFault::Half),
        };
        config.alpn_protocols = options.alpn.iter().map(|one| one.as_bytes().to_vec()).collect();
        Ok(Self { config: Arc::new(config), name })
    }

    pub(crate) fn connection(&self) -> Result<ClientConnection, rustls::Error> {
        ClientConnection::new(Arc::clone(&self.config), self.name.clone())
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let pem = |source| TlsFault::Pem { path: path.to_owned(), source };
    let read = CertificateDer::pem_file_iter(path).map_err(pem)?;
    let chain: Vec<_> = read.collect::<Result<_, _>>().map_err(pem)?;
    if chain.is_empty() {
        return Err(TlsFault::Empty { path: path.to_owned() });
    }
    Ok(chain)
}
