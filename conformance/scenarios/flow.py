"""Limits on both sides, and silence."""

import time

import raw
from peer import Peer, properties
from scenario import V5, V311, check, equal, scenario


@scenario(V5)
def the_broker_keeps_to_the_receive_maximum_of_a_client(world):
    block = properties("CONNECT", ReceiveMaximum=2)
    ear = Peer(world, "ear", connect=block, manual_ack=True).connect()
    ear.subscribe(world.topic("t"), 1)
    mouth = Peer(world, "mouth").connect()
    for number in range(5):
        mouth.publish(world.topic("t"), str(number), 1)
    under_way = [ear.hears(world.topic("t"), str(number)) for number in range(2)]
    ear.hears_nothing()
    for number in range(2, 5):
        ear.paho.ack(under_way.pop(0).mid, 1)
        under_way.append(ear.hears(world.topic("t"), str(number)))
        ear.hears_nothing()


@scenario(V5)
def a_client_that_exceeds_the_receive_maximum_is_told(world):
    line = raw.Line(world)
    most = raw.connack_number(line.connects(world, "eager"), 0x21, 2) or 65535
    if most == 65535:
        return
    # QoS 2 without PUBREL: none of them is done with.
    packets = [raw.publish(V5, world.topic("t"), b"", 2, number + 1) for number in range(most + 1)]
    line.send(b"".join(packets))
    while (found := line.packet()) is not None and found[0] == raw.PUBREC << 4:
        pass
    check(found is not None, "closed without a reason")
    equal((found[0], found[1][0]), (raw.DISCONNECT << 4, 0x93), "first byte and reason")


@scenario(V5)
def a_client_gets_no_packet_larger_than_it_takes(world):
    ear = Peer(world, "ear", connect=properties("CONNECT", MaximumPacketSize=300)).connect()
    ear.subscribe(world.topic("t"), 1)
    mouth = Peer(world, "mouth").connect()
    for payload in ("x" * 400, "small", "y" * 300, "again"):
        mouth.publish(world.topic("t"), payload, 1)
    ear.hears(world.topic("t"), "small")
    ear.hears(world.topic("t"), "again")


@scenario(V5)
def a_packet_larger_than_the_broker_takes_is_refused(world):
    line = raw.Line(world)
    most = raw.connack_number(line.connects(world, "large"), 0x27, 4)
    if most is None:
        return
    line.send(bytes([raw.PUBLISH << 4]) + raw.length(most) + b"\0\1t\0")
    line.closed(0x95)


@scenario(V311, V5)
def a_silent_client_is_closed(world):
    line = raw.Line(world)
    line.connects(world, "silent", keep_alive=1)
    since = time.monotonic()
    line.closed(0x8D)
    check(time.monotonic() - since >= 1.4, "closed before one and a half keep-alives")


@scenario(V311, V5)
def a_client_that_pings_stays(world):
    line = raw.Line(world)
    line.connects(world, "pinging", keep_alive=1)
    ear = Peer(world, "ear", keep_alive=1).connect()
    ear.subscribe(world.topic("t"))
    since = time.monotonic()
    while time.monotonic() - since < 2.5:
        line.send(raw.packet(raw.PINGREQ << 4, b""))
        equal(line.packet(), (raw.PINGRESP << 4, b""), "answer to a ping")
        # The next ping waits for a beat of the broker's own: a message on its way and back.
        ear.hears_nothing()
    equal(ear.paho.is_connected(), True, "paho pings by itself and is there")


@scenario(V311)
def a_client_that_never_connects_is_closed(world):
    line = raw.Line(world)
    equal(line.packet(seconds=30), None, "what a client hears that says nothing")
