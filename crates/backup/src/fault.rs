//! Why there is no backup, or no site from one.

use std::io;
use std::path::{Path, PathBuf};

use history::OpenFault;
use registry::RegistryFault;

#[derive(Debug, thiserror::Error)]
pub enum BackupFault {
    #[error("{} cannot be read or written", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} holds other things than a backup", path.display())]
    NotEmpty { path: PathBuf },
    #[error("{} is not a backup: {what}", path.display())]
    NoBackup { path: PathBuf, what: &'static str },
    #[error("the backup in {} was made by a newer version of Althing", path.display())]
    Newer { path: PathBuf },
    #[error("{} is damaged in the backup: {what}", path.display())]
    Damaged { path: PathBuf, what: &'static str },
    #[error("{} is not a site: it has no journal", path.display())]
    NoSite { path: PathBuf },
    #[error("the backup in {} is of another site, or of another past of this one", path.display())]
    Other { path: PathBuf },
    #[error("another process makes a backup into {}", path.display())]
    InUse { path: PathBuf },
    #[error("the site went on faster than it could be copied, {attempts} times")]
    TooFast { attempts: u32 },
    #[error("the tables cannot be copied")]
    History(#[from] OpenFault),
    #[error("the registry cannot be copied")]
    Registry(#[from] RegistryFault),
}

impl BackupFault {
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { path: path.to_owned(), source }
    }

    /// Whether a file went away because the site went on.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, Self::File { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}
