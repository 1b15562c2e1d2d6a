//! The client proves who it is, and asks the same of the server.

use mqtt::Auth;
use scram::{Credentials, METHOD, Mistrust, Nonce, Secret};

use super::*;

/// What a peer says at the end.
#[derive(Clone, Copy)]
enum Ends {
    Honest,
    /// It lets the client in without having known the password.
    Boldly,
    Refuses,
}

fn data(properties: Properties<'_>) -> Vec<u8> {
    let (method, data) = properties.authentication().expect("a method");
    assert_eq!(method, METHOD);
    data.to_vec()
}

fn block(data: &[u8]) -> PropertiesBuf {
    let mut block = PropertiesBuf::default();
    block.push(Property::AuthMethod(METHOD)).unwrap().push(Property::AuthData(data)).unwrap();
    block
}

//= mqtt-v5 MQTT-4.12.0-3, MQTT-4.12.0-5 test
fn serve(listener: &TcpListener, ends: Ends) -> Seen {
    let secret = Secret::of("pencil", [1; 16]).unwrap();
    let credentials = Credentials::parse(&format!("anna:{secret}"), [7; 32]).unwrap();
    let (line, _) = listener.accept().unwrap();
    let mut peer = Peer { line, inbox: Vec::new(), version: Version::V5 };
    let first = peer.with_packet(|packet| match packet {
        Some(Packet::Connect(connect)) => {
            assert_eq!((connect.version, connect.password), (Version::V5, None));
            data(connect.properties)
        }
        other => panic!("the first packet is CONNECT, not {other:?}"),
    });
    let asked = credentials.begin(&first, &Nonce::of([2; 18])).unwrap();
    let question = block(asked.question());
    let reason = Reason::ContinueAuthentication;
    peer.send(&Packet::Auth(Auth { reason, properties: question.as_properties() }));
    let proof = peer.with_packet(|packet| match packet {
        Some(Packet::Auth(auth)) => {
            assert_eq!(auth.reason, Reason::ContinueAuthentication);
            data(auth.properties)
        }
        other => panic!("a proof, not {other:?}"),
    });
    let last = match ends {
        Ends::Honest => asked.finish(&proof).map(|proved| proved.data).unwrap_or_default(),
        Ends::Boldly | Ends::Refuses => Vec::new(),
    };
    let reason = if let Ends::Refuses = ends { Reason::NotAuthorized } else { Reason::Success };
    let last = block(&last);
    let properties = last.as_properties();
    peer.send(&Packet::ConnAck(ConnAck { session_present: false, reason, properties }));
    peer.next()
}

fn try_it(ends: Ends, password: &str) -> (Result<(), Fault>, Seen) {
    let (options, peer) = server(move |listener| serve(&listener, ends));
    let login = Login { name: "anna".to_owned(), password: password.to_owned() };
    assert!(!format!("{login:?}").contains(password));
    let options = Options { login: Some(login), ..options };
    let connected = Client::connect(options, Clock::start(), Stop::default());
    let outcome = connected.map(|client| client.disconnect().unwrap());
    (outcome, peer.join().unwrap())
}

#[test]
fn a_client_proves_who_it_is_and_sees_that_the_server_knew() {
    let (outcome, next) = try_it(Ends::Honest, "pencil");
    assert!(matches!(outcome, Ok(())), "{outcome:?}");
    assert_eq!(next, Seen::Other(Kind::Disconnect, 0));
}

#[test]
fn a_server_that_does_not_know_the_password_is_not_believed() {
    for (ends, password) in [(Ends::Boldly, "pencil"), (Ends::Honest, "brush")] {
        let (outcome, next) = try_it(ends, password);
        assert!(matches!(outcome, Err(Fault::Mistrust(Mistrust::Impostor))), "{outcome:?}");
        assert_eq!(next, Seen::End);
    }
}

#[test]
fn a_wrong_password_is_told_as_such() {
    let (outcome, _) = try_it(Ends::Refuses, "brush");
    let Err(fault @ Fault::LoginRefused { .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(fault.to_string(), "the server refuses the name \"anna\" or its password");
}
