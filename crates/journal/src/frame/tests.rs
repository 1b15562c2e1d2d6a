//! Frames as bytes.

use super::*;

fn sealed(records: &[&[u8]]) -> (Frame, Header) {
    let mut frame = Frame::default();
    for record in records {
        frame.push(record);
    }
    let (first, time) = (Position::new(7), Timestamp::from_micros(-1));
    let header = frame.seal(Seal { salt: 1, first, previous: 2, time });
    (frame, header)
}

#[test]
fn a_sealed_frame_fills_blocks_and_reads_back() {
    let (frame, header) = sealed(&[b"one", b"", &[5; 5_000]]);
    assert_eq!(frame.padded().len(), 2 * BLOCK);
    assert_eq!(Header::parse(frame.padded()), Some(header));
    assert_eq!((header.count, header.next().get(), header.padded_len()), (3, 10, 2 * BLOCK));
    let again = Frame::verify(&header, frame.padded().to_vec()).unwrap();
    assert_eq!(again.body(), frame.body());
}

#[test]
fn every_flipped_bit_of_header_and_records_is_found() {
    let (frame, header) = sealed(&[b"one", b"two"]);
    let end = HEADER + frame.body_len();
    for bit in 0..end * 8 {
        let mut bytes = frame.padded().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let read = Header::parse(&bytes).filter(|read| read.salt == header.salt);
        let verified = read.and_then(|read| Frame::verify(&read, bytes));
        assert!(verified.is_none(), "bit {bit}");
    }
}

#[test]
fn a_frame_may_be_sealed_again_for_another_place() {
    let (mut frame, before) = sealed(&[b"one"]);
    let first = Position::new(70);
    let after = frame.seal(Seal { salt: 3, first, previous: 4, time: Timestamp::EPOCH });
    assert_eq!((after.length, after.salt, after.first), (before.length, 3, first));
    assert!(Frame::verify(&after, frame.padded().to_vec()).is_some());
}

#[test]
fn records_after_a_seal_go_behind_the_others() {
    let (mut frame, _) = sealed(&[b"one"]);
    frame.push(b"two");
    let (wanted, _) = sealed(&[b"one", b"two"]);
    assert_eq!(frame.body(), wanted.body());
}

#[test]
fn a_link_depends_on_all_frames_before() {
    let (_, header) = sealed(&[b"one"]);
    let other = Header { previous: header.previous + 1, ..header };
    assert_ne!(header.link(), other.link());
}

#[test]
fn a_cleared_frame_gives_back_what_only_a_burst_needed() {
    let (mut frame, _) = sealed(&[&[1; 1 << 20]]);
    frame.clear(64 << 10);
    assert!(frame.is_empty() && frame.bytes.capacity() <= 64 << 10);
}
