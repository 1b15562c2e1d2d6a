//! What few connections have, in one place behind one pointer: most of them pay for the pointer only.

use super::aliases::Aliases;
use super::authenticating::Method;

#[derive(Debug, Default)]
pub(super) struct Extras {
    pub(super) aliases: Aliases,
    /// Of a client that named one in its CONNECT.
    pub(super) method: Option<Box<Method>>,
}
