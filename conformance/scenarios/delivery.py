"""Messages from one client to another."""

from peer import Peer
from scenario import V5, V311, equal, scenario


def pair(world, qos=2):
    ear = Peer(world, "ear").connect()
    ear.subscribe(world.topic("#"), qos)
    return Peer(world, "mouth").connect(), ear


@scenario(V311, V5)
def each_QoS_arrives(world):
    mouth, ear = pair(world)
    for qos in (0, 1, 2):
        mouth.publish(world.topic("t"), f"with {qos}", qos)
        found = ear.hears(world.topic("t"), f"with {qos}", qos, retain=False)
        equal(found.dup, False, "DUP")


@scenario(V311, V5)
def the_lower_QoS_of_both_counts(world):
    mouth = Peer(world, "mouth").connect()
    for granted in (0, 1, 2):
        ear = Peer(world, f"ear{granted}").connect()
        equal(ear.subscribe(world.topic("t"), granted), [granted], "granted")
        for qos in (0, 1, 2):
            mouth.publish(world.topic("t"), "x", qos)
            ear.hears(world.topic("t"), "x", min(granted, qos))


@scenario(V311, V5)
def messages_keep_their_order(world):
    mouth, ear = pair(world)
    for qos in (0, 1, 2):
        infos = [mouth.paho.publish(world.topic("t"), str(n), qos) for n in range(300)]
        for number in range(300):
            ear.hears(world.topic("t"), str(number), qos)
        equal(len(infos), 300, "published")


@scenario(V311, V5)
def payloads_of_any_size_and_any_bytes(world):
    mouth, ear = pair(world)
    for payload in (b"", bytes(range(256)), b"x" * 127, b"x" * 128, b"x" * 200_000):
        mouth.publish(world.topic("t"), payload, 1)
        equal(ear.message().payload, payload, "payload")


@scenario(V311, V5)
def a_publisher_may_hear_itself(world):
    one = Peer(world, "one").connect()
    one.subscribe(world.topic("t"), 1)
    one.publish(world.topic("t"), "mine", 1)
    one.hears(world.topic("t"), "mine", 1)
