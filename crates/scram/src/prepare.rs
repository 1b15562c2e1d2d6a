//! Names and passwords in the one form in which two of them are compared (SASLprep, RFC 4013).

use std::borrow::Cow;

use crate::Unfit;

/// A name is in every exchange and a line of a file.
const NAME_BYTES_MAX: usize = 256;
/// More is no harder to guess, and only costs.
const PASSWORD_BYTES_MAX: usize = 1_024;

/// # Errors
/// When it is no name.
pub fn name(text: &str) -> Result<Cow<'_, str>, Unfit> {
    prepared(text, NAME_BYTES_MAX)
}

/// # Errors
/// When it is no password.
pub fn password(text: &str) -> Result<Cow<'_, str>, Unfit> {
    prepared(text, PASSWORD_BYTES_MAX)
}

fn prepared(text: &str, bytes_max: usize) -> Result<Cow<'_, str>, Unfit> {
    if text.len() > bytes_max {
        return Err(Unfit::TooLong(bytes_max));
    }
    //= rfc4013#section-2
    let Ok(prepared) = stringprep::saslprep(text) else { return Err(Unfit::Forbidden) };
    match prepared.len() {
        0 => Err(Unfit::Empty),
        bytes if bytes > bytes_max => Err(Unfit::TooLong(bytes_max)),
        _ => Ok(prepared),
    }
}
