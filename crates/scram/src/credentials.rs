//! Who may come in: names and their secrets, one a line.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use crate::secret::{Key, Keys, hmac, iterations_of, same};
use crate::server::First;
use crate::{
    CredentialsFault, ITERATIONS, LineFault, METHOD, Nonce, Refusal, Secret, Server, prepare,
};

/// Those of a site.
pub struct Credentials {
    secrets: BTreeMap<Box<str>, Secret>,
    /// Of which made-up secrets are made.
    mask: Key,
}

impl Credentials {
    /// Lines of `name:SCRAM-SHA-256$4096:salt$StoredKey:ServerKey`; empty ones and those that begin
    /// with `#` say nothing. `mask` is random: names that nobody has get a salt from it, the same
    /// each time, so that a stranger cannot tell them from names that somebody has.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn parse(text: &str, mask: [u8; 32]) -> Result<Self, CredentialsFault> {
        let mut secrets = BTreeMap::new();
        let mut lines: BTreeMap<Box<str>, usize> = BTreeMap::new();
        for (line, content) in (1..).zip(text.lines()).map(|(line, text)| (line, text.trim())) {
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let parsed = parse_line(content);
            let (name, secret) = parsed.map_err(|why| CredentialsFault { line, why })?;
            match lines.entry(name.clone()) {
                Entry::Occupied(first) => {
                    let why = LineFault::Repeated(*first.get());
                    return Err(CredentialsFault { line, why });
                }
                Entry::Vacant(free) => drop(free.insert(line)),
            }
            secrets.insert(name, secret);
        }
        Ok(Self { secrets, mask })
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.secrets.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// Takes the first message of a client; `nonce` is random.
    ///
    /// # Errors
    /// When it is none, or wants what is not served.
    pub fn begin(&self, first: &[u8], nonce: &Nonce) -> Result<Server, Refusal> {
        let first = First::parse(first)?;
        // Made up in any case, so that it takes as long.
        let made_up = self.made_up(&first.name);
        let known = self.secrets.get(&*first.name);
        let secret = known.cloned().unwrap_or(made_up);
        Ok(Server::new(first, nonce, (secret, known.is_none())))
    }

    /// Whether a password that was sent is that of a name. This takes milliseconds, for any name.
    #[must_use]
    pub fn check(&self, name: &str, password: &[u8]) -> bool {
        let (Ok(name), Ok(password)) = (prepare::name(name), std::str::from_utf8(password)) else {
            return false;
        };
        let Ok(password) = prepare::password(password) else { return false };
        let made_up = self.made_up(&name);
        let known = self.secrets.get(&*name);
        let Secret { salt, iterations, stored_key, .. } = known.unwrap_or(&made_up);
        let keys = Keys::derive(&password, salt, *iterations);
        same(&keys.stored(), stored_key) && known.is_some()
    }

    /// As the secrets of this site are, as far as a stranger sees them.
    fn made_up(&self, name: &str) -> Secret {
        let like = self.secrets.values().next();
        let salt_bytes = like.map_or(16, |secret| secret.salt.len());
        let of = |letter: u8| {
            let mut message = vec![letter];
            message.extend_from_slice(name.as_bytes());
            hmac(&self.mask, &message)
        };
        let salt = of(0).into_iter().chain(of(1)).take(salt_bytes).collect();
        let iterations = like.map(|secret| secret.iterations).or_else(|| iterations_of(ITERATIONS));
        let iterations = iterations.unwrap_or(std::num::NonZeroU32::MIN);
        Secret { salt, iterations, stored_key: of(2), server_key: of(3) }
    }
}

/// How many, and nothing else.
impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} credentials", self.secrets.len())
    }
}

fn parse_line(line: &str) -> Result<(Box<str>, Secret), LineFault> {
    // A name may hold a colon.
    let at = line.rfind(&format!(":{METHOD}$")).ok_or(LineFault::Form)?;
    let (name, secret) = line.split_at_checked(at).ok_or(LineFault::Form)?;
    let name = prepare::name(name).map_err(LineFault::Name)?;
    let secret = secret.trim_start_matches(':').parse().map_err(LineFault::Secret)?;
    Ok((name.into(), secret))
}

#[cfg(test)]
mod tests;
