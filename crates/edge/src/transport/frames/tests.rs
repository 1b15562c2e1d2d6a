//! Frames as clients send them, and as nobody should.

use proptest::prelude::*;

use super::*;

/// A masked frame, with the length in as few bytes as it needs.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x12, 0x34, 0x56, 0x78];
    let mut bytes = Vec::new();
    encode(first & OPCODE, payload, &mut bytes);
    let head = bytes.len() - payload.len();
    bytes[0] = first;
    bytes[1] |= MASKED;
    bytes.truncate(head);
    bytes.extend(mask);
    bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// What came through, what has to be answered, and how it went on.
fn decode(input: &[u8]) -> (Vec<u8>, Vec<u8>, Result<Flow, FrameFault>) {
    let (mut data, mut answer) = (Vec::new(), Vec::new());
    let flow = Decoder::default().decode(input, &mut data, &mut answer);
    (data, answer, flow)
}

#[track_caller]
fn check_fault(input: &[u8], expected: FrameFault) {
    assert_eq!(decode(input).2, Err(expected));
}

#[test]
fn a_payload_of_any_length_comes_through() {
    for length in [0_u32, 1, 3, 125, 126, 65_535, 65_536, 200_000] {
        let payload: Vec<u8> = (0..length).map(|at| (at % 251).to_le_bytes()[0]).collect();
        assert_eq!(decode(&frame(0x82, &payload)), (payload, Vec::new(), Ok(Flow::Open)));
    }
}

//= mqtt-v5 MQTT-6.0.0-2 test
//= mqtt-v311 MQTT-6.0.0-2 test
#[test]
fn a_message_in_fragments_comes_through_with_a_ping_inside() {
    let bytes = [frame(0x02, b"MQ"), frame(0x89, b"?"), frame(0x00, b"T"), frame(0x80, b"T")];
    let pong = vec![0x8a, 1, b'?'];
    assert_eq!(decode(&bytes.concat()), (b"MQTT".to_vec(), pong, Ok(Flow::Open)));
}

#[test]
fn a_pong_means_nothing() {
    assert_eq!(decode(&frame(0x8a, b"whatever")), (Vec::new(), Vec::new(), Ok(Flow::Open)));
}

#[test]
fn a_close_is_answered_with_its_status_and_ends_it() {
    let bytes = [frame(0x88, &[0x03, 0xe9, b'b', b'y', b'e']), frame(0x82, b"more")].concat();
    let answer = vec![0x88, 2, 0x03, 0xe9];
    assert_eq!(decode(&bytes), (Vec::new(), answer, Ok(Flow::Closed)));
    assert_eq!(decode(&frame(0x88, b"")), (Vec::new(), vec![0x88, 0], Ok(Flow::Closed)));
    check_fault(&frame(0x88, &[3]), FrameFault::Control);
}

//= mqtt-v5 MQTT-6.0.0-1 test
//= mqtt-v311 MQTT-6.0.0-1 test
#[test]
fn what_no_client_may_send_is_refused() {
    check_fault(&[0x82, 1], FrameFault::Unmasked);
    check_fault(&frame(0xc2, b"x"), FrameFault::Reserved);
    check_fault(&frame(0x83, b"x"), FrameFault::Reserved);
    check_fault(&frame(0x8b, b"x"), FrameFault::Reserved);
    check_fault(&frame(0x81, b"x"), FrameFault::Text);
    check_fault(&frame(0x80, b"x"), FrameFault::Fragments);
    check_fault(&[frame(0x02, b"x"), frame(0x82, b"y")].concat(), FrameFault::Fragments);
    check_fault(&frame(0x09, b"x"), FrameFault::Control);
    check_fault(&frame(0x89, &[0; 126]), FrameFault::Control);
}

#[test]
fn a_length_is_written_in_as_few_bytes_as_it_needs() {
    check_fault(&[0x82, 0xfe, 0, 125, 0, 0, 0, 0], FrameFault::Length);
    check_fault(&[0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0], FrameFault::Length);
}

#[test]
fn a_frame_that_is_too_long_is_refused_by_its_header() {
    check_fault(&[0x82, 0xff, 0, 0, 0, 0, 0x10, 0, 0, 1, 0, 0, 0, 0], FrameFault::TooLong);
    check_fault(&[0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], FrameFault::TooLong);
}

#[test]
fn what_a_client_is_sent_is_one_message_without_a_mask() {
    for (length, head) in [
        (0, &[0x82, 0][..]),
        (125, &[0x82, 125]),
        (126, &[0x82, 126, 0, 126]),
        (65_536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ] {
        let mut out = Vec::new();
        encode_data(&vec![7; length], &mut out);
        assert!(out.starts_with(head) && out.len() == head.len() + length, "{length}");
    }
}

#[test]
fn an_idle_decoder_keeps_no_payload() {
    let mut decoder = Decoder::default();
    let (mut data, mut answer) = (Vec::new(), Vec::new());
    decoder.decode(&frame(0x89, &[1; 125]), &mut data, &mut answer).unwrap();
    assert_eq!(decoder.control.capacity(), 0);
}

proptest! {
    #[test]
    fn frames_in_any_pieces_are_the_same_frames(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..5),
        piece in 1_usize..40,
    ) {
        let bytes: Vec<u8> = payloads.iter().flat_map(|payload| frame(0x82, payload)).collect();
        let mut decoder = Decoder::default();
        let (mut data, mut answer) = (Vec::new(), Vec::new());
        for part in bytes.chunks(piece) {
            prop_assert_eq!(decoder.decode(part, &mut data, &mut answer), Ok(Flow::Open));
        }
        prop_assert_eq!(data, payloads.concat());
    }
}
