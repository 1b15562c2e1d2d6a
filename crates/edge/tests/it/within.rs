//! Clients that live in the process of the site.

use std::io::{Read, Write};

use edge::Limits;
use model::Event;

use crate::site::{plain, try_start_as_told};

/// MQTT 5, a clean start of a client whose id is one letter.
fn hello(id: u8) -> [u8; 16] {
    let mut bytes = *b"\x10\x0e\0\x04MQTT\x05\x02\0\0\0\0\x01x";
    bytes[15] = id;
    bytes
}

fn is_let_in(stream: &mut (impl Read + Write), id: u8) -> bool {
    stream.write_all(&hello(id)).unwrap();
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer[0], 0x20);
    answer[3] == 0
}

#[test]
fn a_client_within_needs_no_leave_and_a_stranger_does() {
    let site = try_start_as_told(2, vec![plain()], Limits::default()).unwrap();
    assert!(!is_let_in(&mut site.dial(), b's'));
    let within = site.within();
    // Of so many ids some live on the second shard.
    for id in b'a'..=b'h' {
        assert!(is_let_in(&mut within.connect().unwrap(), id), "{id}");
    }
    assert_eq!(site.total(Event::ConnectionOpened), 9);
}
