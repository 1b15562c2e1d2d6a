//! The server's end of an exchange.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::message::{Attributes, escape, is_nonce, unescape};
use crate::secret::{hash, hmac, key_of, same, xor};
use crate::{Nonce, Refusal, Secret, prepare};

/// The first message of a client.
pub(crate) struct First<'a> {
    /// How the client binds the exchange to its channel, as it has to say again.
    header: &'a str,
    pub(crate) name: String,
    bare: &'a str,
    nonce: &'a str,
}

impl<'a> First<'a> {
    //= rfc5802#section-7
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Refusal> {
        let Ok(text) = std::str::from_utf8(bytes) else { return Err(Refusal::Malformed) };
        let (binding, rest) = text.split_once(',').ok_or(Refusal::Malformed)?;
        let (authority, bare) = rest.split_once(',').ok_or(Refusal::Malformed)?;
        match binding {
            "n" | "y" => {}
            _ if binding.starts_with("p=") => return Err(Refusal::Unserved),
            _ => return Err(Refusal::Malformed),
        }
        // The mandatory extension: to be refused by who does not know it.
        if bare.starts_with("m=") {
            return Err(Refusal::Unserved);
        }
        let mut attributes = Attributes::of(bare);
        let saslname = attributes.take('n').ok_or(Refusal::Malformed)?;
        let nonce = attributes.take('r').filter(|nonce| is_nonce(nonce));
        let nonce = nonce.ok_or(Refusal::Malformed)?;
        if !attributes.are_extensions() {
            return Err(Refusal::Malformed);
        }
        let name = unescape(saslname).ok_or(Refusal::Malformed)?;
        // One may act for oneself only.
        if !authority.is_empty() && authority.strip_prefix("a=") != Some(saslname) {
            return Err(Refusal::Authority);
        }
        let Ok(name) = prepare::name(&name).map(|name| name.into_owned()) else {
            return Err(Refusal::Malformed);
        };
        let header = text.strip_suffix(bare).unwrap_or_default();
        Ok(Self { header, name, bare, nonce })
    }
}

/// An exchange that waits for the client's proof.
pub struct Server {
    name: String,
    /// Nobody has this name: the exchange goes on as if, and fails at its end.
    unknown: bool,
    secret: Secret,
    nonce: String,
    /// What the client says again of its header.
    binding: String,
    /// The client's first message and ours, as they are signed.
    so_far: String,
    /// Where ours begins.
    ours: usize,
}

/// A client that has proved who it is.
#[derive(Debug, PartialEq, Eq)]
pub struct Proved {
    pub name: Box<str>,
    /// What proves to the client that the server knows its password too.
    pub data: Vec<u8>,
}

impl Server {
    pub(crate) fn new(first: First<'_>, nonce: &Nonce, (secret, unknown): (Secret, bool)) -> Self {
        let nonce = format!("{}{}", first.nonce, nonce.0);
        let salt = BASE64.encode(&secret.salt);
        let so_far = format!("{},r={nonce},s={salt},i={}", first.bare, secret.iterations);
        let ours = first.bare.len() + 1;
        let binding = BASE64.encode(first.header);
        Self { name: first.name, unknown, secret, nonce, binding, so_far, ours }
    }

    /// What the client is asked.
    #[must_use]
    pub fn question(&self) -> &[u8] {
        self.so_far.as_bytes().get(self.ours..).unwrap_or_default()
    }

    /// Takes the client's proof.
    ///
    /// # Errors
    /// When it is none.
    //= rfc5802#section-3
    pub fn finish(self, bytes: &[u8]) -> Result<Proved, Refusal> {
        let Ok(text) = std::str::from_utf8(bytes) else { return Err(Refusal::Malformed) };
        let (unproved, proof) = text.rsplit_once(",p=").ok_or(Refusal::Malformed)?;
        let proof = key_of(proof).ok_or(Refusal::Malformed)?;
        let mut attributes = Attributes::of(unproved);
        let binding = attributes.take('c').ok_or(Refusal::Malformed)?;
        let nonce = attributes.take('r').ok_or(Refusal::Malformed)?;
        if !attributes.are_extensions() {
            return Err(Refusal::Malformed);
        }
        if binding != self.binding || nonce != self.nonce {
            return Err(Refusal::Exchange);
        }
        let signed = format!("{},{unproved}", self.so_far);
        let Secret { stored_key, server_key, .. } = &self.secret;
        let client_key = xor(proof, &hmac(stored_key, signed.as_bytes()));
        if !same(&hash(&client_key), stored_key) || self.unknown {
            return Err(Refusal::Wrong);
        }
        let signature = BASE64.encode(hmac(server_key, signed.as_bytes()));
        let data = format!("v={signature}").into_bytes();
        Ok(Proved { name: self.name.into(), data })
    }
}

/// Without what was said: a proof can be guessed at.
impl fmt::Debug for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Server").finish_non_exhaustive()
    }
}

/// The first message of a client without channel binding.
pub(crate) fn first_bare(name: &str, nonce: &Nonce) -> String {
    format!("n={},r={}", escape(name), nonce.0)
}
