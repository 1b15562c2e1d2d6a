//! Certificates made on the spot.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "test authority");
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// `ca.pem`, and a certificate with its key for `server` and for `client`.
    pub(crate) fn write(&self, folder: &Path) {
        std::fs::write(folder.join("ca.pem"), &self.certificate).unwrap();
        for name in ["server", "client"] {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            let certificate = params.signed_by(&key, &self.issuer).unwrap();
            std::fs::write(folder.join(name).with_extension("pem"), certificate.pem()).unwrap();
            std::fs::write(folder.join(name).with_extension("key"), key.serialize_pem()).unwrap();
        }
    }
}
