//! The file of credentials that `mqtt.credentials` names: read at the start and on `SIGHUP`.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use edge::{Method, Methods, Scram};
use scram::{Credentials, CredentialsFault};

/// Some 400,000 lines.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// The owner of the file must act.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileFault {
    #[error("the file of mqtt.credentials cannot be read")]
    Read(#[from] io::Error),
    #[error("the file of mqtt.credentials has more than {FILE_BYTES_MAX} bytes")]
    TooLarge,
    #[error("the file of mqtt.credentials is wrong in {0}")]
    Line(#[from] CredentialsFault),
    #[error("the system has no random numbers")]
    Random(#[from] getrandom::Error),
}

/// The credentials in use, and where they come from.
#[derive(Clone, Debug)]
pub(crate) struct CredentialsFile {
    pub(crate) path: PathBuf,
    mask: Mask,
    scram: Arc<Scram>,
}

/// Makes salts for names that nobody has: the same ones until the process ends.
#[derive(Clone, Copy)]
struct Mask([u8; 32]);

impl std::fmt::Debug for Mask {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("…")
    }
}

impl CredentialsFile {
    /// # Errors
    /// When it cannot be read, or a line is wrong.
    pub(crate) fn open(path: &Path) -> Result<Self, FileFault> {
        let mut mask = Mask([0; 32]);
        getrandom::fill(&mut mask.0)?;
        let scram = Arc::new(Scram::new(read(path, mask)?));
        Ok(Self { path: path.to_owned(), mask, scram })
    }

    /// Reads the file again. Says how many credentials hold now.
    ///
    /// # Errors
    /// As `open`; those from before stay in use.
    pub(crate) fn reload(&self) -> Result<usize, FileFault> {
        let credentials = read(&self.path, self.mask)?;
        let count = credentials.len();
        self.scram.replace(credentials);
        Ok(count)
    }

    pub(crate) fn methods(&self) -> Methods {
        let scram: Arc<dyn Method> = Arc::<Scram>::clone(&self.scram);
        Methods::new([scram]).with_passwords(Arc::<Scram>::clone(&self.scram))
    }
}

fn read(path: &Path, mask: Mask) -> Result<Credentials, FileFault> {
    let mut text = String::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(FileFault::TooLarge);
    }
    Ok(Credentials::parse(&text, mask.0)?)
}
