//! The example of RFC 7677, and everything that is not quite like it.

use std::fmt::Debug;

use proptest::prelude::*;

use super::*;

const SECRET: &str = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
    WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

const FIRST: &str = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const QUESTION: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
    s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const PROOF: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
    p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const LAST: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

fn server_nonce() -> Nonce {
    Nonce("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0".to_owned())
}

fn credentials() -> Credentials {
    Credentials::parse(&format!("user:{SECRET}\n"), [7; 32]).unwrap()
}

fn client(name: &str, password: &str) -> Client {
    Client::new(name, password, Nonce("rOprNGfwEbeRWgbNEkqO".to_owned())).unwrap()
}

fn asked() -> Server {
    credentials().begin(FIRST.as_bytes(), &server_nonce()).unwrap()
}

//= rfc7677#section-3 test
#[test]
fn the_example_of_the_standard_is_said_word_for_word() {
    let mut client = client("user", "pencil");
    assert_eq!(client.first(), FIRST.as_bytes());
    let server = asked();
    assert_eq!(server.question(), QUESTION.as_bytes());
    assert_eq!(client.prove(server.question()).unwrap(), PROOF.as_bytes());
    let proved = server.finish(PROOF.as_bytes()).unwrap();
    assert_eq!((&*proved.name, &*proved.data), ("user", LAST.as_bytes()));
    client.trust(&proved.data).unwrap();
}

#[test]
fn a_secret_is_written_as_postgresql_writes_it() {
    let salt = *b"\x5b\x6d\x99\x68\x9d\x12\x35\x8e\xec\xa0\x4b\x14\x12\x36\xfa\x81";
    assert_eq!(Secret::of("pencil", salt).unwrap().to_string(), SECRET);
    let read: Secret = SECRET.parse().unwrap();
    assert_eq!(read.to_string(), SECRET);
    for debug in [&read as &dyn Debug, &credentials(), &asked(), &client("user", "pencil")] {
        let shown = format!("{debug:?}");
        for secret in ["W22Z", "WG5d", "wfPL", "pencil", "user"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn who_does_not_know_the_password_is_refused() {
    let mut client = client("user", "pencils");
    let server = asked();
    let proof = client.prove(server.question()).unwrap();
    assert_eq!(server.finish(&proof), Err(Refusal::Wrong));
}

#[test]
fn what_is_no_first_message_is_refused() {
    let check = |first: &[u8], refusal| {
        let refused = credentials().begin(first, &server_nonce()).map(drop);
        assert_eq!(refused, Err(refusal), "{}", String::from_utf8_lossy(first));
    };
    for none in [
        &b""[..],
        b"n",
        b"n,,",
        b"n,,n=user",
        b"n,,r=abc,n=user",
        b"n,,n=,r=abc",
        b"n,,n=user,r=",
        b"n,,n=us=er,r=abc",
        b"n,,n=user,r=a\x7fc",
        b"n,,n=us\x01er,r=abc",
        b"n,,n=user,r=abc,",
        b"n,,n=user,r=abc,xy",
        b"x,,n=user,r=abc",
        b",,n=user,r=abc",
        b"n,,n=us\xffer,r=abc",
    ] {
        check(none, Refusal::Malformed);
    }
    check(b"p=tls-unique,,n=user,r=abc", Refusal::Unserved);
    check(b"n,,m=1,n=user,r=abc", Refusal::Unserved);
    check(b"n,a=root,n=user,r=abc", Refusal::Authority);
    check(format!("n,,n=user,r={}", "a".repeat(257)).as_bytes(), Refusal::Malformed);
    for fine in ["y,,n=user,r=abc", "n,a=user,n=user,r=abc", "n,,n=user,r=abc,x=1,y=2"] {
        credentials().begin(fine.as_bytes(), &server_nonce()).unwrap();
    }
}

#[test]
fn a_proof_of_another_exchange_is_refused() {
    let check = |proof: String, refusal| {
        assert_eq!(asked().finish(proof.as_bytes()), Err(refusal), "{proof}");
    };
    check(PROOF.replace("c=biws", "c=eSws"), Refusal::Exchange);
    check(PROOF.replace("$k0", "$k1"), Refusal::Exchange);
    check(PROOF.replace(",p=", ",p"), Refusal::Malformed);
    check(PROOF.replace("dHzb", "dHzc"), Refusal::Wrong);
    check(PROOF.replace("dHzb", "dH"), Refusal::Malformed);
    check(PROOF.replace(",p=", ",x=1,p="), Refusal::Wrong);
    check(PROOF.replace("c=biws,", ""), Refusal::Malformed);
    check(String::new(), Refusal::Malformed);
    // What another header says counts too.
    let server = credentials().begin(b"y,,n=user,r=rOprNGfwEbeRWgbNEkqO", &server_nonce()).unwrap();
    assert_eq!(server.finish(PROOF.as_bytes()), Err(Refusal::Exchange));
}

#[test]
fn a_client_does_not_trust_everybody() {
    let check = |question: String, mistrust| {
        let refused = client("user", "pencil").prove(question.as_bytes());
        assert_eq!(refused, Err(mistrust), "{question}");
    };
    check(QUESTION.replace("r=rOpr", "r=xOpr"), Mistrust::Exchange);
    check(QUESTION.replace("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", ""), Mistrust::Exchange);
    check(QUESTION.replace("4096", "4095"), Mistrust::Iterations(4_095));
    check(QUESTION.replace("4096", "99999999"), Mistrust::Iterations(99_999_999));
    check(QUESTION.replace("4096", "many"), Mistrust::Malformed);
    check(QUESTION.replace("W22ZaJ0SNY7soEsU", ""), Mistrust::Malformed);
    check("e=other-error".to_owned(), Mistrust::Malformed);
    let mut asked = client("user", "pencil");
    asked.prove(QUESTION.as_bytes()).unwrap();
    assert_eq!(asked.trust(LAST.replace("6rri", "6rrj").as_bytes()), Err(Mistrust::Impostor));
    let unasked = client("user", "pencil");
    assert_eq!(unasked.trust(LAST.as_bytes()), Err(Mistrust::Impostor));
}

#[test]
fn names_and_passwords_are_compared_in_one_form() {
    // RFC 4013, section 3: a soft hyphen is nothing, a compatible letter is the plain one.
    let same = |text: &str| prepare_name(text).unwrap().into_owned();
    assert_eq!((same("I\u{AD}X"), same("\u{2168}")), ("IX".to_owned(), "IX".to_owned()));
    assert_eq!(prepare_name("a\nb"), Err(Unfit::Forbidden));
    assert_eq!(prepare_password(""), Err(Unfit::Empty));
    assert_eq!(prepare_password("\u{AD}"), Err(Unfit::Empty));
    assert_eq!(prepare_name(&"n".repeat(257)), Err(Unfit::TooLong(256)));
}

/// The whole of it, between two that know the same password or not.
fn play(name: &str, told: &str, known: &str, nonces: ([u8; 18], [u8; 18])) -> Result<(), Refusal> {
    let secret = Secret::of(known, [1; 16]).unwrap();
    let credentials = Credentials::parse(&format!("{name}:{secret}"), [7; 32]).unwrap();
    let mut client = Client::new(name, told, Nonce::of(nonces.0)).unwrap();
    let server = credentials.begin(&client.first(), &Nonce::of(nonces.1)).unwrap();
    let proof = client.prove(server.question()).unwrap();
    let proved = server.finish(&proof)?;
    assert_eq!(&*proved.name, &*prepare_name(name).unwrap());
    client.trust(&proved.data).unwrap();
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn whoever_knows_the_password_comes_in_and_nobody_else(
        name in "[a-zA-Z0-9=,:$äÖ語][a-zA-Z0-9=,:$ äÖ語]{0,20}[a-z]",
        known in "[ -~äÖ語]{1,20}",
        told in "[ -~äÖ語]{1,20}",
        nonces in any::<([u8; 18], [u8; 18])>(),
    ) {
        prop_assert_eq!(play(&name, &known, &known, nonces), Ok(()));
        if prepare_password(&told) != prepare_password(&known) {
            prop_assert_eq!(play(&name, &told, &known, nonces), Err(Refusal::Wrong));
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived_and_prove_nothing(
        first in proptest::collection::vec(any::<u8>(), 0..200),
        proof in proptest::collection::vec(any::<u8>(), 0..200),
        text in any::<String>(),
    ) {
        drop(credentials().begin(&first, &server_nonce()));
        prop_assert!(asked().finish(&proof).is_err());
        prop_assert!(client("user", "pencil").prove(&first).is_err());
        prop_assert!(client("user", "pencil").trust(&proof).is_err());
        drop(Credentials::parse(&text, [7; 32]));
        prop_assert!(text.parse::<Secret>().is_err());
    }
}
