//! Records before and after the journal.

use super::*;

#[test]
fn what_does_not_fit_leaves_the_others_alone() {
    let mut pending = Pending::default();
    pending.push(b"one").unwrap();
    let bytes = pending.bytes();
    let refused = pending.push(&vec![0; RECORD_BYTES_MAX + 1]);
    assert_eq!(refused, Err(TooLarge { bytes: RECORD_BYTES_MAX + 1 }));
    assert_eq!((pending.len(), pending.bytes()), (1, bytes));
}

#[test]
fn a_pending_never_outgrows_a_frame() {
    let mut pending = Pending::default();
    let record = vec![0; RECORD_BYTES_MAX];
    pending.push(&record).unwrap();
    assert!(pending.push(&record).is_err());
    assert!(Frame::default().has_room(pending.bytes(), 4096));
}

#[test]
fn a_batch_without_its_start_keeps_positions() {
    let batch = Batch::of(Position::new(5), Timestamp::EPOCH, &[b"a", b"bb", b"ccc"]).unwrap();
    assert_eq!((batch.first().get(), batch.last().get(), batch.len()), (5, 7, 3));
    let rest = batch.starting_at(Position::new(6)).unwrap();
    let records: Vec<_> = rest.iter().map(|(at, record)| (at.get(), record)).collect();
    assert_eq!(records, [(6, &b"bb"[..]), (7, &b"ccc"[..])]);
    let again = rest.starting_at(Position::new(7)).unwrap();
    assert_eq!(again.iter().next(), Some((Position::new(7), &b"ccc"[..])));
    assert!(batch.starting_at(Position::new(8)).is_none());
    assert_eq!(batch.starting_at(Position::ZERO).unwrap().len(), 3);
}
