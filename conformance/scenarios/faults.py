"""What a broker answers to clients that break the rules."""

import raw
from scenario import V5, V311, check, equal, scenario


@scenario(V311, V5)
def the_first_packet_is_a_connect(world):
    for data in (raw.packet(raw.PINGREQ << 4, b""), raw.publish(V311, "t", b"x")):
        raw.Line(world).send(data).closed()


@scenario(V311, V5)
def a_second_connect_closes(world):
    line = raw.Line(world)
    line.connects(world, "twice")
    line.send(raw.connect(world.version, world.client_id("twice"))).closed(0x82)


@scenario(V311)
def an_unknown_version_is_refused(world):
    line = raw.Line(world).send(raw.connect(3, "old", name="MQIsdp"))
    equal(line.packet(), (raw.CONNACK << 4, b"\0\1"), "CONNACK")
    equal(line.packet(), None, "after the refusal")
    line = raw.Line(world).send(raw.connect(9, "future"))
    first, body = line.packet()
    equal((first, body[0]), (raw.CONNACK << 4, 0), "CONNACK")
    check(body[1] in (0x01, 0x84), f"return code {body[1]:#04x}")
    equal(line.packet(), None, "after the refusal")


@scenario(V311, V5)
def reserved_flags_close(world):
    for first in (raw.PUBREL << 4, raw.SUBSCRIBE << 4, raw.PINGREQ << 4 | 1, raw.DISCONNECT << 4 | 8):
        line = raw.Line(world)
        line.connects(world, f"flags{first}")
        line.send(raw.packet(first, b"\0\1")).closed(0x81)


@scenario(V311, V5)
def malformed_packets_close(world):
    block = b"\0" if world.version == V5 else b""
    subscription = b"\0\1" + block + raw.text("t")
    for data in (
        raw.packet(0x00, b""),
        raw.publish(world.version, "t", b"x", 3, 1),
        raw.publish(world.version, b"\xc3\x28", b"x"),
        raw.publish(world.version, "a\0b", b"x"),
        raw.packet(raw.SUBSCRIBE << 4 | 2, subscription + b"\3"),
        raw.packet(raw.SUBSCRIBE << 4 | 2, subscription + b"\xc0"),
        b"\x30\xff\xff\xff\xff\x7f",
    ):
        line = raw.Line(world)
        line.connects(world, "malformed")
        line.send(data).closed()


@scenario(V311, V5)
def protocol_errors_close(world):
    block = b"\0" if world.version == V5 else b""
    for data in (
        raw.publish(world.version, "t/+", b"x"),
        raw.publish(world.version, "t/#", b"x"),
        raw.packet(raw.SUBSCRIBE << 4 | 2, b"\0\1" + block),
        raw.packet(raw.UNSUBSCRIBE << 4 | 2, b"\0\1" + block),
        raw.packet(raw.CONNACK << 4, b"\0\0" + block),
        raw.packet(raw.PINGRESP << 4, b""),
    ):
        line = raw.Line(world)
        line.connects(world, "error")
        line.send(data).closed()


@scenario(V5)
def faults_have_their_reasons(world):
    for data, reason in [
        (raw.publish(V5, "t/+", b"x"), 0x90),
        (raw.publish(V5, "t", b"x", block=b"\x23\0\0"), 0x94),
        (raw.publish(V5, "t", b"x", block=b"\x23\xff\xff"), 0x94),
        (raw.publish(V5, "", b"x"), 0x82),
        (raw.publish(V5, "t", b"x", block=b"\x0b\1"), 0x82),
        (raw.publish(V5, "t", b"x", block=b"\1\0\1\0"), 0x82),
        (raw.packet(0x00, b""), 0x81),
        (raw.packet(raw.SUBSCRIBE << 4 | 2, b"\0\1\0" + raw.text("t") + b"\xc0"), 0x81),
        (raw.packet(raw.SUBSCRIBE << 4 | 2, b"\0\1\0" + raw.text("$share/g/t") + b"\4"), 0x82),
    ]:
        line = raw.Line(world)
        line.connects(world, "fault")
        line.send(data).closed(reason)


@scenario(V5)
def handshakes_of_nothing_are_told(world):
    line = raw.Line(world)
    line.connects(world, "lost")
    line.send(raw.packet(raw.PUBREL << 4 | 2, b"\0\7"))
    equal(line.packet(), (raw.PUBCOMP << 4, b"\0\7\x92"), "answer to PUBREL")
    line.send(raw.packet(raw.PUBREC << 4, b"\0\7"))
    equal(line.packet(), (raw.PUBREL << 4 | 2, b"\0\7\x92"), "answer to PUBREC")


@scenario(V5)
def an_authentication_method_is_refused(world):
    block = b"\x15" + raw.text("SCRAM-SHA-1")
    line = raw.Line(world).send(raw.connect(V5, world.client_id("auth"), block=block))
    first, body = line.packet()
    equal(first, raw.CONNACK << 4, "first byte")
    check(body[1] in (0x8C, 0x87), f"reason {body[1]:#04x}")
    equal(line.packet(), None, "after the refusal")


@scenario(V5)
def filters_that_are_none_are_refused_in_the_answer_or_by_a_close(world):
    for text in ("a/#/b", "a+/b", "$share/g", "$share//a"):
        line = raw.Line(world)
        line.connects(world, "filters")
        body = b"\0\1\0" + raw.text(text) + b"\0"
        found = line.send(raw.packet(raw.SUBSCRIBE << 4 | 2, body)).packet()
        if found is not None and found[0] == raw.SUBACK << 4:
            check(found[1][-1] >= 0x80, f"{text} was granted")


@scenario(V311, V5)
def a_qos_2_message_is_taken_once(world):
    line = raw.Line(world)
    line.connects(world, "twice")
    ear = raw.Line(world)
    ear.connects(world, "ear")
    block = b"\0" if world.version == V5 else b""
    ear.send(raw.packet(raw.SUBSCRIBE << 4 | 2, b"\0\1" + block + raw.text(world.topic("t")) + b"\0"))
    equal(ear.packet()[0], raw.SUBACK << 4, "SUBACK")
    message = raw.publish(world.version, world.topic("t"), b"x", 2, 7)
    again = raw.publish(world.version, world.topic("t"), b"x", 2, 7, flags=8)
    for data in (message, again):
        line.send(data)
        equal(line.packet(), (raw.PUBREC << 4, b"\0\7"), "answer to PUBLISH")
    line.send(raw.packet(raw.PUBREL << 4 | 2, b"\0\7"))
    equal(line.packet(), (raw.PUBCOMP << 4, b"\0\7"), "answer to PUBREL")
    line.send(message)
    equal(line.packet(), (raw.PUBREC << 4, b"\0\7"), "answer to another PUBLISH")
    plain = raw.publish(world.version, world.topic("t"), b"x")
    for _ in range(2):
        equal(ear.packet(), (0x30, plain[2:]), "what the subscriber hears")
    ear.send(raw.packet(raw.PINGREQ << 4, b""))
    equal(ear.packet()[0], raw.PINGRESP << 4, "nothing more")
