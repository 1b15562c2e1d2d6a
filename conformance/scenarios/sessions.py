"""Who a client is, and what is kept for it."""

import raw
from peer import Peer, clock, properties
from scenario import V5, V311, check, equal, scenario


def staying(world, **options):
    expiry = 3600 if world.version == V5 else None
    return Peer(world, "anna", clean=False, session_expiry=expiry, **options)


@scenario(V311, V5)
def a_session_is_taken_up_again(world):
    anna = staying(world).connect()
    equal(anna.session_present, False, "session present at first")
    anna.subscribe(world.topic("t"), 2)
    anna.leave()
    mouth = Peer(world, "mouth").connect()
    for qos in (1, 2):
        mouth.publish(world.topic("t"), f"missed {qos}", qos)
    anna = staying(world).connect()
    equal(anna.session_present, True, "session present")
    for qos in (1, 2):
        anna.hears(world.topic("t"), f"missed {qos}", qos)
    mouth.publish(world.topic("t"), "live", 1)
    anna.hears(world.topic("t"), "live", 1)


@scenario(V311, V5)
def what_was_not_acknowledged_comes_again(world):
    anna = staying(world, manual_ack=True).connect()
    anna.subscribe(world.topic("t"), 1)
    mouth = Peer(world, "mouth").connect()
    for number in range(3):
        mouth.publish(world.topic("t"), str(number), 1)
    first = [anna.hears(world.topic("t"), str(number), 1) for number in range(3)]
    anna.paho.ack(first[0].mid, 1)
    anna.hears_nothing()
    anna.cut()
    anna = staying(world).connect()
    for number in (1, 2):
        found = anna.hears(world.topic("t"), str(number), 1)
        equal((found.dup, found.mid), (True, first[number].mid), "DUP and packet id")
    anna.hears_nothing()


@scenario(V311, V5)
def a_clean_start_begins_anew(world):
    anna = staying(world).connect()
    anna.subscribe(world.topic("t"), 1)
    anna.leave()
    mouth = Peer(world, "mouth").connect()
    mouth.publish(world.topic("t"), "missed", 1)
    anna = Peer(world, "anna").connect()
    equal(anna.session_present, False, "session present")
    mouth.publish(world.topic("t"), "again", 1)
    anna.hears_nothing()
    anna.leave()
    equal(staying(world).connect().session_present, False, "session present behind it")


@scenario(V311, V5)
def a_second_connection_takes_over(world):
    first = staying(world).connect()
    first.subscribe(world.topic("t"), 1)
    second = staying(world).connect()
    reason = first.wait("disconnected")
    if world.version == V5:
        equal(reason.value, 0x8E, "reason of the DISCONNECT")
    equal(second.session_present, True, "session present")
    Peer(world, "mouth").connect().publish(world.topic("t"), "x", 1)
    second.hears(world.topic("t"), "x", 1)


@scenario(V5)
def a_session_without_expiry_ends_with_its_connection(world):
    anna = Peer(world, "anna", clean=False).connect()
    anna.subscribe(world.topic("t"), 1)
    anna.leave()
    equal(Peer(world, "anna", clean=False).connect().session_present, False, "session present")


@scenario(V5)
def a_session_ends_when_its_expiry_has_passed(world):
    anna = Peer(world, "anna", clean=False, session_expiry=1).connect()
    anna.subscribe(world.topic("t"), 1)
    anna.cut()
    clock(world, 2)
    equal(Peer(world, "anna", clean=False).connect().session_present, False, "session present")


@scenario(V5)
def a_goodbye_may_change_the_expiry(world):
    staying(world).connect().leave(SessionExpiryInterval=0)
    anna = staying(world).connect()
    equal(anna.session_present, False, "session present after 0")
    anna.leave(SessionExpiryInterval=100)
    equal(staying(world).connect().session_present, True, "session present after 100")


@scenario(V5)
def a_client_without_a_name_is_given_one(world):
    names = [Peer(world, None).connect().connack.AssignedClientIdentifier for _ in range(3)]
    check(len(set(names)) == 3 and all(names), f"three names: {names}")


@scenario(V311)
def a_client_without_a_name_is_let_in_for_a_clean_session(world):
    for _ in range(2):
        one = Peer(world, None).connect()
        one.subscribe(world.topic("t"), 1)
        one.publish(world.topic("t"), "x", 1)
        one.hears(world.topic("t"), "x", 1)
        one.leave()


@scenario(V311)
def a_client_without_a_name_is_not_let_in_for_a_session_that_stays(world):
    line = raw.Line(world).send(raw.connect(V311, "", clean=False))
    equal(line.packet(), (raw.CONNACK << 4, b"\0\2"), "CONNACK")
    equal(line.packet(), None, "after the refusal")


@scenario(V5)
def the_broker_tells_its_terms(world):
    block = Peer(world, "anna", connect=properties("CONNECT", RequestProblemInformation=0)).connect()
    check(not hasattr(block.connack, "ResponseInformation"), "response information unasked")
