//! QoS 1 and 2, both ways, over one connection and the next.

use super::*;

fn resent(qos: Qos, number: u16) -> Packet<'static> {
    let Packet::Publish(first) = publish(qos, number) else { panic!("not a PUBLISH") };
    Packet::Publish(Publish { dup: true, ..first })
}

//= mqtt-v5 MQTT-4.3.3-8, MQTT-4.3.3-10, MQTT-4.3.3-11, MQTT-4.3.3-12 test
//= mqtt-v311 MQTT-4.3.3-2 test
#[test]
fn a_message_with_qos_2_reaches_the_hub_once() {
    let mut play = Play::connected(Version::V5);
    play.says(&publish(Qos::ExactlyOnce, 7)).says(&resent(Qos::ExactlyOnce, 7));
    play.commits().says(&resent(Qos::ExactlyOnce, 7)).shows(&expect![[r#"
        hub: publish farm/barn
        -> PubRec 7 Success
        -> PubRec 7 Success
    "#]]);
    assert_eq!(play.session.owed(), 1);
    play.says(&Packet::PubRel(ack(7))).says(&Packet::PubRel(ack(7))).shows(&expect![[r#"
        -> PubComp 7 Success
        -> PubComp 7 PacketIdNotFound
    "#]]);
    assert_eq!(play.session.owed(), 0);
    play.says(&publish(Qos::ExactlyOnce, 7)).shows(&expect![[r#"
        hub: publish farm/barn
    "#]]);
}

#[test]
fn a_release_of_what_is_not_committed_is_a_violation() {
    let mut play = Play::connected(Version::V311);
    play.says(&publish(Qos::ExactlyOnce, 7)).says(&Packet::PubRel(ack(7)));
    play.shows(&expect![[r#"
        hub: publish farm/barn
        violation HandshakeStep { kind: PubRel, packet_id: 7 }
    "#]]);
}

#[test]
fn tickets_of_an_old_connection_acknowledge_nothing_by_mistake() {
    let mut play = Play::connected(Version::V5);
    play.says(&publish(Qos::AtLeastOnce, 6)).says(&publish(Qos::ExactlyOnce, 7));
    play.reconnects(&connect(Version::V5, false)).commits().shows(&expect![[r#"
        hub: publish farm/barn
        hub: publish farm/barn
        hub: connect "anna"
        -> ConnAck Success present=true
             ReceiveMaximum(256)
             MaximumPacketSize(1048576)
             TopicAliasMaximum(16)
    "#]]);
    // The client sends both again: one is a new message to the hub, the other is known.
    play.says(&resent(Qos::AtLeastOnce, 6)).says(&resent(Qos::ExactlyOnce, 7)).commits();
    play.says(&Packet::PubRel(ack(7))).shows(&expect![[r#"
        hub: publish farm/barn
        -> PubRec 7 Success
        -> PubAck 6 Success
        -> PubComp 7 Success
    "#]]);
    assert_eq!(play.session.owed(), 0);
}

#[test]
fn a_message_sent_again_before_its_commit_is_confirmed_on_the_new_connection() {
    let mut play = Play::connected(Version::V311);
    play.says(&publish(Qos::ExactlyOnce, 7)).reconnects(&connect(Version::V311, false));
    play.says(&resent(Qos::ExactlyOnce, 7)).commits().shows(&expect![[r#"
        hub: publish farm/barn
        hub: connect "anna"
        -> ConnAck Success present=true
        -> PubRec 7 Success
    "#]]);
}

#[test]
fn a_clean_session_owes_nothing_to_tickets_of_the_one_before() {
    let mut play = Play::connected(Version::V311);
    play.says(&publish(Qos::ExactlyOnce, 7)).reconnects(&connect(Version::V311, true));
    // The same id, another message, and only the first of them is committed.
    let before = play.position;
    play.says(&publish(Qos::ExactlyOnce, 7));
    play.position = before;
    play.commits().shows(&expect![[r#"
        hub: publish farm/barn
        hub: connect "anna"
        -> ConnAck Success present=false
        hub: publish farm/barn
    "#]]);
}

//= mqtt-v5 MQTT-3.3.4-7, MQTT-3.3.4-8 test
#[test]
fn a_client_keeps_to_our_receive_maximum() {
    let limits = Limits { receive_maximum: 2, ..Limits::default() };
    let mut play = Play::connected_with(Version::V5, limits, &connect(Version::V5, true));
    play.says(&publish(Qos::AtLeastOnce, 1)).says(&publish(Qos::ExactlyOnce, 2)).commits();
    play.says(&Packet::PubRel(ack(2)));
    play.says(&publish(Qos::AtLeastOnce, 3)).says(&publish(Qos::ExactlyOnce, 4));
    play.says(&publish(Qos::AtMostOnce, 0)).says(&publish(Qos::AtLeastOnce, 5));
    play.shows(&expect![[r#"
        hub: publish farm/barn
        hub: publish farm/barn
        -> PubAck 1 Success
        -> PubRec 2 Success
        -> PubComp 2 Success
        hub: publish farm/barn
        hub: publish farm/barn
        hub: publish farm/barn
        -> Disconnect ReceiveMaximumExceeded
        violation ReceiveMaximum { max: 2 }
    "#]]);
}

#[test]
fn a_client_that_never_releases_runs_into_a_limit() {
    let mut play = Play::connected(Version::V311);
    for number in 1..=HELD_MAX {
        play.says(&publish(Qos::ExactlyOnce, number));
    }
    play.log.clear();
    play.says(&publish(Qos::ExactlyOnce, HELD_MAX + 1)).shows(&expect![[r#"
        violation ReceiveMaximum { max: 1024 }
    "#]]);
}

//= mqtt-v5 MQTT-3.3.4-9, MQTT-4.3.1-1, MQTT-4.3.2-2, MQTT-4.3.2-3, MQTT-4.3.3-2, MQTT-4.3.3-3 test
//= mqtt-v5 MQTT-4.3.3-4, MQTT-4.3.3-5 test
//= mqtt-v311 MQTT-4.3.1-1, MQTT-4.3.2-1, MQTT-4.3.3-1 test
#[test]
fn a_window_of_the_client_is_kept_and_freed() {
    let mut buf = PropertiesBuf::default();
    buf.push(Property::ReceiveMaximum(id(2))).unwrap();
    let connect = Connect { properties: buf.as_properties(), ..connect(Version::V5, true) };
    let mut play = Play::connected_with(Version::V5, Limits::default(), &connect);
    play.delivers(Qos::AtLeastOnce, 10).delivers(Qos::ExactlyOnce, 11);
    play.delivers(Qos::AtLeastOnce, 12).delivers(Qos::AtMostOnce, 13);
    play.shows(&expect![[r#"
        -> Publish "pump/set" id=Some(1) dup=false
        deliver: Sent(Some(1))
        -> Publish "pump/set" id=Some(2) dup=false
        deliver: Sent(Some(2))
        deliver: WindowFull
        -> Publish "pump/set" id=None dup=false
        deliver: Sent(None)
    "#]]);
    play.says(&Packet::PubRec(ack(2))).delivers(Qos::AtLeastOnce, 12);
    play.says(&Packet::PubComp(ack(2))).delivers(Qos::AtLeastOnce, 12);
    play.says(&Packet::PubAck(ack(1))).says(&Packet::PubAck(ack(1))).shows(&expect![[r#"
        -> PubRel 2 Success
        hub: Received { packet_id: 2, token: 11, ticket: None }
        deliver: WindowFull
        hub: Delivered { token: 11, reason: Success }
        -> Publish "pump/set" id=Some(3) dup=false
        deliver: Sent(Some(3))
        hub: Delivered { token: 10, reason: Success }
    "#]]);
    assert_eq!(play.session.window_left(), 1);
}

//= mqtt-v5 MQTT-4.4.0-2 test
#[test]
fn a_client_that_refuses_a_message_frees_its_place() {
    let mut play = Play::connected(Version::V5);
    play.delivers(Qos::ExactlyOnce, 10);
    play.says(&Packet::PubRec(Ack::new(id(1), Reason::QuotaExceeded))).shows(&expect![[r#"
        -> Publish "pump/set" id=Some(1) dup=false
        deliver: Sent(Some(1))
        hub: Delivered { token: 10, reason: QuotaExceeded }
    "#]]);
    assert!(play.session.inflight.is_empty());
}

#[test]
fn acknowledgements_of_the_wrong_step_are_violations() {
    let mut wrong = Vec::new();
    for (qos, packet) in [
        (Qos::AtLeastOnce, Packet::PubRec(ack(1))),
        (Qos::AtLeastOnce, Packet::PubComp(ack(1))),
        (Qos::ExactlyOnce, Packet::PubAck(ack(1))),
        (Qos::ExactlyOnce, Packet::PubComp(ack(1))),
    ] {
        let mut play = Play::connected(Version::V5);
        play.delivers(qos, 10).log.clear();
        wrong.push(play.says(&packet).log.contains("HandshakeStep"));
    }
    assert_eq!(wrong, [true; 4]);
}

//= mqtt-v5 MQTT-3.3.1-1, MQTT-4.3.3-6, MQTT-4.4.0-1, MQTT-4.6.0-1, MQTT-4.6.0-4 test
//= mqtt-v311 MQTT-4.4.0-1, MQTT-4.6.0-1, MQTT-4.6.0-4, MQTT-3.3.1-1 test
#[test]
fn what_was_not_confirmed_is_sent_again_first_and_in_order() {
    let mut play = Play::connected(Version::V311);
    play.delivers(Qos::ExactlyOnce, 10).delivers(Qos::AtLeastOnce, 11);
    play.delivers(Qos::ExactlyOnce, 12).delivers(Qos::AtLeastOnce, 13);
    play.says(&Packet::PubRec(ack(1))).log.clear();
    play.reconnects(&connect(Version::V311, false)).delivers(Qos::AtLeastOnce, 14);
    play.shows(&expect![[r#"
        hub: connect "anna"
        -> ConnAck Success present=true
        -> PubRel 1 Success
        deliver: WindowFull
    "#]]);
    assert_eq!(play.session.next_to_resend(), Some((id(2), 11)));
    play.redelivers(1, Qos::ExactlyOnce).redelivers(2, Qos::AtLeastOnce);
    play.redelivers(3, Qos::ExactlyOnce).session.forget(id(4));
    play.delivers(Qos::AtLeastOnce, 14).says(&Packet::PubComp(ack(1))).shows(&expect![[r#"
        redeliver: Gone
        -> Publish "pump/set" id=Some(2) dup=true
        redeliver: Sent(Some(2))
        -> Publish "pump/set" id=Some(3) dup=true
        redeliver: Sent(Some(3))
        -> Publish "pump/set" id=Some(5) dup=false
        deliver: Sent(Some(5))
        hub: Delivered { token: 10, reason: Success }
    "#]]);
    let steps: Vec<_> = play.session.outbound().map(|it| (it.token, it.step)).collect();
    assert_eq!(steps, [(11, Step::PubAck), (12, Step::PubRec), (14, Step::PubAck)]);
}

#[test]
fn half_finished_handshakes_do_not_pile_up_over_connections() {
    let limits = Limits { window_max: 2, ..Limits::default() };
    let mut play = Play::connected_with(Version::V311, limits, &connect(Version::V311, false));
    play.delivers(Qos::ExactlyOnce, 1).delivers(Qos::ExactlyOnce, 2);
    play.says(&Packet::PubRec(ack(1))).says(&Packet::PubRec(ack(2)));
    play.reconnects(&connect(Version::V311, false));
    play.session.limits = limits;
    play.log.clear();
    play.delivers(Qos::ExactlyOnce, 3).says(&Packet::PubComp(ack(1)));
    play.delivers(Qos::ExactlyOnce, 3).shows(&expect![[r#"
        deliver: WindowFull
        hub: Delivered { token: 1, reason: Success }
        -> Publish "pump/set" id=Some(3) dup=false
        deliver: Sent(Some(3))
    "#]]);
}

#[test]
fn an_unknown_pubrec_is_answered_so_that_the_client_can_end_it() {
    Play::connected(Version::V5).says(&Packet::PubRec(ack(9))).shows(&expect![[r#"
        -> PubRel 9 PacketIdNotFound
    "#]]);
    Play::connected(Version::V311).says(&Packet::PubRec(ack(9))).shows(&expect![[r#"
        -> PubRel 9 Success
    "#]]);
}

//= mqtt-v5 MQTT-3.3.2-7, MQTT-3.3.2-8, MQTT-3.3.2-12 test
#[test]
fn an_alias_stands_for_the_topic_it_was_given() {
    let plain = publish(Qos::AtMostOnce, 0);
    let mut play = Play::connected(Version::V5);
    play.says(&with_properties(&plain, &[0x23, 0, 3], "farm/roof"));
    play.says(&with_properties(&plain, &[0x23, 0, 3], ""));
    play.says(&with_properties(&plain, &[0x23, 0, 3], "farm/cellar"));
    play.says(&with_properties(&plain, &[0x23, 0, 3], ""));
    play.says(&with_properties(&plain, &[0x23, 0, 2], "")).shows(&expect![[r#"
        hub: publish farm/roof
        hub: publish farm/roof
        hub: publish farm/cellar
        hub: publish farm/cellar
        -> Disconnect ProtocolError
        violation TopicAliasUnknown(2)
    "#]]);
    Play::connected(Version::V5).says(&with_properties(&plain, &[0x23, 0, 17], "farm/roof")).shows(
        &expect![[r#"
            -> Disconnect TopicAliasInvalid
            violation TopicAliasRange { alias: 17, max: 16 }
        "#]],
    );
    let mut play = Play::connected(Version::V5);
    play.says(&with_properties(&plain, &[0x23, 0, 3], "farm/roof"));
    play.reconnects(&connect(Version::V5, false)).log.clear();
    play.says(&with_properties(&plain, &[0x23, 0, 3], "")).shows(&expect![[r#"
        -> Disconnect ProtocolError
        violation TopicAliasUnknown(3)
    "#]]);
}

//= mqtt-v5 MQTT-3.3.2-1, MQTT-3.3.2-2, MQTT-3.3.4-6 test
#[test]
fn messages_that_no_client_may_send_are_violations() {
    let plain = publish(Qos::AtMostOnce, 0);
    Play::connected(Version::V5).says(&with_properties(&plain, &[0x0B, 1], "a")).shows(&expect![[
        r#"
        -> Disconnect ProtocolError
        violation SubscriptionId
    "#
    ]]);
    Play::connected(Version::V5).says(&with_properties(&plain, &[], "farm/#")).shows(&expect![[
        r#"
        -> Disconnect TopicNameInvalid
        violation TopicName(Forbidden { at: 5 })
    "#
    ]]);
}

#[test]
fn a_kept_session_takes_no_step_of_qos_2_before_it_is_written_down() {
    let mut play = Play::start(Version::V5, Limits::default());
    play.says(&Packet::Connect(connect(Version::V5, false)));
    play.accepted(Accept { kept: true, ..Accept::default() });
    play.log.clear();
    play.says(&publish(Qos::ExactlyOnce, 5)).commits();
    play.says(&Packet::PubRel(ack(5)));
    play.shows(&expect![[r#"
        hub: publish farm/barn
        -> PubRec 5 Success
        hub: write down that 5 is free
    "#]]);
    play.commits().shows(&expect![[r#"
        -> PubComp 5 Success
    "#]]);
    let packet_id = play.session.reserve(11).unwrap();
    let (bytes, id_at) = frame(Version::V5, Qos::ExactlyOnce);
    let mut out = Vec::new();
    play.session.send_reserved(packet_id, Frame::new(&bytes, id_at), &mut out);
    play.note_out(&out);
    play.says(&Packet::PubRec(ack(packet_id.get()))).shows(&expect![[r#"
        -> Publish "pump/set" id=Some(1) dup=false
        hub: write down that 1 has arrived, 11
    "#]]);
    play.commits().shows(&expect![[r#"
        -> PubRel 1 Success
    "#]]);
}

#[test]
fn a_release_that_is_said_twice_frees_its_id_once() {
    let mut play = Play::start(Version::V311, Limits::default());
    play.says(&Packet::Connect(connect(Version::V311, false)));
    play.accepted(Accept { kept: true, ..Accept::default() });
    play.says(&publish(Qos::ExactlyOnce, 5)).commits();
    play.log.clear();
    play.says(&Packet::PubRel(ack(5))).says(&Packet::PubRel(ack(5)));
    play.commits().shows(&expect![[r#"
        hub: write down that 5 is free
        -> PubComp 5 Success
    "#]]);
    play.says(&publish(Qos::ExactlyOnce, 5)).commits().shows(&expect![[r#"
        hub: publish farm/barn
        -> PubRec 5 Success
    "#]]);
}
