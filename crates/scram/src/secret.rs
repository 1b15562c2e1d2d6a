//! What a server keeps of a password: enough to check it, not enough to be the client.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::{digest, hmac, pbkdf2};
use subtle::ConstantTimeEq as _;

use crate::{METHOD, SecretFault, Unfit, prepare};

/// What RFC 7677 asks for at least: some milliseconds for who logs in, and for each guess at a
/// secret that got lost.
pub const ITERATIONS: u32 = 4_096;
/// A second of work for the client.
const ITERATIONS_MAX: u32 = 1_000_000;

const SALT_BYTES_MIN: usize = 8;
const SALT_BYTES_MAX: usize = 64;

pub(crate) type Key = [u8; 32];

/// Written as PostgreSQL writes it: `SCRAM-SHA-256$4096:<salt>$<StoredKey>:<ServerKey>`.
#[derive(Clone)]
pub struct Secret {
    pub(crate) salt: Box<[u8]>,
    pub(crate) iterations: NonZeroU32,
    pub(crate) stored_key: Key,
    pub(crate) server_key: Key,
}

impl Secret {
    /// Of a password. This takes milliseconds: that is its purpose.
    ///
    /// # Errors
    /// When it is no password.
    pub fn of(password: &str, salt: [u8; 16]) -> Result<Self, Unfit> {
        let password = prepare::password(password)?;
        let iterations = NonZeroU32::MIN.saturating_add(ITERATIONS - 1);
        let keys = Keys::derive(&password, &salt, iterations);
        Ok(Self {
            salt: salt.into(),
            iterations,
            stored_key: keys.stored(),
            server_key: keys.server,
        })
    }
}

/// Nobody sees a secret by accident.
impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Secret").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [salt, stored, server] =
            [&*self.salt, &self.stored_key, &self.server_key].map(|bytes| BASE64.encode(bytes));
        write!(out, "{METHOD}${}:{salt}${stored}:{server}", self.iterations)
    }
}

impl FromStr for Secret {
    type Err = SecretFault;

    fn from_str(text: &str) -> Result<Self, SecretFault> {
        let rest = text.strip_prefix(METHOD).and_then(|rest| rest.strip_prefix('$'));
        let parts = rest.and_then(|rest| {
            let (first, keys) = rest.split_once('$')?;
            Some((first.split_once(':')?, keys.split_once(':')?))
        });
        let ((iterations, salt), (stored, server)) = parts.ok_or(SecretFault::Form)?;
        let number = iterations.parse().map_err(|_text| SecretFault::Form)?;
        let iterations = iterations_of(number).ok_or(SecretFault::Iterations(number))?;
        let salt = salt_of(salt).ok_or(SecretFault::Salt)?;
        let stored_key = key_of(stored).ok_or(SecretFault::Key)?;
        let server_key = key_of(server).ok_or(SecretFault::Key)?;
        Ok(Self { salt, iterations, stored_key, server_key })
    }
}

/// A number of iterations that is safe and can be done.
pub(crate) fn iterations_of(number: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(number).filter(|_| (ITERATIONS..=ITERATIONS_MAX).contains(&number))
}

pub(crate) fn salt_of(text: &str) -> Option<Box<[u8]>> {
    let salt = BASE64.decode(text).ok()?;
    (SALT_BYTES_MIN..=SALT_BYTES_MAX).contains(&salt.len()).then(|| salt.into())
}

pub(crate) fn key_of(text: &str) -> Option<Key> {
    BASE64.decode(text).ok()?.try_into().ok()
}

/// What a password becomes.
pub(crate) struct Keys {
    pub(crate) client: Key,
    pub(crate) server: Key,
}

impl Keys {
    //= rfc5802#section-3
    pub(crate) fn derive(password: &str, salt: &[u8], iterations: NonZeroU32) -> Self {
        let mut salted = [0; 32];
        let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
        pbkdf2::derive(algorithm, iterations, salt, password.as_bytes(), &mut salted);
        Self { client: hmac(&salted, b"Client Key"), server: hmac(&salted, b"Server Key") }
    }

    pub(crate) fn stored(&self) -> Key {
        hash(&self.client)
    }
}

pub(crate) fn hmac(key: &[u8], message: &[u8]) -> Key {
    array(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message).as_ref())
}

pub(crate) fn hash(message: &[u8]) -> Key {
    array(digest::digest(&digest::SHA256, message).as_ref())
}

fn array(bytes: &[u8]) -> Key {
    let mut key = [0; 32];
    key.copy_from_slice(bytes);
    key
}

pub(crate) fn xor(mut left: Key, right: &Key) -> Key {
    left.iter_mut().zip(right).for_each(|(left, right)| *left ^= right);
    left
}

/// In a time that says nothing about where they differ.
pub(crate) fn same(left: &Key, right: &Key) -> bool {
    left.ct_eq(right).into()
}
