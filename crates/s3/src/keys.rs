//! Who asks: an id, a secret, and for passing credentials a token.

use std::fmt;
use std::path::{Path, PathBuf};

/// Bytes of a credentials file that are read.
const FILE_BYTES_MAX: usize = 64 << 10;

/// Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Keys(…)")
    }
}

/// The owner of the configuration must act on all of these.
#[derive(Debug, thiserror::Error)]
pub enum KeysFault {
    #[error("{path} cannot be read")]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path} has no aws_access_key_id and aws_secret_access_key under [default]")]
    Incomplete { path: PathBuf },
    #[error(
        "neither a file with credentials is named nor AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set"
    )]
    None,
}

impl Keys {
    #[must_use]
    pub fn new(id: &str, secret: &str, token: Option<&str>) -> Self {
        Self { id: id.to_owned(), secret: secret.to_owned(), token: token.map(str::to_owned) }
    }

    /// Of a file as the tools of AWS have it.
    ///
    /// # Errors
    /// When it cannot be read or lacks one of the two.
    pub fn read(path: &Path) -> Result<Self, KeysFault> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| KeysFault::File { path: path.to_owned(), source })?;
        let whole = text.len() <= FILE_BYTES_MAX;
        let keys = whole.then(|| Self::parse(&text)).flatten();
        keys.ok_or_else(|| KeysFault::Incomplete { path: path.to_owned() })
    }

    /// Of the variables that the tools of AWS read.
    ///
    /// # Errors
    /// When they are not set.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, KeysFault> {
        let some = |name: &str| variable(name).filter(|value| !value.is_empty());
        let both = some("AWS_ACCESS_KEY_ID").zip(some("AWS_SECRET_ACCESS_KEY"));
        let (id, secret) = both.ok_or(KeysFault::None)?;
        Ok(Self { id, secret, token: some("AWS_SESSION_TOKEN") })
    }

    /// What stands under `[default]`, or before any section.
    fn parse(text: &str) -> Option<Self> {
        let (mut id, mut secret, mut token) = (None, None, None);
        let mut is_default = true;
        for line in text.lines().map(str::trim) {
            if let Some(section) = line.strip_prefix('[') {
                is_default = section.trim_end_matches(']').trim() == "default";
            }
            let Some((key, value)) = line.split_once('=').filter(|_| is_default) else { continue };
            let value = Some(value.trim().to_owned()).filter(|value| !value.is_empty());
            match key.trim() {
                "aws_access_key_id" => id = value,
                "aws_secret_access_key" => secret = value,
                "aws_session_token" => token = value,
                _ => {}
            }
        }
        Some(Self { id: id?, secret: secret?, token })
    }
}

#[cfg(test)]
mod tests;
