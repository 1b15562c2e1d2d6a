//! Headers as proxies write them, and as nobody should.

use super::*;

fn header(command: u8, family: u8, addresses: &[u8]) -> Vec<u8> {
    let length = u16::try_from(addresses.len()).unwrap().to_be_bytes();
    [&SIGNATURE[..], &[command, family], &length, addresses].concat()
}

const IPV4: [u8; 12] = [192, 0, 2, 7, 192, 0, 2, 1, 0x30, 0x39, 0x07, 0x5b];

fn ipv6() -> Vec<u8> {
    let source = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7).octets();
    [&source[..], &[0; 16], &[0x30, 0x39, 0x07, 0x5b]].concat()
}

#[track_caller]
fn check(bytes: &[u8], peer: Option<&str>) {
    let peer = peer.map(|peer| peer.parse().unwrap());
    assert_eq!(parse(bytes), Ok(Some(Header { peer, length: bytes.len() })));
}

#[test]
fn the_peer_is_the_source_address() {
    check(&header(0x21, 0x11, &IPV4), Some("192.0.2.7:12345"));
    check(&header(0x21, 0x21, &ipv6()), Some("[2001:db8::7]:12345"));
    // With extras behind the addresses.
    check(&header(0x21, 0x11, &[&IPV4[..], &[4, 0, 1, 0]].concat()), Some("192.0.2.7:12345"));
}

#[test]
fn a_proxy_that_speaks_for_itself_or_for_no_address_tells_no_peer() {
    check(&header(0x20, 0x00, &[]), None);
    check(&header(0x20, 0x11, &IPV4), None);
    check(&header(0x21, 0x00, &[1, 2, 3]), None);
    check(&header(0x21, 0x31, &[b'x'; 216]), None);
}

#[test]
fn what_follows_the_header_is_left() {
    let mut bytes = header(0x21, 0x11, &IPV4);
    let length = bytes.len();
    bytes.extend(b"MQTT");
    assert_eq!(parse(&bytes).unwrap().unwrap().length, length);
}

#[test]
fn a_header_in_pieces_is_waited_for() {
    for whole in [header(0x21, 0x11, &IPV4), header(0x21, 0x21, &ipv6())] {
        for end in 0..whole.len() {
            assert_eq!(parse(&whole[..end]), Ok(None), "{end}");
        }
    }
}

#[test]
fn what_is_no_header_is_refused_at_its_first_wrong_byte() {
    assert_eq!(parse(b"\x10"), Err(ProxyFault::Signature));
    assert_eq!(parse(b"PROXY TCP4 192.0.2.7"), Err(ProxyFault::Signature));
    assert_eq!(parse(b"\r\n\r\n\0\r\nQUIT\r"), Err(ProxyFault::Signature));
    assert_eq!(parse(&header(0x11, 0x11, &IPV4)), Err(ProxyFault::Command));
    assert_eq!(parse(&header(0x22, 0x11, &IPV4)), Err(ProxyFault::Command));
    assert_eq!(parse(&header(0x21, 0x12, &IPV4)), Err(ProxyFault::Family));
    assert_eq!(parse(&header(0x21, 0x11, &IPV4[..11])), Err(ProxyFault::Length));
    assert_eq!(parse(&header(0x21, 0x21, &IPV4)), Err(ProxyFault::Length));
    let claim = [&SIGNATURE[..], &[0x21, 0x11, 0xff, 0xff]].concat();
    assert_eq!(parse(&claim), Err(ProxyFault::Length), "before the 64 KiB have come");
}
