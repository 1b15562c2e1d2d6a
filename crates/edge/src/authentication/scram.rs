//! SCRAM-SHA-256: names and passwords that are never sent.

use std::sync::Arc;

use arc_swap::ArcSwap;
use ring::rand::{SecureRandom as _, SystemRandom};
use scram::{Credentials, METHOD, Nonce, Server};

use super::{Exchange, Method, Passwords, Step};

#[derive(Debug)]
pub struct Scram {
    credentials: ArcSwap<Credentials>,
    random: SystemRandom,
}

impl Scram {
    #[must_use]
    pub fn new(credentials: Credentials) -> Self {
        let credentials = ArcSwap::from_pointee(credentials);
        Self { credentials, random: SystemRandom::new() }
    }

    /// Others, from now on. Who is connected stays.
    pub fn replace(&self, credentials: Credentials) {
        self.credentials.store(Arc::new(credentials));
    }
}

impl Method for Scram {
    fn name(&self) -> &str {
        METHOD
    }

    fn begin(&self, data: &[u8]) -> Step {
        let mut nonce = [0; 18];
        // Nobody is let in whose exchange another one may be taken for.
        if self.random.fill(&mut nonce).is_err() {
            tracing::error!("the system has no random numbers; nobody can log in");
            return Step::Refuse;
        }
        match self.credentials.load().begin(data, &Nonce::of(nonce)) {
            Ok(server) => {
                let data = server.question().to_vec();
                Step::Continue { data, exchange: Box::new(Asked(server)) }
            }
            Err(refusal) => refused(refusal),
        }
    }
}

impl Passwords for Scram {
    fn check(&self, name: &str, password: &[u8]) -> bool {
        self.credentials.load().check(name, password)
    }
}

/// Waits for the proof.
#[derive(Debug)]
struct Asked(Server);

impl Exchange for Asked {
    fn go_on(self: Box<Self>, data: &[u8]) -> Step {
        match self.0.finish(data) {
            Ok(proved) => Step::Accept { data: proved.data, name: proved.name },
            Err(refusal) => refused(refusal),
        }
    }
}

fn refused(refusal: scram::Refusal) -> Step {
    tracing::debug!(%refusal, "a client has not proved who it is");
    Step::Refuse
}
