//! The steady state allocates nothing: counted, not assumed.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use dialect::{Context, Outcome, Recognizer, Zone};
use model::{Message, Qos, Timestamp, TopicName};

struct Counting;

thread_local! {
    /// Of this thread only: other tests run beside.
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "an allocator is unsafe by nature; this one only counts")]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[track_caller]
fn allocates_nothing(topic: &str, payload: &str) {
    let message = Message {
        received_at: Timestamp::from_millis(1_714_816_800_000),
        client: "client-1",
        credential: None,
        topic: TopicName::parse(topic).unwrap(),
        payload: payload.as_bytes(),
        properties: &[],
        qos: Qos::AtLeastOnce,
        retain: false,
    };
    let zone = Zone::default();
    let ctx = Context { zone: &zone, credential_is_device: false, bridged: false };
    let (mut recognizer, mut out) = (Recognizer::new(), Outcome::new());
    recognizer.read(&message, &ctx, &mut out);
    assert!(out.reading_count() > 0);
    let before = COUNT.get();
    for _ in 0..100 {
        recognizer.read(&message, &ctx, &mut out);
    }
    assert_eq!(COUNT.get() - before, 0, "{topic} {payload}");
}

#[test]
fn ordinary_messages_allocate_nothing() {
    allocates_nothing("farm/barn1", r#"{"t":21.5,"h":40.1}"#);
    allocates_nothing("farm/barn1/state", r#"{"ts":1714816800,"temperature":21.5,"mode":"on"}"#);
    allocates_nothing("farm/barn1/temperature", "21.5");
    allocates_nothing("farm/barn1", r#"{"t":21.5,"model":"SHT31","fw_version":"1.10"}"#);
    allocates_nothing("v1/devices/me/telemetry", r#"{"ts":1714816800000,"values":{"a":1}}"#);
    allocates_nothing("v1/gateway/telemetry", r#"{"A":[{"ts":1714816800000,"values":{"a":1}}]}"#);
}
