//! First blocks and names.

use super::*;

fn segment() -> Segment {
    let (first, created) = (Position::new(9), Timestamp::from_micros(-5));
    Segment { sequence: 3, salt: 0, first, previous: 8, created }.salted(1)
}

#[test]
fn a_first_block_reads_back_and_no_flipped_bit_passes() {
    let block = segment().encode();
    assert_eq!(Segment::decode(&block), Ok(segment()));
    for bit in 0..64 * 8 {
        let mut bytes = block.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Segment::decode(&bytes), Err(HeaderFault::Damaged), "bit {bit}");
    }
}

#[test]
fn a_first_block_that_ends_before_its_checksum_is_damage() {
    let block = segment().encode();
    for length in 0..64 {
        assert_eq!(Segment::decode(&block[..length]), Err(HeaderFault::Damaged), "{length} bytes");
    }
}

#[test]
fn every_life_of_a_file_has_its_own_salt() {
    let salt = segment().salt;
    for other in [
        segment().salted(2),
        Segment { sequence: 4, ..segment() }.salted(1),
        Segment { first: Position::new(10), ..segment() }.salted(1),
        Segment { created: Timestamp::EPOCH, ..segment() }.salted(1),
    ] {
        assert_ne!(other.salt, salt);
    }
}

#[test]
fn names_read_back_and_others_do_not() {
    assert_eq!(segment_sequence(&segment_name(12)), Some(12));
    assert_eq!(segment_sequence(&segment_name(u64::MAX)), Some(u64::MAX));
    assert_eq!(spare_sequence(&spare_name(12)), Some(12));
    for name in ["12.segment", "+000000000000012.segment", "0000000000000012.damaged", ""] {
        assert_eq!(segment_sequence(name), None, "{name}");
    }
}

#[test]
fn positions_that_no_site_can_reach_are_damage() {
    for first in [0, (1 << 62) + 1, u64::MAX] {
        let block = Segment { first: Position::new(first), ..segment() }.encode();
        assert_eq!(Segment::decode(&block), Err(HeaderFault::Damaged), "{first}");
    }
}
