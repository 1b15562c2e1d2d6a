use std::time::Duration;

use super::*;

fn connect(link: &Link) -> TcpStream {
    TcpStream::connect(link.address()).unwrap()
}

fn hear(stream: &mut TcpStream) -> [u8; 1] {
    let mut byte = [0];
    stream.read_exact(&mut byte).unwrap();
    byte
}

/// Nothing within a moment; a link that carries takes microseconds.
#[track_caller]
fn check_silent(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    stream.read(&mut [0]).unwrap_err();
}

#[test]
fn a_cut_link_carries_nothing_and_says_nothing_and_a_healed_one_begins_anew() {
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    let link = Link::start(target.local_addr().unwrap()).unwrap();
    let mut near = connect(&link);
    let (mut far, _) = target.accept().unwrap();
    near.write_all(b"a").unwrap();
    far.write_all(b"b").unwrap();
    assert_eq!((hear(&mut far), hear(&mut near)), (*b"a", *b"b"));

    link.cut();
    near.write_all(b"c").unwrap();
    let mut late = connect(&link);
    check_silent(&mut far);
    drop(far);
    check_silent(&mut near);
    check_silent(&mut late);

    link.heal();
    for end in [&mut near, &mut late] {
        end.set_read_timeout(None).unwrap();
        assert!(matches!(end.read(&mut [0]), Ok(0) | Err(_)), "it lost bytes");
    }
    near = connect(&link);
    let (mut far, _) = target.accept().unwrap();
    near.write_all(b"d").unwrap();
    assert_eq!((hear(&mut far), link.carried()), (*b"d", 2));
}
