//! What a TLS listener shows and asks for: certificate, key, and whose clients it takes. Read from
//! files at the start, and again when its owner says so.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};

/// Files in PEM form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, then those that lead from it to its root.
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Clients must show a certificate of one of these; `None` asks for none.
    pub client_ca: Option<PathBuf>,
}

/// The owner of the listener must act on all of these.
#[derive(Debug, thiserror::Error)]
pub enum CertificateFault {
    #[error("{path} cannot be read as PEM")]
    Pem { path: PathBuf, source: pem::Error },
    #[error("{path} holds no certificate")]
    Empty { path: PathBuf },
    #[error("{path} holds something that is no authority for clients")]
    Authority { path: PathBuf, source: rustls::Error },
    #[error("{path} cannot be used to look at clients")]
    Verifier { path: PathBuf, source: VerifierBuilderError },
    #[error("certificate {certificate} and key {key} do not fit")]
    Unfit { certificate: PathBuf, key: PathBuf, source: rustls::Error },
    #[error("the system gave no random numbers for the keys of TLS")]
    Random(#[source] rustls::Error),
}

/// The certificates of one listener, as they were when they were last read without a fault.
#[derive(Debug)]
pub(crate) struct Certificates {
    files: TlsFiles,
    /// What is spoken inside of TLS (RFC 7301). A client that names protocols must name this one.
    protocol: &'static [u8],
    config: ArcSwap<ServerConfig>,
}

impl Certificates {
    pub(crate) fn read(files: TlsFiles, protocol: &'static [u8]) -> Result<Self, CertificateFault> {
        let config = ArcSwap::from(config(&files, protocol)?);
        Ok(Self { files, protocol, config })
    }

    /// Reads the files again. Connections that are open stay as they are; a fault changes nothing.
    pub(crate) fn reload(&self) -> Result<(), CertificateFault> {
        self.config.store(config(&self.files, self.protocol)?);
        Ok(())
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }
}

fn config(files: &TlsFiles, protocol: &[u8]) -> Result<Arc<ServerConfig>, CertificateFault> {
    let TlsFiles { certificate, key, client_ca } = files;
    let chain = certificates(certificate)?;
    let secret = PrivateKeyDer::from_pem_file(key)
        .map_err(|source| CertificateFault::Pem { path: key.clone(), source })?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(CertificateFault::Random)?;
    let builder = match client_ca {
        Some(path) => builder.with_client_cert_verifier(verifier(path)?),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(chain, secret).map_err(|source| {
        CertificateFault::Unfit { certificate: certificate.clone(), key: key.clone(), source }
    })?;
    config.alpn_protocols = vec![protocol.to_vec()];
    // A client that comes back shows a ticket, sealed with a key that changes every few hours and
    // with every reload: who was let in under an earlier authority is asked anew. We keep nothing.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = ring::Ticketer::new().map_err(CertificateFault::Random)?;
    // A device opens one connection, and gets another ticket with it.
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateFault> {
    let pem = |source| CertificateFault::Pem { path: path.to_owned(), source };
    let read = CertificateDer::pem_file_iter(path).map_err(pem)?;
    let chain: Vec<_> = read.collect::<Result<_, _>>().map_err(pem)?;
    if chain.is_empty() {
        return Err(CertificateFault::Empty { path: path.to_owned() });
    }
    Ok(chain)
}

fn verifier(path: &Path) -> Result<Arc<dyn ClientCertVerifier>, CertificateFault> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots
            .add(certificate)
            .map_err(|source| CertificateFault::Authority { path: path.to_owned(), source })?;
    }
    let provider = Arc::new(ring::default_provider());
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|source| CertificateFault::Verifier { path: path.to_owned(), source })
}
