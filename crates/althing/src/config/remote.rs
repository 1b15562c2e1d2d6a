//! The object store for old days.

use std::path::PathBuf;

use s3::{Keys, OptionsFault};
use serde::{Deserialize, Serialize};

use super::{Bytes, Span};
use crate::remote::RemotePlan;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct RemoteConfig {
    /// Empty for no store.
    pub(crate) bucket: String,
    /// `https://host`, or `http://host:port`.
    pub(crate) endpoint: String,
    pub(crate) region: String,
    /// Before all keys of this site; no other site has it.
    pub(crate) prefix: String,
    /// The bucket is in the path, not in the host's name.
    pub(crate) path_style: bool,
    /// A file as the tools of AWS have it; empty for their variables of the environment.
    pub(crate) credentials: PathBuf,
    /// PEM; empty for the authorities of the system.
    pub(crate) ca: PathBuf,
    /// Days that ended so long ago move.
    pub(crate) after: Span,
    /// Memory for what was read from the store.
    pub(crate) cache: Bytes,
    /// The site that wrote here before and is gone for good.
    pub(crate) take_over: String,
}

impl Default for RemoteConfig {
    fn default() -> Self {
        Self {
            bucket: String::new(),
            endpoint: String::new(),
            region: "us-east-1".to_owned(),
            prefix: "althing".to_owned(),
            path_style: true,
            credentials: PathBuf::new(),
            ca: PathBuf::new(),
            after: Span::days(7),
            cache: Bytes::mebi(128),
            take_over: String::new(),
        }
    }
}

impl RemoteConfig {
    /// Whether what is said of the store can be; nothing where there is none.
    pub(crate) fn check(&self) -> Result<(), OptionsFault> {
        if self.bucket.is_empty() {
            return Ok(());
        }
        self.options(Keys::new("", "", None)).check()
    }

    /// With the keys, of the file or of the environment.
    pub(crate) fn resolve(&self) -> Result<Option<RemotePlan>, OptionsFault> {
        if self.bucket.is_empty() {
            return Ok(None);
        }
        let keys = if self.credentials.as_os_str().is_empty() {
            Keys::from_variables(|name| std::env::var(name).ok())?
        } else {
            Keys::read(&self.credentials)?
        };
        let plan = RemotePlan {
            store: self.options(keys),
            after: self.after.get(),
            cache_bytes: usize::try_from(self.cache.get()).unwrap_or(usize::MAX),
            take_over: Some(self.take_over.clone()).filter(|name| !name.is_empty()),
        };
        Ok(Some(plan))
    }

    fn options(&self, keys: Keys) -> s3::Options {
        s3::Options {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            bucket: self.bucket.clone(),
            prefix: self.prefix.clone(),
            path_style: self.path_style,
            authorities: Some(self.ca.clone()).filter(|path| !path.as_os_str().is_empty()),
            keys,
        }
    }
}
