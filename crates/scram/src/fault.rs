//! What can go wrong, by who must act.

/// The server turns the client away. Which of these it was is for the server's eyes only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("what the client says is not SCRAM")]
    Malformed,
    #[error("the client asks for channel binding or an extension, which are not served")]
    Unserved,
    #[error("the client wants to act for somebody else")]
    Authority,
    #[error("the client speaks of another exchange")]
    Exchange,
    #[error("the name or the password is wrong")]
    Wrong,
}

/// The client does not go on: the server is not one that it can trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistrust {
    #[error("what the server says is not SCRAM")]
    Malformed,
    #[error("the server speaks of another exchange")]
    Exchange,
    #[error("the server asks for {0} iterations, which is too little to be safe or too much to do")]
    Iterations(u32),
    #[error("the server does not know the password")]
    Impostor,
}

/// A text that is no name or no password; who chose it must choose another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("it is empty")]
    Empty,
    #[error("it has more than {0} bytes")]
    TooLong(usize),
    #[error("it has a control character or another one that RFC 4013 forbids")]
    Forbidden,
}

/// A text that is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretFault {
    #[error("it is not of the form SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>")]
    Form,
    #[error("it has {0} iterations; there must be from 4096 to 1000000")]
    Iterations(u32),
    #[error("its salt is no base64 of 8 to 64 bytes")]
    Salt,
    #[error("a key of it is no base64 of 32 bytes")]
    Key,
}

/// The owner of a file of credentials must mend a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct CredentialsFault {
    /// The first is 1.
    pub line: usize,
    pub why: LineFault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    #[error("it is not of the form <name>:SCRAM-SHA-256$…, as `althing credential` prints it")]
    Form,
    #[error("the name is none: {0}")]
    Name(Unfit),
    #[error("the secret is none: {0}")]
    Secret(SecretFault),
    #[error("line {0} has the same name")]
    Repeated(usize),
}
