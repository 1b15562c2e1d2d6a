"""Retained messages."""

from peer import Peer
from scenario import V5, V311, scenario


@scenario(V311, V5)
def a_retained_message_greets_until_it_is_cleared(world):
    mouth = Peer(world, "mouth").connect()
    for number, payload in enumerate(("old", "new")):
        mouth.publish(world.topic("t"), payload, 1, retain=True)
        ear = Peer(world, f"ear{number}").connect()
        ear.subscribe(world.topic("+"), 1)
        ear.hears(world.topic("t"), payload, 1, retain=True)
        ear.hears_nothing()
    mouth.publish(world.topic("t"), "", 1, retain=True)
    late = Peer(world, "late").connect()
    late.subscribe(world.topic("+"), 1)
    late.hears_nothing()


@scenario(V311, V5)
def a_message_without_retain_changes_nothing(world):
    mouth = Peer(world, "mouth").connect()
    mouth.publish(world.topic("t"), "kept", 0, retain=True)
    mouth.publish(world.topic("t"), "passing", 0)
    mouth.publish(world.topic("t"), "", 1)
    ear = Peer(world, "ear").connect()
    ear.subscribe(world.topic("t"))
    ear.hears(world.topic("t"), "kept", retain=True)


@scenario(V311, V5)
def subscribing_again_sends_it_again(world):
    mouth = Peer(world, "mouth").connect()
    mouth.publish(world.topic("t"), "kept", 1, retain=True)
    ear = Peer(world, "ear").connect()
    for _ in range(2):
        ear.subscribe(world.topic("t"), 1)
        ear.hears(world.topic("t"), "kept", retain=True)


@scenario(V311, V5)
def an_established_subscription_sees_no_retain_flag(world):
    ear = Peer(world, "ear").connect()
    ear.subscribe(world.topic("t"), 1)
    Peer(world, "mouth").connect().publish(world.topic("t"), "x", 1, retain=True)
    ear.hears(world.topic("t"), "x", retain=False)


@scenario(V5)
def retain_as_published_passes_the_flag_on(world):
    ear = Peer(world, "ear").connect()
    ear.subscribe(world.topic("t"), 1, retainAsPublished=True)
    mouth = Peer(world, "mouth").connect()
    for retain in (True, False):
        mouth.publish(world.topic("t"), "x", 1, retain=retain)
        ear.hears(world.topic("t"), "x", retain=retain)


@scenario(V5)
def retain_handling_says_when_to_be_greeted(world):
    mouth = Peer(world, "mouth").connect()
    mouth.publish(world.topic("t"), "kept", 1, retain=True)
    ear = Peer(world, "ear").connect()
    ear.subscribe(world.topic("t"), 1, retainHandling=2)
    ear.hears_nothing()
    ear.unsubscribe(world.topic("t"))
    ear.subscribe(world.topic("t"), 1, retainHandling=1)
    ear.hears(world.topic("t"), "kept", retain=True)
    ear.subscribe(world.topic("t"), 1, retainHandling=1)
    ear.hears_nothing()
    ear.subscribe(world.topic("t"), 1, retainHandling=0)
    ear.hears(world.topic("t"), "kept", retain=True)
