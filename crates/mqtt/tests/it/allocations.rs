//! The publish path allocates nothing once its buffers have their size.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use model::promise::DurableMark;
use model::{Horizon, Lane, Moment, Position, Qos};
use mqtt::{
    Accept, Action, Connect, Delivered, Frame, Generation, Limits, Outgoing, Packet, PropertiesBuf,
    Property, PublishProperties, Session, Ticket, Version, decode,
};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: every call goes to the system's allocator unchanged; only a number is kept besides.
#[expect(unsafe_code, reason = "an allocator that counts cannot be written without")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(place, layout, bytes) }
    }
}

struct Bench {
    session: Session,
    lane: Lane<Ticket>,
    durable: DurableMark,
    horizon: std::sync::Arc<Horizon>,
    position: Position,
    packet: Vec<u8>,
    frame: Vec<u8>,
    id_at: Option<usize>,
    out: Vec<u8>,
}

impl Bench {
    fn new(version: Version, qos: Qos, aliases: u16) -> Self {
        let mut properties = PropertiesBuf::default();
        if aliases > 0 {
            properties.push(Property::TopicAliasMaximum(aliases)).unwrap();
        }
        let mut out = Vec::new();
        let mut session = Session::new(Limits::default(), Generation::new(1), Moment::START);
        let connect = Connect {
            version,
            clean_start: true,
            keep_alive: 60,
            client_id: "anna",
            will: None,
            user_name: None,
            password: None,
            properties: properties.as_properties(),
        };
        session.on_packet(Packet::Connect(connect), Moment::START, &mut out).unwrap();
        session.accept(Accept::default(), &mut out).unwrap();
        let (horizon, durable, _) = Horizon::new(Position::ZERO, &[], Box::new(|_| {}));
        let message = Outgoing {
            qos,
            retain: false,
            topic: "farm/barn/temperature",
            subscription_ids: &[],
            properties: b"\x03\x00\x04text",
            expiry_left: None,
            payload: b"21.5",
        };
        let mut frame = Vec::new();
        let id_at = message.encode(version, &mut frame).unwrap();
        let mut packet = Vec::new();
        Frame::new(&frame, id_at).write(1, false, &mut packet);
        Self {
            session,
            lane: Lane::default(),
            durable,
            horizon,
            position: Position::ZERO,
            packet,
            frame,
            id_at,
            out,
        }
    }

    /// In, committed, acknowledged; and out, acknowledged.
    fn turn(&mut self, version: Version) {
        self.out.clear();
        let (packet, _) = decode(&self.packet, version, 1 << 20).unwrap().unwrap();
        let action = self.session.on_packet(packet, Moment::START, &mut self.out).unwrap();
        let Some(Action::Publish { ticket, .. }) = action else { panic!("a message") };
        self.position = self.position.next();
        self.lane.push(self.position, ticket.expect("above QoS 0"));
        self.durable.advance(self.position);
        for ticket in self.lane.settle(self.horizon.committed()) {
            self.session.acknowledge(ticket, &mut self.out);
        }
        self.out.clear();
        let frame = Frame::new(&self.frame, self.id_at);
        let delivered = self.session.deliver(frame, 7, &mut self.out);
        let Delivered::Sent(Some(packet_id)) = delivered else { panic!("{delivered:?}") };
        let [high, low] = packet_id.get().to_be_bytes();
        let puback = [0x40, 2, high, low];
        let (puback, _) = decode(&puback, version, 1 << 20).unwrap().unwrap();
        self.session.on_packet(puback, Moment::START, &mut self.out).unwrap();
    }
}

#[test]
fn a_published_message_costs_no_allocation() {
    for (version, aliases) in [(Version::V311, 0), (Version::V5, 0), (Version::V5, 10)] {
        let mut bench = Bench::new(version, Qos::AtLeastOnce, aliases);
        // The second time the topic gets its alias.
        bench.turn(version);
        bench.turn(version);
        let before = ALLOCATIONS.get();
        (0..1_000).for_each(|_| bench.turn(version));
        assert_eq!(ALLOCATIONS.get() - before, 0, "{version:?}, {aliases} aliases");
    }
}

/// Allocation before validation has stopped brokers: a header may claim what it likes.
#[test]
fn a_claimed_length_reserves_nothing() {
    let claims: [&[u8]; 4] = [
        &[0x30, 0xFF, 0xFF, 0xFF, 0x7F],
        &[0x30, 4, 0xFF, 0xFF, 0, 0],
        &[0x30, 6, 0, 1, b'a', 0xFF, 0xFF, 0x7F],
        &[0x82, 6, 0, 1, 0, 0xFF, 0xFF, 0],
    ];
    let before = ALLOCATIONS.get();
    for claim in claims {
        let read = decode(claim, Version::V5, 1 << 20);
        assert!(read.is_err(), "{claim:?} gives {read:?}");
    }
    assert_eq!(ALLOCATIONS.get() - before, 0);
    let empty = PublishProperties::NONE.travelling(&mut Vec::new()).len();
    assert_eq!((empty, ALLOCATIONS.get() - before), (0, 0));
}
