//! What the owner of a site says about the store.

use std::path::PathBuf;

use crate::keys::{Keys, KeysFault};

/// Where systems keep the authorities they trust.
pub const SYSTEM_AUTHORITIES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

#[derive(Clone, Debug)]
pub struct Options {
    /// `https://s3.eu-central-1.amazonaws.com`, or `http://127.0.0.1:9000`; no path.
    pub endpoint: String,
    pub region: String,
    pub bucket: String,
    /// Before all keys; may be empty.
    pub prefix: String,
    /// The bucket is the first part of the path, not of the host's name.
    pub path_style: bool,
    /// Authorities in PEM form; `None` for those of the system.
    pub authorities: Option<PathBuf>,
    pub keys: Keys,
}

/// The owner of the configuration must act on all of these.
#[derive(Debug, thiserror::Error)]
pub enum OptionsFault {
    #[error("the endpoint {0:?} is not like https://host or http://host:port, without a path")]
    Endpoint(Box<str>),
    #[error("{0:?} is no name of a bucket: 3 to 63 of a-z, 0-9, '.' and '-'")]
    Bucket(Box<str>),
    #[error("the region {0:?} has other characters than a-z, 0-9 and '-', or none")]
    Region(Box<str>),
    #[error(
        "the prefix {0:?} has other characters than letters, digits, '-', '_', '.' and '/' between them"
    )]
    Prefix(Box<str>),
    #[error(transparent)]
    Keys(#[from] KeysFault),
    #[error("{path} cannot be read as certificates in PEM form")]
    Authorities { path: PathBuf },
    #[error("no authorities are on this system: say where their file is")]
    NoAuthorities,
}

impl Options {
    /// Whether names are as they must be.
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), OptionsFault> {
        let all = |text: &str, more: &str| {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || more.contains(c);
            !text.is_empty() && text.chars().all(plain)
        };
        if self.host().is_none() {
            return Err(OptionsFault::Endpoint(self.endpoint.as_str().into()));
        }
        if !(3..=63).contains(&self.bucket.len()) || !all(&self.bucket, ".-") {
            return Err(OptionsFault::Bucket(self.bucket.as_str().into()));
        }
        if !all(&self.region, "-") {
            return Err(OptionsFault::Region(self.region.as_str().into()));
        }
        let part = |part: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            !part.is_empty() && !part.chars().all(|c| c == '.') && part.chars().all(plain)
        };
        if !self.prefix.is_empty() && !self.prefix.split('/').all(part) {
            return Err(OptionsFault::Prefix(self.prefix.as_str().into()));
        }
        Ok(())
    }

    /// Scheme, and host with its port.
    pub(crate) fn host(&self) -> Option<(&str, &str)> {
        let (scheme, host) = self.endpoint.trim_end_matches('/').split_once("://")?;
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
        let known = matches!(scheme, "http" | "https");
        (known && !host.is_empty() && host.chars().all(plain)).then_some((scheme, host))
    }
}

#[cfg(test)]
mod tests;
