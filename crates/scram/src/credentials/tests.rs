//! Files of credentials, and what a stranger learns of them.

use super::*;
use crate::{SecretFault, Unfit};

const SECRET: &str = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
    WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

fn parse(text: &str) -> Result<Credentials, CredentialsFault> {
    Credentials::parse(&text.replace('@', SECRET), [7; 32])
}

#[test]
fn one_credential_a_line_with_comments_and_room() {
    let credentials = parse("# Pumps\n\npump-1:@\r\n  site:pump 2:@  \n#pump-3:@\n").unwrap();
    assert_eq!((credentials.len(), credentials.is_empty()), (2, false));
    assert!(credentials.secrets.contains_key("site:pump 2"));
    assert!(parse("").unwrap().is_empty());
}

#[test]
fn a_wrong_line_is_named() {
    let check = |text: &str, line, why| {
        let fault = parse(text).map(|_wrong| ()).unwrap_err();
        assert_eq!(fault, CredentialsFault { line, why }, "{text}");
    };
    check("pump-1", 1, LineFault::Form);
    check("# x\npump-1:secret", 2, LineFault::Form);
    check("pump-1:SCRAM-SHA-1$4096:a$b:c", 1, LineFault::Form);
    check(":@", 1, LineFault::Name(Unfit::Empty));
    check("a\u{7}:@", 1, LineFault::Name(Unfit::Forbidden));
    check("a:@\nb:@\na:@", 3, LineFault::Repeated(1));
    let secret = |from: &str, to: &str| format!("a:{}", SECRET.replace(from, to));
    let check = |text: String, why| check(&text, 1, LineFault::Secret(why));
    check(secret("$4096", "$many"), SecretFault::Form);
    check(secret("$4096", "$1000"), SecretFault::Iterations(1_000));
    check(secret("$4096", "$5000000"), SecretFault::Iterations(5_000_000));
    check(secret("W22ZaJ0SNY7soEsUEjb6gQ==", "W22ZaJ0S"), SecretFault::Salt);
    check(secret("W22ZaJ0S", "W22ZaJ0!"), SecretFault::Salt);
    check(secret("WG5d", "WG5dAAAA"), SecretFault::Key);
    check(secret("wfPL", ""), SecretFault::Key);
}

#[test]
fn a_stranger_cannot_tell_which_names_there_are() {
    let credentials = parse("anna:@").unwrap();
    let nonce = Nonce::of([1; 18]);
    let question = |credentials: &Credentials, name: &str| {
        let first = format!("n,,n={name},r=abc");
        let asked = credentials.begin(first.as_bytes(), &nonce).unwrap();
        String::from_utf8(asked.question().to_vec()).unwrap()
    };
    let (known, unknown) = (question(&credentials, "anna"), question(&credentials, "bo"));
    let form = |text: &str| {
        let (nonce, rest) = text.split_once(",s=").unwrap();
        let (salt, iterations) = rest.split_once(",i=").unwrap();
        (nonce.to_owned(), salt.len(), iterations.to_owned())
    };
    assert_eq!(form(&known), form(&unknown));
    assert_ne!(known, unknown);
    assert_eq!(question(&credentials, "bo"), unknown, "the same each time");
    assert_ne!(question(&credentials, "bob"), unknown, "each name has its own");
    let other = Credentials::parse(&format!("anna:{SECRET}"), [8; 32]).unwrap();
    assert_ne!(question(&other, "bo"), unknown, "nobody can compute it");
}

#[test]
fn an_unknown_name_is_refused_like_a_wrong_password() {
    let credentials = parse("anna:@").unwrap();
    for name in ["bo", "anna"] {
        let mut client = crate::Client::new(name, "wrong", Nonce::of([2; 18])).unwrap();
        let server = credentials.begin(&client.first(), &Nonce::of([1; 18])).unwrap();
        let proof = client.prove(server.question()).unwrap();
        assert_eq!(server.finish(&proof), Err(Refusal::Wrong), "{name}");
    }
}

#[test]
fn a_password_that_is_sent_is_checked_against_the_same_secret() {
    let credentials = parse("anna:@").unwrap();
    assert!(credentials.check("anna", b"pencil"));
    for (name, password) in
        [("anna", &b"pencils"[..]), ("bo", b"pencil"), ("anna", b""), ("", b"x"), ("anna", b"\xff")]
    {
        assert!(!credentials.check(name, password), "{name}");
    }
}
