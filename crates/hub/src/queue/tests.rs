use model::{Timestamp, TopicName};

use super::*;

fn message(token: u64, position: Option<u64>, bytes: usize) -> Queued {
    let publication = Publication {
        topic: TopicName::parse("a").unwrap().to_buf(),
        payload: vec![7; bytes].into(),
        properties: Box::default(),
        qos: Qos::AtLeastOnce,
        retain: false,
        received_at: Timestamp::from_millis(0),
    };
    Queued {
        token,
        position: position.map(Position::new),
        body: Some(Arc::new(publication)),
        qos: Qos::AtLeastOnce,
        retain: false,
        shared: false,
        identifiers: SmallVec::new(),
    }
}

fn with_body(queue: &Queue) -> Vec<bool> {
    queue.iter().map(|queued| queued.body.is_some()).collect()
}

#[test]
fn beyond_its_bytes_it_holds_positions_only() {
    let mut queue = Queue::default();
    queue.push(message(1, Some(11), QUEUE_BYTES_MAX / 2), Room::ALL).unwrap();
    queue.push(message(2, None, QUEUE_BYTES_MAX), Room::ALL).unwrap();
    queue.push(message(3, Some(13), 10), Room::ALL).unwrap();
    assert_eq!(with_body(&queue), [true, false, true]);
    let retained = message(4, Some(0), QUEUE_BYTES_MAX);
    assert_eq!(queue.push(retained, Room::ALL), Err(QueueFull), "it could not be read again");
}

#[test]
fn bodies_are_let_go_and_come_back() {
    let mut queue = Queue::default();
    queue.push(message(1, Some(11), 10), Room::ALL).unwrap();
    queue.push(message(2, Some(0), 10), Room::ALL).unwrap();
    queue.push(message(3, None, 10), Room::ALL).unwrap();
    queue.shed();
    assert_eq!(with_body(&queue), [false, true, true], "only the journal gives one back");
    assert!(!queue.place(3, Position::new(13)), "not the first");
    assert!(!queue.place(9, Position::new(14)), "not here");
    assert!(queue.place(1, Position::new(11)), "the first");
    assert_eq!(queue.find(3).unwrap().position, Some(Position::new(13)));
    let body = message(1, None, 10).body.unwrap();
    queue.fill(1, Arc::clone(&body));
    queue.fill(1, body);
    queue.remove(2);
    assert_eq!(queue.len(), 2);
    queue.pop();
    queue.pop();
    assert_eq!(queue.bytes, 0, "every byte was counted once");
}

#[test]
fn a_position_in_a_queue_costs_what_the_documents_say() {
    assert_eq!(size_of::<Queued>(), 64);
}
