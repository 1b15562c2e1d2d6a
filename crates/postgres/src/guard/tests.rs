use super::{Excess, Frames, MESSAGE_BYTES_MAX, SSL_REQUEST};

fn startup(code: u32, rest: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(rest.len() + 8).unwrap().to_be_bytes().to_vec();
    bytes.extend_from_slice(&code.to_be_bytes());
    bytes.extend_from_slice(rest);
    bytes
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend_from_slice(&u32::try_from(body.len() + 4).unwrap().to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

const START: u32 = 3 << 16;

#[test]
fn messages_pass_in_whatever_pieces_they_come() {
    let request = startup(SSL_REQUEST, b"");
    let rest = [
        startup(START, b"user\0me\0\0"),
        message(b'S', b""),
        message(b'Q', b"SELECT 1\0"),
        message(b'P', b"\0SELECT 2\0\0\0"),
        message(b'X', b""),
    ]
    .concat();
    let all = [request, rest.clone()].concat();
    for size in 1..=all.len() {
        let (mut frames, mut out, mut requests) = (Frames::default(), Vec::new(), 0);
        for piece in all.chunks(size) {
            requests += frames.pass(piece, &mut out).unwrap();
        }
        assert_eq!((requests, &out), (1, &rest), "{size}");
    }
}

#[test]
fn what_is_too_large_or_no_message_ends_the_connection() {
    let started = || {
        let mut frames = Frames::default();
        frames.pass(&startup(START, b"\0"), &mut Vec::new()).unwrap();
        frames
    };
    let mut large = vec![b'Q'];
    large.extend_from_slice(&u32::try_from(MESSAGE_BYTES_MAX).unwrap().to_be_bytes());
    large.push(b'S');
    assert_eq!(started().pass(&large, &mut Vec::new()), Err(Excess::Message));
    for short in [b"Q\0\0\0\x03x", b"Q\xff\xff\xff\xffx", b"Q\0\0\0\0x"] {
        assert_eq!(started().pass(short, &mut Vec::new()), Err(Excess::Message));
    }
    let unstarted = startup(START, &[0; 10_000]);
    assert_eq!(Frames::default().pass(&unstarted, &mut Vec::new()), Err(Excess::Message));
}

#[test]
fn statements_with_names_have_a_limit() {
    let mut frames = Frames::default();
    frames.pass(&startup(START, b"\0"), &mut Vec::new()).unwrap();
    let unnamed = message(b'P', b"\0SELECT 1\0\0\0");
    let named = message(b'P', b"s\0SELECT 1\0\0\0");
    for _ in 0..20_000 {
        frames.pass(&unnamed, &mut Vec::new()).unwrap();
    }
    let refused = (0..20_000).position(|_| frames.pass(&named, &mut Vec::new()).is_err());
    assert_eq!(refused, Some(16_384));
}
