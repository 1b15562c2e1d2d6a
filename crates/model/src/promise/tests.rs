use super::*;

fn horizon() -> (Arc<Horizon>, DurableMark, ReaderMark) {
    let (horizon, disk, mut readers) = Horizon::new(Position::ZERO, &["history"], Box::new(|_| {}));
    (horizon, disk, readers.remove(0))
}

#[test]
fn a_ticket_settles_only_when_the_disk_and_the_reader_have_it() {
    let (horizon, mut disk, mut history) = horizon();
    let mut lane = Lane::default();
    lane.push(Position::new(1), "first");
    lane.push(Position::new(2), "second");

    disk.advance(Position::new(2));
    assert_eq!(lane.settle(horizon.committed()).count(), 0, "nobody can see it yet");

    history.advance(Position::new(1));
    let settled: Vec<_> = lane.settle(horizon.committed()).map(Settled::into_ticket).collect();
    assert_eq!(settled, ["first"]);
    assert_eq!(lane.oldest(), Some(Position::new(2)));
}

#[test]
fn a_reader_ahead_of_the_disk_commits_nothing() {
    let (horizon, mut disk, mut history) = horizon();
    history.advance(Position::new(9));
    assert_eq!(horizon.committed().position(), Position::ZERO);
    disk.advance(Position::new(4));
    assert_eq!(horizon.committed().position(), Position::new(4));
}

#[test]
fn a_move_of_the_horizon_wakes_once() {
    let woken = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&woken);
    let wake = Box::new(move |_| {
        seen.fetch_add(1, Ordering::Relaxed);
    });
    let (_horizon, mut disk, mut readers) = Horizon::new(Position::ZERO, &["history"], wake);
    disk.advance(Position::new(3));
    assert_eq!(woken.load(Ordering::Relaxed), 0);
    readers.iter_mut().for_each(|reader| reader.advance(Position::new(3)));
    assert_eq!(woken.load(Ordering::Relaxed), 1);
}

#[test]
#[should_panic(expected = "what was durable stays durable")]
fn the_disk_mark_never_moves_back() {
    let (_horizon, mut disk, _history) = horizon();
    disk.advance(Position::new(3));
    disk.advance(Position::new(2));
}

#[test]
#[should_panic(expected = "tickets wait in the order of their records")]
fn tickets_are_pushed_in_order() {
    let mut lane = Lane::default();
    lane.push(Position::new(3), ());
    lane.push(Position::new(2), ());
}
