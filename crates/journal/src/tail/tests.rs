//! What a tail does when it is full, ended or dropped.

use model::Timestamp;

use super::*;

fn batch(position: u64) -> Batch {
    Batch::of(Position::new(position), Timestamp::EPOCH, &[&[0; 100]]).unwrap()
}

fn tail(bytes_max: usize) -> (Tail, Arc<Queue>) {
    let queue = Arc::new(Queue::new(Position::new(1), bytes_max));
    (Tail::new(Arc::clone(&queue)), queue)
}

#[test]
fn batches_come_in_order_and_then_the_end() {
    let (tail, queue) = tail(1_000);
    assert!(queue.push(batch(1)) && queue.push(batch(2)));
    queue.end(TailEnd::Stopped);
    assert!(!queue.push(batch(3)));
    let first = |received: Result<Option<Batch>, TailEnd>| received.unwrap().unwrap().first().get();
    assert_eq!([first(tail.recv(Duration::ZERO)), first(tail.recv(Duration::ZERO))], [1, 2]);
    assert_eq!(tail.recv(Duration::ZERO).err(), Some(TailEnd::Stopped));
}

#[test]
fn a_failed_journal_hands_out_nothing_more() {
    let (tail, queue) = tail(1_000);
    queue.push(batch(1));
    queue.end(TailEnd::Failed);
    assert_eq!(tail.recv(Duration::ZERO).err(), Some(TailEnd::Failed));
}

#[test]
fn a_full_tail_is_waited_for() {
    let (tail, queue) = tail(150);
    queue.push(batch(1));
    std::thread::scope(|scope| {
        let pushed = scope.spawn(|| queue.push(batch(2)));
        assert_eq!(tail.recv(Duration::from_secs(20)).unwrap().unwrap().first().get(), 1);
        assert_eq!(tail.recv(Duration::from_secs(20)).unwrap().unwrap().first().get(), 2);
        assert!(pushed.join().unwrap());
    });
}

#[test]
fn a_batch_longer_than_the_limit_passes_alone() {
    let (tail, queue) = tail(10);
    assert!(queue.push(batch(1)));
    assert!(tail.recv(Duration::ZERO).unwrap().is_some());
}

#[test]
fn a_dropped_tail_is_not_waited_for() {
    let (tail, queue) = tail(150);
    queue.push(batch(1));
    std::thread::scope(|scope| {
        let pushed = scope.spawn(|| queue.push(batch(2)));
        drop(tail);
        // Whichever came first, the writer is free again.
        pushed.join().unwrap();
    });
    assert!(!queue.push(batch(3)));
}
