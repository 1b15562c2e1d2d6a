use model::TopicName;
use model::session::{Identifiers, Positions};
use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

fn at(position: u64) -> Position {
    Position::new(position)
}

fn tell(book: &mut Book, client: &str, event: SessionEvent<'_>) {
    book.apply(&SessionRecord { at: NOW, client, event });
}

fn subscribe(book: &mut Book, client: &str, filter: &str, qos: Qos) {
    let options = Options { qos, ..Options::default() };
    tell(book, client, SessionEvent::Subscribed { filter, options });
}

fn hear(book: &mut Book, position: u64, topic: &str, qos: Qos) {
    let message = Message {
        received_at: NOW,
        client: "sender",
        credential: None,
        topic: TopicName::parse(topic).unwrap(),
        payload: b"1",
        properties: &[],
        qos,
        retain: false,
    };
    book.message(at(position), &message);
}

fn owed(book: &Book, client: &str) -> Vec<u64> {
    let booked = book.sessions().find(|booked| &*booked.client == client);
    booked.map_or_else(Vec::new, |it| it.owed.iter().map(|owed| owed.position.get()).collect())
}

fn with_anna() -> Book {
    let mut book = Book::default();
    tell(&mut book, "anna", SessionEvent::Opened { expiry: 60 });
    subscribe(&mut book, "anna", "farm/+", Qos::ExactlyOnce);
    book
}

#[test]
fn a_session_is_owed_what_it_subscribed_to_until_it_has_it() {
    let mut book = with_anna();
    hear(&mut book, 5, "farm/a", Qos::AtLeastOnce);
    hear(&mut book, 6, "elsewhere", Qos::AtLeastOnce);
    hear(&mut book, 7, "farm/b", Qos::AtMostOnce);
    hear(&mut book, 8, "farm/b", Qos::ExactlyOnce);
    assert_eq!(owed(&book, "anna"), [5, 8]);

    let positions = [Positions::bytes_of(at(5))];
    let done = SessionEvent::Delivered { positions: Positions::new(&positions) };
    tell(&mut book, "anna", done);
    assert_eq!(owed(&book, "anna"), [8]);
    tell(&mut book, "anna", SessionEvent::Unsubscribed { filter: "farm/+" });
    hear(&mut book, 9, "farm/c", Qos::AtLeastOnce);
    assert_eq!(owed(&book, "anna"), [8], "what was owed stays owed, nothing is added");
}

#[test]
fn a_message_of_its_own_is_not_owed_if_it_asked_so() {
    let mut book = Book::default();
    tell(&mut book, "sender", SessionEvent::Opened { expiry: 60 });
    let options = Options { qos: Qos::AtLeastOnce, no_local: true, ..Options::default() };
    tell(&mut book, "sender", SessionEvent::Subscribed { filter: "#", options });
    hear(&mut book, 5, "farm/a", Qos::AtLeastOnce);
    assert_eq!(owed(&book, "sender"), [0_u64; 0]);
}

#[test]
fn a_fresh_session_owes_nothing_of_an_earlier_one() {
    let mut book = with_anna();
    hear(&mut book, 5, "farm/a", Qos::AtLeastOnce);
    tell(&mut book, "anna", SessionEvent::Opened { expiry: 60 });
    hear(&mut book, 6, "farm/a", Qos::AtLeastOnce);
    assert_eq!(owed(&book, "anna"), [0_u64; 0]);
    tell(&mut book, "anna", SessionEvent::Ended);
    assert!(book.is_empty() && book.subscriptions.is_empty());
}

#[test]
fn the_handshakes_of_qos_2_are_remembered_step_by_step() {
    let mut book = with_anna();
    hear(&mut book, 5, "farm/a", Qos::ExactlyOnce);
    tell(&mut book, "anna", SessionEvent::Sent { position: at(5), packet_id: 3 });
    tell(&mut book, "anna", SessionEvent::Received { packet_id: 3 });
    tell(&mut book, "anna", SessionEvent::Held { packet_id: 9 });
    let booked = book.sessions().next().unwrap();
    assert_eq!((booked.owed[0].packet_id, booked.owed[0].received), (Some(3), true));
    assert_eq!(booked.held.iter().collect::<Vec<_>>(), [&9]);
    tell(&mut book, "anna", SessionEvent::Released { packet_id: 9 });
    assert!(book.sessions().next().unwrap().held.is_empty());
}

#[test]
fn a_session_whose_time_is_over_is_forgotten_one_that_never_ends_is_not() {
    let mut book = with_anna();
    tell(&mut book, "bert", SessionEvent::Opened { expiry: EXPIRY_NEVER });
    for client in ["anna", "bert"] {
        let expiry = if client == "anna" { 60 } else { EXPIRY_NEVER };
        tell(&mut book, client, SessionEvent::Closed { expiry });
    }
    book.expire(NOW.saturating_add(std::time::Duration::from_secs(59)));
    assert_eq!(book.len(), 2);
    book.expire(NOW.saturating_add(std::time::Duration::from_secs(60)));
    assert_eq!(book.sessions().map(|booked| &*booked.client).collect::<Vec<_>>(), ["bert"]);
}

/// One thing that happens to one of two clients.
#[derive(Clone, Debug)]
enum Step {
    Tell(bool, u8, u8),
    Hear(u8, bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (any::<bool>(), 0_u8..14, 0_u8..6).prop_map(|(who, what, n)| Step::Tell(who, what, n)),
        (0_u8..3, any::<bool>()).prop_map(|(topic, twice)| Step::Hear(topic, twice)),
    ]
}

fn run(book: &mut Book, steps: &[Step]) {
    let topics = ["farm/a", "farm/b", "x"];
    for (position, step) in (1_u64..).zip(steps) {
        match step {
            Step::Hear(topic, twice) => {
                let qos = if *twice { Qos::ExactlyOnce } else { Qos::AtLeastOnce };
                hear(book, position, topics[usize::from(*topic)], qos);
            }
            Step::Tell(who, what, n) => {
                let positions = [Positions::bytes_of(at(position.saturating_sub(u64::from(*n))))];
                tell(
                    book,
                    if *who { "anna" } else { "bert" },
                    event(*what, *n, position, &positions),
                );
            }
        }
    }
}

fn event(what: u8, n: u8, position: u64, positions: &[[u8; 8]]) -> SessionEvent<'_> {
    let filter = ["farm/+", "#", "farm/a", "$share/crew/farm/#", "x", "+"][usize::from(n)];
    let packet_id = u16::from(n) + 1;
    match what {
        0 => SessionEvent::Opened { expiry: u32::from(n) * 10 },
        1 => SessionEvent::Resumed { expiry: 60 },
        2 => SessionEvent::Closed { expiry: u32::from(n) },
        3 | 4 => {
            let options =
                Options { qos: Qos::ExactlyOnce, identifier: n.into(), ..Options::default() };
            SessionEvent::Subscribed { filter, options }
        }
        5 => SessionEvent::Unsubscribed { filter },
        6 => SessionEvent::Delivered { positions: Positions::new(positions) },
        7 => SessionEvent::Sent { position: at(position.saturating_sub(n.into())), packet_id },
        8 => SessionEvent::Received { packet_id },
        9 => SessionEvent::Held { packet_id },
        10 => SessionEvent::Released { packet_id },
        11 => SessionEvent::Completed { packet_id },
        12 => SessionEvent::Sent { position: Position::ZERO, packet_id },
        _ => SessionEvent::Queued {
            position: at(position),
            qos: Qos::AtLeastOnce,
            retain: true,
            identifiers: Identifiers::new(&[]),
        },
    }
}

fn state(book: &Book) -> Vec<Booked> {
    book.sessions().cloned().collect()
}

proptest! {
    /// A snapshot at any point changes nothing of what comes later.
    #[test]
    fn its_records_make_the_same_book(
        before in proptest::collection::vec(step(), 0..60),
        after in proptest::collection::vec(step(), 0..20),
    ) {
        let mut book = Book::default();
        run(&mut book, &before);
        let mut again = Book::default();
        book.records(|record| again.apply(record));
        prop_assert_eq!(state(&again), state(&book));
        run(&mut book, &after);
        run(&mut again, &after);
        prop_assert_eq!(state(&again), state(&book));
    }
}
