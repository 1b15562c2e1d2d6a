//! The client's end of an exchange.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::message::{Attributes, is_nonce};
use crate::secret::{Key, Keys, hmac, iterations_of, key_of, salt_of, same, xor};
use crate::server::first_bare;
use crate::{Mistrust, Nonce, Unfit, prepare};

/// "No channel binding, and I act for myself", and the same in base64.
const HEADER: &str = "n,,";
const BINDING: &str = "biws";

/// One that wants to prove who it is.
pub struct Client {
    password: String,
    nonce: Nonce,
    bare: String,
    /// What the server has to say at the end.
    expected: Option<Key>,
}

impl Client {
    /// # Errors
    /// When one of the two is none.
    pub fn new(name: &str, password: &str, nonce: Nonce) -> Result<Self, Unfit> {
        let password = prepare::password(password)?.into_owned();
        let bare = first_bare(&prepare::name(name)?, &nonce);
        Ok(Self { password, nonce, bare, expected: None })
    }

    /// What the client says first.
    #[must_use]
    pub fn first(&self) -> Vec<u8> {
        format!("{HEADER}{}", self.bare).into_bytes()
    }

    /// Proves to the server that it knows the password. This takes milliseconds.
    ///
    /// # Errors
    /// When the server's question is none, or one that should not be answered.
    //= rfc5802#section-3
    pub fn prove(&mut self, question: &[u8]) -> Result<Vec<u8>, Mistrust> {
        let Ok(text) = std::str::from_utf8(question) else { return Err(Mistrust::Malformed) };
        let mut attributes = Attributes::of(text);
        let nonce = attributes.take('r').filter(|nonce| is_nonce(nonce));
        let nonce = nonce.ok_or(Mistrust::Malformed)?;
        let salt = attributes.take('s').and_then(salt_of).ok_or(Mistrust::Malformed)?;
        let number = attributes.take('i').and_then(|number| number.parse().ok());
        let number = number.ok_or(Mistrust::Malformed)?;
        // It has to begin with ours and to go on with the server's.
        if nonce.strip_prefix(&*self.nonce.0).is_none_or(str::is_empty) {
            return Err(Mistrust::Exchange);
        }
        let iterations = iterations_of(number).ok_or(Mistrust::Iterations(number))?;
        let unproved = format!("c={BINDING},r={nonce}");
        let signed = format!("{},{text},{unproved}", self.bare);
        let keys = Keys::derive(&self.password, &salt, iterations);
        self.expected = Some(hmac(&keys.server, signed.as_bytes()));
        let proof = xor(hmac(&keys.stored(), signed.as_bytes()), &keys.client);
        Ok(format!("{unproved},p={}", BASE64.encode(proof)).into_bytes())
    }

    /// Takes the server's proof that it knows the password too.
    ///
    /// # Errors
    /// When it is none, or nothing was proved to it.
    pub fn trust(self, last: &[u8]) -> Result<(), Mistrust> {
        let Ok(text) = std::str::from_utf8(last) else { return Err(Mistrust::Malformed) };
        let signature = Attributes::of(text).take('v').and_then(key_of);
        let signature = signature.ok_or(Mistrust::Malformed)?;
        let expected = self.expected.ok_or(Mistrust::Impostor)?;
        if same(&signature, &expected) { Ok(()) } else { Err(Mistrust::Impostor) }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Client").finish_non_exhaustive()
    }
}
