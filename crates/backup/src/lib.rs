//! Copies of a site that can be verified, made while it runs, and sites made from them.
//!
//! Owns: the folder of a backup (`docs/formats/backup.md`), the order in which a site is copied.
//! Never: what is in the files; each store says which of them it needs and whether they hold.
//!
//! History is copied first, the journal after it: so the journal has everything that history does
//! not have yet, and the copy holds whatever was acknowledged before it began.

mod fault;
mod files;
mod manifest;
mod restore;
mod take;
mod verify;

pub use fault::BackupFault;
pub use manifest::format;
pub use restore::restore;
pub use take::{Taken, take};
pub use verify::{Checked, is_backup, verify_backup, verify_site};

/// Bytes that have been dealt with so far, of files that are not known in number before.
pub type Progress<'a> = &'a mut dyn FnMut(u64);
