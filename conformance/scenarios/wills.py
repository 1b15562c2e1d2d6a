"""What is published for those who are lost."""

from peer import Peer, clock, properties
from scenario import V5, V311, equal, scenario


def ear_of(world):
    ear = Peer(world, "ear").connect()
    ear.subscribe(world.topic("will/#"), 2)
    return ear


def doomed(world, name="doomed", **options):
    will = (world.topic(f"will/{name}"), "gone", 1, False)
    return Peer(world, name, will=will, **options)


@scenario(V311, V5)
def a_lost_client_leaves_its_will(world):
    ear = ear_of(world)
    doomed(world).connect().cut()
    ear.hears(world.topic("will/doomed"), "gone", 1, retain=False)


@scenario(V311, V5)
def a_goodbye_discards_it(world):
    ear = ear_of(world)
    doomed(world).connect().leave()
    ear.hears_nothing()


@scenario(V311, V5)
def a_will_may_be_retained(world):
    will = (world.topic("will/kept"), "gone", 1, True)
    ear = ear_of(world)
    Peer(world, "kept", will=will).connect().cut()
    ear.hears(world.topic("will/kept"), "gone", 1, retain=False)
    late = Peer(world, "late").connect()
    late.subscribe(world.topic("will/#"), 1)
    late.hears(world.topic("will/kept"), "gone", 1, retain=True)


@scenario(V311, V5)
def a_takeover_with_a_clean_start_publishes_it(world):
    ear = ear_of(world)
    doomed(world).connect()
    doomed(world).connect()
    ear.hears(world.topic("will/doomed"), "gone")


@scenario(V5)
def a_disconnect_may_ask_for_it(world):
    ear = ear_of(world)
    doomed(world).connect().leave(code=0x04)
    ear.hears(world.topic("will/doomed"), "gone")


@scenario(V5)
def a_delayed_will_waits(world):
    ear = ear_of(world)
    delay = properties("WILLMESSAGE", WillDelayInterval=1)
    doomed(world, will_properties=delay, session_expiry=60).connect().cut()
    ear.hears_nothing()
    ear.hears(world.topic("will/doomed"), "gone")


@scenario(V5)
def a_client_that_is_back_in_time_leaves_none(world):
    ear = ear_of(world)
    options = {"will_properties": properties("WILLMESSAGE", WillDelayInterval=1),
               "session_expiry": 60, "clean": False}
    doomed(world, **options).connect().cut()
    equal(doomed(world, **options).connect().session_present, True, "session present")
    clock(world, 2)
    ear.hears_nothing()


@scenario(V5)
def a_will_does_not_outlive_its_session(world):
    ear = ear_of(world)
    delay = properties("WILLMESSAGE", WillDelayInterval=1_000)
    doomed(world, will_properties=delay, session_expiry=1).connect().cut()
    ear.hears(world.topic("will/doomed"), "gone")


@scenario(V5)
def a_will_has_properties(world):
    ear = ear_of(world)
    block = properties("WILLMESSAGE", ContentType="text", UserProperty=[("b", "1"), ("a", "2")])
    doomed(world, will_properties=block).connect().cut()
    found = ear.message().properties
    equal((found.ContentType, found.UserProperty), ("text", [("b", "1"), ("a", "2")]), "properties")
