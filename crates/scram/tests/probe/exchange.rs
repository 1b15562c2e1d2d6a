//! A stranger who says anything to both ends of an exchange, and writes the file of credentials.

use scram::{Client, Credentials, METHOD, Nonce};

const SECRET: &str = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
    WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

/// The parts of the input, parted by NUL: what a client says first, its proof, in which `@` stands for
/// the nonce that it was given, what a server says last, and a file.
pub(crate) fn probe(input: &[u8]) {
    let credentials = Credentials::parse(&format!("user:{SECRET}"), [7; 32]).expect("one line");
    let mut parts = input.split(|byte| *byte == 0);
    let mut next = || parts.next().unwrap_or_default();
    let (first, proof, last, file) = (next(), next(), next(), next());
    if let Ok(server) = credentials.begin(first, &Nonce::of([9; 18])) {
        let question = String::from_utf8(server.question().to_vec()).expect("a text");
        let nonce = question.split(',').next().expect("a nonce").replacen("r=", "", 1);
        assert!(question.len() <= first.len() + 200, "an answer is not much longer");
        let proof = String::from_utf8_lossy(proof).replace('@', &nonce);
        assert!(server.finish(proof.as_bytes()).is_err(), "nobody knows the password");
    }
    let client = Client::new("user", "pencil", Nonce::of([8; 18])).expect("a name");
    assert!(client.trust(last).is_err(), "nothing was proved to the server");
    let mut client = Client::new("user", "pencil", Nonce::of([8; 18])).expect("a name");
    // An honest question costs milliseconds, and the nonce is not to be guessed.
    assert!(client.prove(last).is_err(), "it is about another exchange");
    let Ok(file) = std::str::from_utf8(file) else { return };
    if let Ok(read) = Credentials::parse(&file.replace('@', SECRET), [7; 32]) {
        assert!(read.len() <= file.lines().count(), "one a line");
        assert!(read.is_empty() || file.contains(METHOD) || file.contains('@'));
    }
}
