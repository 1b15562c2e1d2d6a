//! SCRAM-SHA-256 (RFC 5802, RFC 7677), both ends of it, and the secrets that a server keeps instead
//! of passwords. Bytes come in, bytes come out.
//!
//! A server that was broken into gives away no password that is hard to guess, a line that is
//! listened to gives away nothing that can be used again, and a client learns whether the server
//! knows its password too. There is no channel binding: that takes a certificate.
//! Never: input or output, randomness of its own.

mod client;
mod credentials;
mod fault;
mod message;
mod prepare;
mod secret;
mod server;

pub use client::Client;
pub use credentials::Credentials;
pub use fault::{CredentialsFault, LineFault, Mistrust, Refusal, SecretFault, Unfit};
pub use message::Nonce;
pub use prepare::{name as prepare_name, password as prepare_password};
pub use secret::{ITERATIONS, Secret};
pub use server::{Proved, Server};

/// What MQTT and others call it.
pub const METHOD: &str = "SCRAM-SHA-256";

#[cfg(test)]
mod tests;
